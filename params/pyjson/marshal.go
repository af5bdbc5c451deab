// Package pyjson holds values as Python holds them and writes them as Python
// writes them: an ordered mapping, numbers by repr, JSON by json.dumps.
//
// The hashes of DVC's run-cache and of .dir manifests, metrics.json and the
// columns of DVC's tables are made of exactly these bytes.
//
// The values are nil, bool, int64 (other Go integers are accepted), *big.Int,
// float64, string, []any and *Map.
package pyjson

import (
	"fmt"
	"iter"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Style says how Marshal lays JSON out. The zero value is one line with ", "
// and ": " between the parts, keys in their own order, non-ASCII characters
// as they are.
type Style struct {
	Indent   int  // blanks per level; 0 means one line
	SortKeys bool // by code point
	ASCII    bool // \uXXXX for everything outside U+0020–U+007E, as Python does by default
}

// Marshal returns v as json.dumps writes it, without a final newline. Numbers
// that JSON lacks come out as NaN, Infinity and -Infinity. Keys that are no
// strings become the text of their JSON value. A value of another type than
// the package's is an error.
func Marshal(v any, s Style) ([]byte, error) {
	return Append(nil, v, s)
}

// Append is Marshal onto dst.
func Append(dst []byte, v any, s Style) ([]byte, error) {
	e := encoder{Style: s, out: dst}
	if err := e.value(v, 0); err != nil {
		return nil, err
	}
	return e.out, nil
}

// maxDepth stops values that contain themselves.
const maxDepth = 1000

// mapping is what a *Map offers, and other ordered mappings may.
type mapping interface {
	Len() int
	All() iter.Seq2[any, any]
}

// encoder appends to out, which begins with what the caller had.
type encoder struct {
	Style
	out []byte
}

// value writes v; depth is how many collections are open around it.
func (e *encoder) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("value is nested more than %d levels deep", maxDepth)
	}
	switch v := v.(type) {
	case string:
		e.out = AppendString(e.out, v, e.ASCII)
	case []any:
		return e.list(len(v), func(i int) any { return v[i] }, depth)
	case []string:
		return e.list(len(v), func(i int) any { return v[i] }, depth)
	case map[string]any:
		return e.object(sortedMap(v), depth)
	case mapping:
		return e.object(v, depth)
	default:
		text, ok := scalarText(v)
		if !ok {
			return fmt.Errorf("value of type %T cannot be written as JSON", v)
		}
		e.out = append(e.out, text...)
	}
	return nil
}

// list writes n values in brackets. An empty list has no line break in it, not
// even with an indentation.
func (e *encoder) list(n int, at func(int) any, depth int) error {
	if n == 0 {
		e.out = append(e.out, "[]"...)
		return nil
	}
	e.out = append(e.out, '[')
	for i := range n {
		e.separate(i, depth+1)
		if err := e.value(at(i), depth+1); err != nil {
			return err
		}
	}
	e.newline(depth)
	e.out = append(e.out, ']')
	return nil
}

// object writes the pairs of m in its order, or sorted. Two keys that become
// the same text, as 1 and "1" do, are both written, as by json.dumps.
func (e *encoder) object(m mapping, depth int) error {
	if m.Len() == 0 {
		e.out = append(e.out, "{}"...)
		return nil
	}
	e.out = append(e.out, '{')
	all := m.All()
	if e.SortKeys {
		all = sortKeys(m)
	}
	i := 0
	for k, v := range all {
		e.separate(i, depth+1)
		i++
		name, err := keyText(k)
		if err != nil {
			return err
		}
		e.out = AppendString(e.out, name, e.ASCII)
		e.out = append(e.out, ": "...)
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	e.newline(depth)
	e.out = append(e.out, '}')
	return nil
}

// separate writes what stands before item i of a collection at depth.
func (e *encoder) separate(i, depth int) {
	switch {
	// Since Python 3.4 no blank follows a comma at the end of a line.
	case i > 0 && e.Indent > 0:
		e.out = append(e.out, ',')
	case i > 0:
		e.out = append(e.out, ", "...)
	}
	e.newline(depth)
}

// newline begins a line at depth, unless everything stands on one.
func (e *encoder) newline(depth int) {
	if e.Indent == 0 {
		return
	}
	e.out = append(e.out, '\n')
	for range depth * e.Indent {
		e.out = append(e.out, ' ')
	}
}

// scalarText is the JSON text of a value that is neither string nor collection.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "null", true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", true
		case math.IsInf(v, 1):
			return "Infinity", true
		case math.IsInf(v, -1):
			return "-Infinity", true
		}
		return string(AppendFloat(nil, v)), true
	case *big.Int:
		return v.String(), true
	case int, int8, int16, int32, uint, uint8, uint16, uint32, uint64:
		return fmt.Sprint(v), true
	case float32:
		return scalarText(float64(v))
	}
	return "", false
}

// keyText is the text of a key: 1, true and null are keys "1", "true" and
// "null", and a float has its repr.
func keyText(k any) (string, error) {
	if s, ok := k.(string); ok {
		return s, nil
	}
	s, ok := scalarText(k)
	if !ok {
		return "", fmt.Errorf("key of type %T cannot be written as JSON", k)
	}
	return s, nil
}

// sortKeys goes through the pairs by the text of their keys, compared by bytes,
// which for UTF-8 is by code points. Python sorts the keys themselves, before
// they become text; for keys that are all strings it is the same.
func sortKeys(m mapping) iter.Seq2[any, any] {
	type pair struct {
		name string
		k, v any
	}
	pairs := make([]pair, 0, m.Len())
	for k, v := range m.All() {
		name, _ := keyText(k) // a bad key is reported when it is written
		pairs = append(pairs, pair{name, k, v})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return func(yield func(any, any) bool) {
		for _, p := range pairs {
			if !yield(p.k, p.v) {
				return
			}
		}
	}
}

// sortedMap gives a Go map an order of its own, by key: its pairs would come in
// another order at every run.
func sortedMap(m map[string]any) *Map {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := &Map{}
	for _, k := range keys {
		out.Set(k, m[k])
	}
	return out
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. With ascii every character outside
// U+0020–U+007E is escaped, beyond U+FFFF as a surrogate pair; without it only
// quotes, backslashes and characters below U+0020 are.
func AppendString(dst []byte, s string, ascii bool) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		// U+007F and more stay as they are without ascii; with it, U+007F is
		// escaped, since Python's pattern keeps only the blank to the tilde.
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' || c >= 0x7f && !ascii {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		dst = appendEscape(dst, r)
		i += n
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape appends one character as an escape: by its letter if it has one,
// else as \uXXXX in small hexadecimal digits, or two of these.
func appendEscape(dst []byte, r rune) []byte {
	if i := strings.IndexRune("\"\\\n\r\t\b\f", r); i >= 0 {
		return append(dst, '\\', "\"\\nrtbf"[i])
	}
	if r > 0xffff {
		r -= 0x10000
		dst = appendU(dst, 0xd800+r>>10)
		r = 0xdc00 + r&0x3ff
	}
	return appendU(dst, r)
}

// appendU appends one 16-bit unit.
func appendU(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}
