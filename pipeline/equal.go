package pipeline

import (
	"math/big"
	"reflect"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// pyEqual compares two values as Python's == does, which is how DVC compares
// parameters: 1, 1.0 and true are equal, mappings have no order, NaN equals
// nothing.
func pyEqual(a, b any) bool {
	switch x := a.(type) {
	case *dvcyaml.Map:
		y, ok := b.(*dvcyaml.Map)
		return ok && equalMaps(x, y)
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !pyEqual(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	x, xok := number(a)
	y, yok := number(b)
	if xok || yok {
		return xok && yok && equalNumbers(x, y)
	}
	return reflect.DeepEqual(a, b)
}

func equalMaps(x, y *dvcyaml.Map) bool {
	if x.Len() != y.Len() {
		return false
	}
	for key, v := range x.All() {
		w, ok := y.Get(key)
		if !ok || !pyEqual(v, w) {
			return false
		}
	}
	return true
}

// number turns what Python compares as a number into an int64, a *big.Int or a
// float64.
func number(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case int:
		return int64(v), true
	case int64, float64, *big.Int:
		return v, true
	}
	return nil, false
}

// equalNumbers compares exactly, without rounding either side.
func equalNumbers(x, y any) bool {
	if a, ok := x.(float64); ok {
		if b, ok := y.(float64); ok {
			return a == b
		}
		x, y = y, x
	}
	i := new(big.Int)
	switch x := x.(type) {
	case int64:
		if j, ok := y.(int64); ok {
			return x == j
		}
		i.SetInt64(x)
	case *big.Int:
		i = x
	}
	switch y := y.(type) {
	case int64:
		return i.Cmp(big.NewInt(y)) == 0
	case *big.Int:
		return i.Cmp(y) == 0
	case float64:
		f, ok := new(big.Float), y == y
		if !ok {
			return false
		}
		return f.SetInt(i).Cmp(big.NewFloat(y)) == 0
	}
	return false
}
