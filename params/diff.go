package params

import (
	"math/big"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Change is a leaf that two parameter sets do not agree on.
type Change struct {
	Key      string // dotted
	Old, New any    // nil when the side lacks the key; lists as Python text
}

// Delta is New - Old where both are numbers; booleans count as 0 and 1.
func (c Change) Delta() (any, bool) { return pyjson.Subtract(c.New, c.Old) }

// Diff compares two contents as `dvc params diff` does, sorted by key. Lists
// are compared as their Python text, a null and a missing key are the same,
// and mappings without keys vanish. Either side may be nil. With unchanged,
// the leaves that agree are listed too.
func Diff(old, new any, unchanged bool) []Change {
	a, b := flat(old), flat(new)
	keys := make([]string, 0, len(a)+len(b))
	for k := range a {
		keys = append(keys, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	// By bytes, which for UTF-8 is by code points, as Python sorts text.
	slices.SortFunc(keys, strings.Compare)
	var out []Change
	for _, k := range keys {
		// A key that one side lacks is nil there, which equals a null: DVC
		// looks both up in a defaultdict of None.
		if unchanged || !Equal(a[k], b[k]) {
			out = append(out, Change{k, a[k], b[k]})
		}
	}
	return out
}

// Equal compares values as Python does: 1, 1.0 and true are equal, mappings
// have no order, a not-a-number equals nothing.
func Equal(a, b any) bool { return pyjson.Equal(a, b) }

// flat maps the dotted names of the leaves to their values.
func flat(v any) map[string]any {
	out := map[string]any{}
	if values, ok := v.(*Values); ok && values != nil {
		v = values.Value()
	}
	m, ok := v.(*Map)
	if !ok {
		return out
	}
	leaves("", m, func(key string, v any) bool {
		// leaves yields a mapping only when it is empty: DVC flattens before it
		// compares, and such a mapping has no leaf. Lists are text, as DVC's
		// format_dict makes them before the comparison.
		switch x := v.(type) {
		case *Map:
			return true
		case []any:
			v = pyjson.Repr(x)
		case *big.Int:
			v = x
		}
		out[key] = v
		return true
	})
	return out
}
