package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Batch normalisation of types other than float32: 16 bit floats by way of it,
// float64 written out in operations.

// normBuilder builds in float64 the parts of a normalisation of x along axis.
type normBuilder struct {
	rewrite
	shape  shapes.Shape // of x
	axis   int
	others []int   // all axes but axis
	count  float64 // of elements by channel
}

func (f *function) normBuilder(x compute.Value, axis int) *normBuilder {
	b := &normBuilder{rewrite: rewrite{f: f}, shape: x.(*value).shape, axis: axis, count: 1}
	for i, d := range b.shape.Dimensions {
		if i != axis {
			b.others, b.count = append(b.others, i), b.count*float64(d)
		}
	}
	return b
}

// op2 applies a binary operation, unless something went wrong before.
func (b *normBuilder) op2(op func(l, r compute.Value) (compute.Value, error), l, r compute.Value) compute.Value {
	if b.err != nil {
		return l
	}
	return b.do(op(l, r))
}

func (b *normBuilder) number(v float64) compute.Value { return b.do(b.f.Constant([]float64{v})) }

// wide repeats a value by channel to the shape of x.
func (b *normBuilder) wide(v compute.Value) compute.Value {
	if b.err != nil {
		return v
	}
	return b.do(b.f.BroadcastInDim(v, b.shape, []int{b.axis}))
}

// mean is the mean of each channel.
func (b *normBuilder) mean(v compute.Value) compute.Value {
	return b.op2(b.f.Div, b.sum(v), b.number(b.count))
}

func (b *normBuilder) sum(v compute.Value) compute.Value {
	if b.err != nil {
		return v
	}
	if len(b.others) == 0 {
		return v
	}
	return b.do(b.f.ReduceSum(v, b.others...))
}

// inverse is 1/sqrt(variance+epsilon).
func (b *normBuilder) inverse(variance compute.Value, epsilon float32) compute.Value {
	v := b.op2(b.f.Add, variance, b.number(float64(epsilon)))
	if b.err != nil {
		return v
	}
	return b.do(b.f.Rsqrt(v))
}

// apply is (x-mean)*scale*inverse + offset.
func (b *normBuilder) apply(x, scale, offset, mean, variance compute.Value, epsilon float32) compute.Value {
	f := b.f
	factor := b.op2(f.Mul, scale, b.inverse(variance, epsilon))
	centred := b.op2(f.Sub, x, b.wide(mean))
	return b.op2(f.Add, b.op2(f.Mul, centred, b.wide(factor)), b.wide(offset))
}

// normAs does a normalisation of 16 bit floats in float32, and rounds.
func (f *function) normAs(do func(in []compute.Value) ([]compute.Value, error), operands ...compute.Value) ([]compute.Value, error) {
	w, err := f.wide(operands...)
	if err != nil {
		return nil, err
	}
	out, err := do(w)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i], err = f.ConvertDType(out[i], typeOf(operands[0])); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// trainNorm is BatchNormForTraining of float64.
func (f *function) trainNorm(x, scale, offset compute.Value, epsilon float32, axis int) ([]compute.Value, error) {
	b := f.normBuilder(x, axis)
	mean := b.mean(x)
	centred := b.op2(f.Sub, x, b.wide(mean))
	variance := b.mean(b.op2(f.Mul, centred, centred))
	y := b.apply(x, scale, offset, mean, variance, epsilon)
	return []compute.Value{y, mean, variance}, b.err
}

// normGradient is BatchNormGradient of float64.
func (f *function) normGradient(x, scale, mean, variance, dy compute.Value, epsilon float32, axis int) ([]compute.Value, error) {
	b := f.normBuilder(x, axis)
	inverse := b.inverse(variance, epsilon)
	centred := b.op2(f.Sub, x, b.wide(mean))
	dOffset := b.sum(dy)
	product := b.sum(b.op2(f.Mul, dy, centred))
	dScale := b.op2(f.Mul, product, inverse)
	// dx = scale*inverse * (dy - mean(dy) - centred*inverse²*mean(dy*centred))
	n := b.number(b.count)
	pull := b.op2(f.Div, b.op2(f.Mul, dScale, inverse), n)
	dx := b.op2(f.Sub, dy, b.wide(b.op2(f.Div, dOffset, n)))
	dx = b.op2(f.Sub, dx, b.op2(f.Mul, centred, b.wide(pull)))
	dx = b.op2(f.Mul, dx, b.wide(b.op2(f.Mul, scale, inverse)))
	return []compute.Value{dx, dScale, dOffset}, b.err
}

// three spreads a list of results.
func three(out []compute.Value, err error) (a, b, c compute.Value, _ error) {
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}
