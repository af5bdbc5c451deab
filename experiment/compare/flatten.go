package compare

import (
	"iter"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// leaves ranges over the leaves of a mapping by dotted name, as DVC does:
// lists are leaves, empty mappings vanish.
func leaves(v any) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if m, ok := v.(*pyjson.Map); ok {
			flatten("", m, yield)
		}
	}
}

// flatten returns false once yield wants no more. Keys that are no strings
// are named as Python's str has them.
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

// rounded turns floats into their texts. In a list or mapping Python prints
// such texts with quotes, an oddity of DVC's that is kept here.
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
	// Go and Python agree on %g but for these three names.
	switch s := strconv.FormatFloat(f, 'g', precision, 64); s {
	case "+Inf":
		return "inf"
	case "-Inf":
		return "-inf"
	default:
		return strings.Replace(s, "NaN", "nan", 1)
	}
}
