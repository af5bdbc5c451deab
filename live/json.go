package live

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/pyjson"
)

// maxDepth bounds the nesting of a JSON file.
const maxDepth = 1000

// parseJSON reads what Python's json module reads: JSON, and the bare words
// NaN, Infinity and -Infinity. Integers keep their size, mappings their order;
// of a repeated key the last value stands at the first place.
func parseJSON(data []byte) (any, error) {
	p := &jsonParser{data: data}
	v, err := p.value(0)
	if err == nil {
		if p.space(); p.pos < len(data) {
			err = errors.New("text after the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("offset %d: %w", p.pos, err)
	}
	return v, nil
}

type jsonParser struct {
	data []byte
	pos  int
}

var errJSONEnd = errors.New("unexpected end")

func (p *jsonParser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek skips space and returns the next byte, 0 at the end.
func (p *jsonParser) peek() byte {
	p.space()
	if p.pos >= len(p.data) {
		return 0
	}
	return p.data[p.pos]
}

func (p *jsonParser) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("nested too deeply")
	}
	switch c := p.peek(); c {
	case 0:
		return nil, errJSONEnd
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.text()
	}
	for _, w := range jsonWords {
		if n := len(w.text); len(p.data)-p.pos >= n && string(p.data[p.pos:p.pos+n]) == w.text {
			p.pos += n
			return w.val, nil
		}
	}
	return p.number()
}

var jsonWords = []struct {
	text string
	val  any
}{
	{"null", nil},
	{"true", true},
	{"false", false},
	{"NaN", math.NaN()},
	{"Infinity", math.Inf(1)},
	{"-Infinity", math.Inf(-1)},
}

func (p *jsonParser) object(depth int) (any, error) {
	m := new(pyjson.Map)
	p.pos++
	for first := true; ; first = false {
		c := p.peek()
		if c == '}' && first {
			p.pos++
			return m, nil
		}
		if c != '"' {
			return nil, errors.New("expected a key in double quotes")
		}
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if p.peek() != ':' {
			return nil, errors.New("expected ':' after a key")
		}
		p.pos++
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m.Set(key, v)
		if done, err := p.next('}'); done || err != nil {
			return m, err
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	list := []any{}
	p.pos++
	if p.peek() == ']' {
		p.pos++
		return list, nil
	}
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if done, err := p.next(']'); done || err != nil {
			return list, err
		}
	}
}

// next consumes a comma or the closing bracket.
func (p *jsonParser) next(end byte) (done bool, err error) {
	switch p.peek() {
	case ',':
		p.pos++
		return false, nil
	case end:
		p.pos++
		return true, nil
	case 0:
		return false, errJSONEnd
	}
	return false, fmt.Errorf("expected ',' or '%c'", end)
}

func (p *jsonParser) text() (string, error) {
	p.pos++
	start := p.pos
	var buf []byte
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := append(buf, p.data[start:p.pos]...)
			p.pos++
			return string(s), nil
		case c < ' ':
			return "", errors.New("control character in a string")
		case c == '\\':
			buf = append(buf, p.data[start:p.pos]...)
			var err error
			if buf, err = p.escape(buf); err != nil {
				return "", err
			}
			start = p.pos
		case c < utf8.RuneSelf:
			p.pos++
		default:
			r, n := utf8.DecodeRune(p.data[p.pos:])
			if r == utf8.RuneError && n == 1 {
				return "", errors.New("not UTF-8")
			}
			p.pos += n
		}
	}
	return "", errJSONEnd
}

func (p *jsonParser) escape(buf []byte) ([]byte, error) {
	if p.pos+1 >= len(p.data) {
		return nil, errJSONEnd
	}
	c := p.data[p.pos+1]
	p.pos += 2
	switch c {
	case '"', '\\', '/':
		return append(buf, c), nil
	case 'b':
		return append(buf, '\b'), nil
	case 'f':
		return append(buf, '\f'), nil
	case 'n':
		return append(buf, '\n'), nil
	case 'r':
		return append(buf, '\r'), nil
	case 't':
		return append(buf, '\t'), nil
	case 'u':
		r, ok := p.hex4()
		if !ok {
			return nil, errors.New("bad \\u escape")
		}
		if utf16.IsSurrogate(r) && p.pos+1 < len(p.data) && p.data[p.pos] == '\\' && p.data[p.pos+1] == 'u' {
			back := p.pos
			p.pos += 2
			low, ok := p.hex4()
			if pair := utf16.DecodeRune(r, low); ok && pair != utf8.RuneError {
				return utf8.AppendRune(buf, pair), nil
			}
			p.pos = back
		}
		return utf8.AppendRune(buf, r), nil
	}
	return nil, errors.New("unknown escape")
}

func (p *jsonParser) hex4() (rune, bool) {
	if p.pos+4 > len(p.data) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 16)
	p.pos += 4
	return rune(n), err == nil
}

// number reads an integer of any size or a float.
func (p *jsonParser) number() (any, error) {
	start, integer := p.pos, true
	digits := func() bool {
		from := p.pos
		for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
			p.pos++
		}
		return p.pos > from
	}
	at := func(set string) bool {
		for i := range len(set) {
			if p.pos < len(p.data) && p.data[p.pos] == set[i] {
				p.pos++
				return true
			}
		}
		return false
	}
	at("-")
	ok := at("0") || digits()
	if ok && at(".") {
		integer, ok = false, digits()
	}
	if ok && at("eE") {
		integer = false
		at("+-")
		ok = digits()
	}
	if !ok {
		return nil, errors.New("expected a value")
	}
	text := string(p.data[start:p.pos])
	if !integer {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return nil, err
		}
		return f, nil
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	b, good := new(big.Int).SetString(text, 10)
	if !good {
		return nil, errors.New("bad integer")
	}
	return b, nil
}
