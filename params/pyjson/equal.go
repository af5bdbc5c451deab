package pyjson

import (
	"math"
	"math/big"
)

// Equal compares two values as Python's == does: 1, 1.0 and true are equal,
// mappings are compared without regard to order and lists with it, and a
// not-a-number equals nothing, not even itself.
func Equal(a, b any) bool {
	// Numbers first, as booleans are numbers and equal to some of other types.
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x.equal(y)
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && a == s
	case []any:
		l, ok := b.([]any)
		if !ok || len(a) != len(l) {
			return false
		}
		for i := range a {
			if !Equal(a[i], l[i]) {
				return false
			}
		}
		return true
	case *Map:
		m, ok := b.(*Map)
		if !ok || a.Len() != m.Len() {
			return false
		}
		for k, v := range a.All() {
			w, ok := m.Get(k)
			if !ok || !Equal(v, w) {
				return false
			}
		}
		return true
	}
	return a == b
}

// Subtract is a - b where both are numbers; booleans count as 0 and 1.
func Subtract(a, b any) (any, bool) {
	x, ok := number(a)
	if !ok {
		return nil, false
	}
	y, ok := number(b)
	if !ok {
		return nil, false
	}
	// One float makes the difference a float, as in Python; two integers stay
	// exact.
	if x.n == nil || y.n == nil {
		return x.float() - y.float(), true
	}
	d := new(big.Int).Sub(x.n, y.n)
	if d.IsInt64() {
		return d.Int64(), true
	}
	return d, true
}

// num is an integer, exactly, or a float.
type num struct {
	n *big.Int // nil for a float
	f float64
}

// number is v as a number, and whether it is one. More types are taken than
// pyjson has, for callers with Go's own numbers.
func number(v any) (num, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return num{n: big.NewInt(1)}, true
		}
		return num{n: new(big.Int)}, true
	case int64:
		return num{n: big.NewInt(v)}, true
	case int:
		return num{n: big.NewInt(int64(v))}, true
	case *big.Int:
		return num{n: v}, true
	case float64:
		return num{f: v}, true
	case float32:
		return num{f: float64(v)}, true
	}
	return num{}, false
}

// float is x as a float, an integer rounded to the nearest; beyond the range it
// is infinite, where Python would raise OverflowError.
func (x num) float() float64 {
	if x.n == nil {
		return x.f
	}
	f, _ := new(big.Float).SetInt(x.n).Float64()
	return f
}

// equal compares by value and not by way of a float: 1<<53+1 is not the float
// 1<<53, though rounded it would be.
func (x num) equal(y num) bool {
	switch {
	case x.n != nil && y.n != nil:
		return x.n.Cmp(y.n) == 0
	case x.n == nil && y.n == nil:
		return x.f == y.f
	case x.n == nil:
		x, y = y, x
	}
	// x is the integer by now, y the float.
	if math.IsNaN(y.f) || math.IsInf(y.f, 0) || y.f != math.Trunc(y.f) {
		return false
	}
	n, _ := new(big.Float).SetFloat64(y.f).Int(nil)
	return n.Cmp(x.n) == 0
}
