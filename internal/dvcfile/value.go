package dvcfile

import (
	"math/big"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// typeName is the name of the Python class of a value: "date" of a day.
func typeName(v any) string { return strings.TrimPrefix(dvcyaml.PythonType(v), "datetime.") }

// equal compares commands and keys: strings, numbers and lists of them.
func equal(a, b any) bool {
	switch a := a.(type) {
	case []any:
		list, ok := b.([]any)
		if !ok || len(a) != len(list) {
			return false
		}
		for i := range a {
			if !equal(a[i], list[i]) {
				return false
			}
		}
		return true
	case *dvcyaml.Map:
		return false
	case *big.Int:
		n, ok := b.(*big.Int)
		return ok && a.Cmp(n) == 0
	}
	switch b.(type) {
	case []any, *dvcyaml.Map:
		return false
	}
	return a == b
}

// plural is the ending of a noun for that many.
func plural(list []string) string {
	if len(list) == 1 {
		return ""
	}
	return "s"
}

// humanJoin writes "a", "a and b", "a, b and c".
func humanJoin(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	last := len(list) - 1
	return strings.Join(list[:last], ", ") + " and " + list[last]
}
