package dvcfile

import (
	"math/big"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// typeName is what Python calls the type of a value. Values that no variable
// may have give the empty string.
func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case *dvcyaml.Map:
		return "dict"
	}
	return ""
}

// dateName is what Python calls a timestamp of YAML: with a time of day, or
// without.
func dateName(v any) string {
	if _, ok := v.(time.Time); ok {
		return "datetime"
	}
	return "date"
}

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
