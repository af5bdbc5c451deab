package cpu

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
)

// Comparisons in the order -NaN < -Inf < finite < -0 < +0 < finite < +Inf < NaN:
// of floats, those of the bits as integers with the sign undone.

// key32 and key64 are integers in that order.
func key32(f float32) int32 {
	b := int32(math.Float32bits(f))
	return b ^ int32(uint32(b>>31)>>1)
}

func key64(f float64) int64 {
	b := int64(math.Float64bits(f))
	return b ^ int64(uint64(b>>63)>>1)
}

func keyed[F float, K integer](op compute.OpType, key func(F) K) pairRun {
	pair := func(f func(a, b K) bool) pairRun {
		return pairOp(func(a, b F) bool { return f(key(a), key(b)) })
	}
	switch op {
	case compute.OpTypeEqual:
		return pair(func(a, b K) bool { return a == b })
	case compute.OpTypeNotEqual:
		return pair(func(a, b K) bool { return a != b })
	case compute.OpTypeLessThan:
		return pair(func(a, b K) bool { return a < b })
	case compute.OpTypeLessOrEqual:
		return pair(func(a, b K) bool { return a <= b })
	case compute.OpTypeGreaterThan:
		return pair(func(a, b K) bool { return a > b })
	}
	return pair(func(a, b K) bool { return a >= b })
}

// total adds the comparison op in total order, of which plain is the usual one.
func (f *function) total(op, plain compute.OpType, l, r compute.Value) (compute.Value, error) {
	w, err := f.wide(l, r)
	if err != nil {
		return nil, err
	}
	in, err := f.own(w...)
	if err != nil {
		return nil, err
	}
	dtype := in[0].shape.DType
	if !dtype.IsInt() && !dtype.IsFloat() {
		return nil, unsupported(op, dtype, "there is no order")
	}
	out, err := shapeinference.ComparisonOp(plain, in[0].shape, in[1].shape)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	do := compareOn(plain, dtype)
	switch dtype {
	case dtypes.Float32:
		do = keyed(plain, key32)
	case dtypes.Float64:
		do = keyed(plain, key64)
	}
	return f.binary(op, out, in, do)
}

// EqualTotalOrder adds the comparison.
func (f *function) EqualTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeEqualTotalOrder, compute.OpTypeEqual, l, r)
}

// NotEqualTotalOrder adds the comparison.
func (f *function) NotEqualTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeNotEqualTotalOrder, compute.OpTypeNotEqual, l, r)
}

// LessThanTotalOrder adds the comparison.
func (f *function) LessThanTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeLessThanTotalOrder, compute.OpTypeLessThan, l, r)
}

// LessOrEqualTotalOrder adds the comparison.
func (f *function) LessOrEqualTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeLessOrEqualTotalOrder, compute.OpTypeLessOrEqual, l, r)
}

// GreaterThanTotalOrder adds the comparison.
func (f *function) GreaterThanTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeGreaterThanTotalOrder, compute.OpTypeGreaterThan, l, r)
}

// GreaterOrEqualTotalOrder adds the comparison.
func (f *function) GreaterOrEqualTotalOrder(l, r compute.Value) (compute.Value, error) {
	return f.total(compute.OpTypeGreaterOrEqualTotalOrder, compute.OpTypeGreaterOrEqual, l, r)
}
