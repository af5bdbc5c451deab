package experiment

import (
	"iter"
	"math/big"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/pyjson"
)

// Flatten ranges over the leaves of a mapping by dotted name, as DVC does:
// lists are leaves, empty mappings vanish.
func Flatten(v any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if m, ok := v.(*pyjson.Map); ok {
			flatten("", m, yield)
		}
	}
}

func flatten(prefix string, m *pyjson.Map, yield func(string, any) bool) bool {
	for k, v := range m.All() {
		name := prefix + pyjson.Str(k)
		if sub, ok := v.(*pyjson.Map); ok {
			if !flatten(name+".", sub, yield) {
				return false
			}
		} else if !yield(name, v) {
			return false
		}
	}
	return true
}

// formatCell is Python's str of a value, with floats, also in collections, in
// %.<precision>g if precision is not 0.
func formatCell(v any, precision int) string {
	return pyjson.Str(rounded(v, precision))
}

func rounded(v any, precision int) any {
	if precision == 0 {
		return v
	}
	switch v := v.(type) {
	case float64:
		return formatG(v, precision)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = rounded(v[i], precision)
		}
		return out
	case *pyjson.Map:
		out := pyjson.NewMap()
		for k, x := range v.All() {
			out.Set(k, rounded(x, precision))
		}
		return out
	}
	return v
}

// formatG is Python's format(f, ".<precision>g").
func formatG(f float64, precision int) string {
	switch s := strconv.FormatFloat(f, 'g', precision, 64); s {
	case "+Inf":
		return "inf"
	case "-Inf":
		return "-inf"
	default:
		return strings.Replace(s, "NaN", "nan", 1)
	}
}

// minus is Python's a - b of two numbers.
func minus(a, b any) any {
	x, xi := integer(a)
	y, yi := integer(b)
	if xi && yi {
		d := new(big.Int).Sub(x, y)
		if d.IsInt64() {
			return d.Int64()
		}
		return d
	}
	fx, _ := pyjson.Number(a)
	fy, _ := pyjson.Number(b)
	return fx - fy
}

func integer(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return new(big.Int), true
	case int64:
		return big.NewInt(v), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// equal is Python's ==, for the leaves of params and metrics.
func equal(a, b any) bool {
	if x, ok := pyjson.Number(a); ok {
		y, ok := pyjson.Number(b)
		if !ok {
			return false
		}
		if i, ok := integer(a); ok {
			if j, ok := integer(b); ok {
				return i.Cmp(j) == 0
			}
		}
		return x == y
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *pyjson.Map:
		b, ok := b.(*pyjson.Map)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for k, v := range a.All() {
			if w, ok := b.Get(k); !ok || !equal(v, w) {
				return false
			}
		}
		return true
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && s == a
	}
	return pyjson.Repr(a) == pyjson.Repr(b)
}
