package pyjson

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// SyntaxError is a JSON text that json.loads would refuse.
type SyntaxError struct {
	File         string
	Line, Column int // both from 1; the column counts characters
	Offset       int // in bytes
	Msg          string
}

// Error is the message with file, line and column in front.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Decode reads one JSON value as json.loads does: objects become *Map in the
// order of the text (the last of equal keys wins), integers are exact, and
// NaN, Infinity and -Infinity are numbers. file names the text in errors,
// which are of type *[SyntaxError].
func Decode(file string, data []byte) (any, error) {
	d := decoder{data: data}
	v, err := d.document()
	if err != nil {
		return nil, d.locate(file, err)
	}
	return v, nil
}

// MaxDigits is how many decimal digits Python reads as an integer. Reading takes
// time with their square, and so does all that is done with the number then.
const MaxDigits = 4300

// decoder reads data from the front; pos never passes its end.
type decoder struct {
	data []byte
	pos  int
}

// failure is an error at a byte offset.
type failure struct {
	at  int
	msg string
}

func (f *failure) Error() string { return f.msg }

func (d *decoder) fail(at int, msg string) error { return &failure{at, msg} }

// locate gives a failure its file, line and column. This counts from the start
// of the text, so it is done once, at the end, and not while reading.
func (d *decoder) locate(file string, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	before := string(d.data[:min(f.at, len(d.data))])
	last := before[strings.LastIndexByte(before, '\n')+1:]
	return &SyntaxError{
		File: file, Line: 1 + strings.Count(before, "\n"), Column: 1 + utf8.RuneCountInString(last),
		Offset: f.at, Msg: f.msg,
	}
}

func (d *decoder) document() (any, error) {
	if !utf8.Valid(d.data) {
		return nil, d.fail(0, "not valid UTF-8")
	}
	// json.loads refuses a text that begins with the mark, too: it says to
	// decode with utf-8-sig.
	if strings.HasPrefix(string(d.data[:min(3, len(d.data))]), "\ufeff") {
		return nil, d.fail(0, "unexpected UTF-8 BOM")
	}
	d.space()
	v, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos < len(d.data) {
		return nil, d.fail(d.pos, "extra data")
	}
	return v, nil
}

// space passes white space: JSON's four characters and no other of Unicode's.
func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, and 0 at the end: a NUL is valid nowhere outside
// a string, so both lead to the same errors.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

// words are the literals, with the three that JSON lacks and Python reads and
// writes all the same. -Infinity is tried before a number, which also begins
// with a minus.
var words = []struct {
	text  string
	value any
}{
	{"null", nil},
	{"true", true},
	{"false", false},
	{"NaN", math.NaN()},
	{"Infinity", math.Inf(1)},
	{"-Infinity", math.Inf(-1)},
}

// value reads one value; depth is how many collections are open around it. A
// word is taken by its beginning alone: nullx is null, and then an error at the
// x, as in Python.
func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, d.fail(d.pos, fmt.Sprintf("nested more than %d levels deep", maxDepth))
	}
	switch c := d.peek(); {
	case c == '"':
		return d.string()
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	}
	rest := d.data[d.pos:]
	for _, w := range words {
		if len(rest) >= len(w.text) && string(rest[:len(w.text)]) == w.text {
			d.pos += len(w.text)
			return w.value, nil
		}
	}
	return d.number()
}

// digits passes decimal digits and returns how many they are.
func (d *decoder) digits() int {
	n := 0
	for d.pos < len(d.data) && d.data[d.pos] >= '0' && d.data[d.pos] <= '9' {
		d.pos++
		n++
	}
	return n
}

// number reads as much as Python's pattern
// (-?)(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)? matches: 1. is the number 1 and an
// error at the point. A point or an exponent makes it a float, even 1e2;
// without, it is an integer of any length.
func (d *decoder) number() (any, error) {
	start := d.pos
	if d.peek() == '-' {
		d.pos++
	}
	if d.peek() == '0' {
		d.pos++
	} else if d.digits() == 0 {
		return nil, d.fail(start, "expecting value")
	}
	float := false
	if mark := d.pos; d.peek() == '.' {
		d.pos++
		if float = d.digits() > 0; !float {
			d.pos = mark
		}
	}
	if mark, c := d.pos, d.peek(); c == 'e' || c == 'E' {
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if d.digits() > 0 {
			float = true
		} else {
			d.pos = mark
		}
	}
	text := string(d.data[start:d.pos])
	if float {
		f, _ := strconv.ParseFloat(text, 64) // out of range is infinity, as in Python
		return f, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if len(strings.TrimPrefix(text, "-")) > MaxDigits {
		return nil, d.fail(start, fmt.Sprintf("an integer of more than %d digits", MaxDigits))
	}
	n, _ := new(big.Int).SetString(text, 10)
	return n, nil
}

func (d *decoder) array(depth int) (any, error) {
	d.pos++
	// Never nil, so that an empty array is told from null by those who look at
	// the slice.
	list := make([]any, 0, 1)
	if d.space(); d.peek() == ']' {
		d.pos++
		return list, nil
	}
	for {
		d.space()
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		switch d.space(); d.peek() {
		case ',':
			d.pos++
		case ']':
			d.pos++
			return list, nil
		default:
			return nil, d.fail(d.pos, "expecting ',' delimiter")
		}
	}
}

// object reads the members of an object. Of equal keys the last value counts,
// at the place of the first, as in a Python dict.
func (d *decoder) object(depth int) (any, error) {
	d.pos++
	m := &Map{}
	if d.space(); d.peek() == '}' {
		d.pos++
		return m, nil
	}
	for {
		d.space()
		if d.peek() != '"' {
			return nil, d.fail(d.pos, "expecting property name enclosed in double quotes")
		}
		key, err := d.string()
		if err != nil {
			return nil, err
		}
		if d.space(); d.peek() != ':' {
			return nil, d.fail(d.pos, "expecting ':' delimiter")
		}
		d.pos++
		d.space()
		v, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Set(key, v)
		switch d.space(); d.peek() {
		case ',':
			d.pos++
		case '}':
			d.pos++
			return m, nil
		default:
			return nil, d.fail(d.pos, "expecting ',' delimiter")
		}
	}
}

// string reads a string at its opening quote. buf stays nil until the first
// escape sequence: text without any is copied once; from is where the text not
// yet in buf begins.
func (d *decoder) string() (string, error) {
	start := d.pos
	d.pos++
	from := d.pos
	var buf []byte
	for d.pos < len(d.data) {
		switch c := d.data[d.pos]; {
		case c == '"':
			text := d.data[from:d.pos]
			d.pos++
			if buf == nil {
				return string(text), nil
			}
			return string(append(buf, text...)), nil
		case c < 0x20:
			return "", d.fail(d.pos, "invalid control character")
		case c == '\\':
			buf = append(buf, d.data[from:d.pos]...)
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			buf = utf8.AppendRune(buf, r)
			from = d.pos
		default:
			d.pos++
		}
	}
	return "", d.fail(start, "unterminated string")
}

// escape reads an escape sequence at the backslash. Half a surrogate pair is
// U+FFFD: Go strings cannot hold it.
func (d *decoder) escape() (rune, error) {
	at := d.pos
	d.pos++
	c := d.peek()
	if i := strings.IndexByte(`"\/nrtbf`, c); i >= 0 && d.pos < len(d.data) {
		d.pos++
		return rune("\"\\/\n\r\t\b\f"[i]), nil
	}
	if c != 'u' {
		return 0, d.fail(at, `invalid \escape`)
	}
	r, err := d.hex(at)
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	mark := d.pos
	// A second escape sequence that is no low half is left for the next round,
	// where it counts by itself.
	if d.pos+1 < len(d.data) && d.data[d.pos] == '\\' && d.data[d.pos+1] == 'u' {
		d.pos++
		if low, err := d.hex(mark); err == nil {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
		d.pos = mark
	}
	return utf8.RuneError, nil
}

// hex reads uXXXX.
func (d *decoder) hex(at int) (rune, error) {
	if d.pos+5 <= len(d.data) {
		if n, err := strconv.ParseUint(string(d.data[d.pos+1:d.pos+5]), 16, 16); err == nil {
			d.pos += 5
			return rune(n), nil
		}
	}
	return 0, d.fail(at, `invalid \uXXXX escape`)
}
