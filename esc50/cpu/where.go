package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// Where picks elements by a condition.
func (f *function) Where(condition, onTrue, onFalse compute.Value) (compute.Value, error) {
	if isPacked(onTrue) && isPacked(onFalse) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Where(condition, w[0], w[1]) }, onTrue, onFalse)
	}
	in, err := f.own(condition, onTrue, onFalse)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.Where(in[0].shape, in[1].shape, in[2].shape)
	if err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeWhere, in: in, run: func(x *run, in, out []tensor) {
		switch d := out[0].flat.(type) {
		case []bool:
			choose(x, d, in)
		case []int8:
			choose(x, d, in)
		case []int16:
			choose(x, d, in)
		case []int32:
			choose(x, d, in)
		case []int64:
			choose(x, d, in)
		case []uint8:
			choose(x, d, in)
		case []uint16:
			choose(x, d, in)
		case []uint32:
			choose(x, d, in)
		case []uint64:
			choose(x, d, in)
		case []float32:
			choose(x, d, in)
		case []float64:
			choose(x, d, in)
		case []float16.Float16:
			choose(x, d, in)
		case []bfloat16.BFloat16:
			choose(x, d, in)
		case []complex64:
			choose(x, d, in)
		case []complex128:
			choose(x, d, in)
		}
	}}, out)
}

// step is how far an operand moves with each element: not at all for a scalar.
func stepOf(s shapes.Shape) int {
	if s.IsScalar() {
		return 0
	}
	return 1
}

func choose[T any1](x *run, d []T, in []tensor) {
	c, t, e := in[0].flat.([]bool), in[1].flat.([]T), in[2].flat.([]T)
	sc, st, se := stepOf(in[0].shape), stepOf(in[1].shape), stepOf(in[2].shape)
	x.spans(len(d), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if c[i*sc] {
				d[i] = t[i*st]
			} else {
				d[i] = e[i*se]
			}
		}
	})
}

// Clamp limits x from below and above.
func (f *function) Clamp(low, x, high compute.Value) (compute.Value, error) {
	in, err := f.own(low, x, high)
	if err != nil {
		return nil, err
	}
	for _, v := range []*value{in[0], in[2]} {
		if !v.shape.IsScalar() && !v.shape.Equal(in[1].shape) || v.shape.DType != in[1].shape.DType {
			return nil, fmt.Errorf("Clamp(%s): a limit is %s", in[1].shape, v.shape)
		}
	}
	bounded, err := f.arithmetic(compute.OpTypeMax, x, low)
	if err != nil {
		return nil, err
	}
	return f.arithmetic(compute.OpTypeMin, bounded, high)
}
