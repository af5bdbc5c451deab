package dvcyaml

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Map is the ordered mapping that Decode returns and Marshal writes.
type Map = pyjson.Map

// NewMap makes a Map from keys and values in turn.
func NewMap(kv ...any) *Map { return pyjson.NewMap(kv...) }

// maxSimpleKey is the number of characters from which a key is written in the
// explicit form "? key".
const maxSimpleKey = 123

// Marshal writes v as DVC writes a new file: block style, two blanks per
// mapping, sequences not indented, insertion order, a final newline. A
// collection that occurs twice (the same *Map, or the same []any by its
// backing array) is written once with an anchor.
//
// It takes nil, bool, Go integers, *big.Int, float64, string, [Date],
// time.Time, []any, []string, *Map and map[string]any (by key order); any
// other type is a mistake of the caller and makes it panic, as does a
// collection that contains itself.
func Marshal(v any) []byte {
	e := emitter{buf: make([]byte, 0, 512)}
	e.findShared(v)
	switch v := normal(v).(type) {
	case *Map:
		if v.Len() > 0 {
			e.mapping(v, 0)
			return e.buf
		}
	case []any:
		if len(v) > 0 {
			e.sequence(v, 0)
			return e.buf
		}
	}
	return e.topScalar(v)
}

// emitter writes block style. col counts code points since the last newline.
// The column decides where words are broken, and must be right at any time:
// text is written through its methods only, or col set by hand.
type emitter struct {
	buf    []byte
	col    int
	names  map[ident]string // anchors of the collections met more than once
	placed map[ident]bool
	depth  int
	root   bool // the document is one scalar: words are broken without look-ahead
}

// newline ends the line; the columns of the next count from 0.
func (e *emitter) newline() {
	e.buf = append(e.buf, '\n')
	e.col = 0
}

// blanks are copied in one piece, enough for most indentations at once.
const blanks = "                                                                                "

func (e *emitter) indent(n int) {
	e.col += n
	for n > len(blanks) {
		e.buf = append(e.buf, blanks...)
		n -= len(blanks)
	}
	e.buf = append(e.buf, blanks[:n]...)
}

// ascii writes text of single-byte characters.
func (e *emitter) ascii(s string) {
	e.buf = append(e.buf, s...)
	e.col += len(s)
}

// text writes text without line breaks.
func (e *emitter) text(s string) {
	e.buf = append(e.buf, s...)
	e.col += utf8.RuneCountInString(s)
}

// mapping writes the pairs of m with their keys at column ind; the first key
// continues the line when something already stands on it.
func (e *emitter) mapping(m *Map, ind int) {
	e.enter()
	defer e.leave()
	for k, v := range m.All() {
		if e.col > ind { // only ever the first pair, after its dash
			panic("dvcyaml: mapping starts past its column")
		}
		e.indent(ind - e.col)
		if e.key(k, ind) {
			e.explicitValue(v, ind)
			continue
		}
		e.ascii(":")
		e.valueOf(v, ind)
	}
}

// valueOf writes what follows "key:", with the line end.
func (e *emitter) valueOf(v any, ind int) {
	v = normal(v)
	// A null is nothing after "key:", not even a blank.
	if v == nil {
		e.newline()
		return
	}
	if alias, _ := e.anchor(v); alias {
		e.newline()
		return
	}
	switch v := v.(type) {
	case *Map:
		if v.Len() > 0 {
			e.newline()
			e.mapping(v, ind+2)
			return
		}
	case []any:
		if len(v) > 0 {
			e.newline()
			e.sequence(v, ind)
			return
		}
	}
	e.ascii(" ")
	e.scalar(v, ind+2)
	e.newline()
}

// explicitValue writes the ": value" line under a "? key" line.
func (e *emitter) explicitValue(v any, ind int) {
	e.newline()
	e.indent(ind)
	e.ascii(":")
	v = normal(v)
	if v == nil {
		e.newline()
		return
	}
	e.item(v, ind)
}

// sequence writes the items of l with their dashes at column ind.
func (e *emitter) sequence(l []any, ind int) {
	e.enter()
	defer e.leave()
	for _, v := range l {
		e.indent(ind - e.col)
		e.ascii("-")
		e.item(normal(v), ind)
	}
}

// item writes what follows a dash (or the ":" of an explicit value) at column
// ind, with the line end.
func (e *emitter) item(v any, ind int) {
	alias, anchored := e.anchor(v)
	if alias {
		e.newline()
		return
	}
	m, isMap := v.(*Map)
	l, isList := v.([]any)
	if isMap && m.Len() > 0 || isList && len(l) > 0 {
		// A collection may begin beside its dash, but not beside an anchor.
		if anchored {
			e.newline()
		} else {
			e.ascii(" ")
		}
		if isMap {
			e.mapping(m, ind+2)
		} else {
			e.sequence(l, ind+2)
		}
		return
	}
	e.ascii(" ")
	if v != nil {
		e.scalar(v, ind+2)
	}
	e.newline()
}

// key writes k without its colon and reports whether the explicit form was
// needed.
func (e *emitter) key(k any, ind int) (explicit bool) {
	s, isString := k.(string)
	// Nearly every key, without any analysis.
	if isString && len(s) < 80 && isSimplePlain(s) {
		e.ascii(s)
		return false
	}
	if !isString {
		if k == nil {
			e.ascii("null")
			return false
		}
		e.word(scalarText(k), ind+2)
		return false
	}
	st := styleOf(s)
	// The length is that of the string, before quotes and escapes. A key with a
	// line break is never simple.
	if utf8.RuneCountInString(s) >= maxSimpleKey || analyse(s).multiline {
		e.ascii("? ")
		e.styled(s, st, ind+2, true)
		return true
	}
	e.styled(s, st, ind+2, false)
	return false
}

// scalar writes a value that is no filled collection. Continuation lines are
// indented by ind.
func (e *emitter) scalar(v any, ind int) {
	switch v := v.(type) {
	case string:
		e.styled(v, styleOf(v), ind, true)
	case *Map:
		e.ascii("{}")
	case []any:
		e.ascii("[]")
	default:
		e.word(scalarText(v), ind)
	}
}

// styled writes s in a style; split allows line breaks inside quotes, which a
// simple key cannot have.
func (e *emitter) styled(s string, st style, ind int, split bool) {
	switch st {
	case plain:
		e.plain(s, ind)
	case single:
		e.single(s, ind, split)
	default:
		e.double(s, ind, split)
	}
}

// topScalar writes a document that is one scalar or one empty collection.
func (e *emitter) topScalar(v any) []byte {
	v = normal(v)
	e.root = true
	switch s := v.(type) {
	case *Map, []any:
		e.scalar(v, 0)
	case string:
		e.scalar(v, 0)
		// A scalar without quotes leaves the end of the document open, so the
		// writer marks it.
		if styleOf(s) == plain {
			e.ascii("\n...")
		}
	case nil:
		e.ascii("null\n...")
	default:
		e.scalar(v, 0)
		e.ascii("\n...")
	}
	e.newline()
	return e.buf
}

// enter counts a collection that is opened, and stops one that contains itself.
func (e *emitter) enter() {
	if e.depth++; e.depth > maxDepth {
		panic(fmt.Sprintf("dvcyaml: value is nested more than %d levels deep", maxDepth))
	}
}

// leave counts it as closed.
func (e *emitter) leave() { e.depth-- }

// normal turns the convenient Go types into the ones that Decode returns.
func normal(v any) any {
	switch v := v.(type) {
	case []string:
		l := make([]any, len(v))
		for i, s := range v {
			l[i] = s
		}
		return l
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		m := &Map{}
		for _, k := range keys {
			m.Set(k, v[k])
		}
		return m
	}
	return v
}

// scalarText is the text of a scalar that is no string.
func scalarText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return ".nan"
		case math.IsInf(v, 1):
			return ".inf"
		case math.IsInf(v, -1):
			return "-.inf"
		}
		return string(pyjson.AppendFloat(nil, v))
	case float32:
		return scalarText(float64(v))
	case *big.Int:
		return v.String()
	case Date:
		return v.String()
	// Without a zone where the offset is zero: a time in UTC and one with no
	// zone are written alike.
	case time.Time:
		return timeText(v)
	case int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v)
	}
	panic(fmt.Sprintf("dvcyaml: cannot write a %T", v))
}

// timeText is Python's datetime.isoformat(" ").
func timeText(t time.Time) string {
	s := t.Format("2006-01-02 15:04:05")
	if us := t.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if _, offset := t.Zone(); offset != 0 {
		s += t.Format("-07:00")
	}
	return s
}
