package cpu

import (
	"fmt"
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// batchNorm describes a batch normalisation of operands seen as [outer,
// channels, inner].
type batchNorm struct {
	epsilon                float64
	outer, channels, inner int
}

// norms are the parameters of a batch normalisation by channel, and what is
// known about its operand y: forward the sum of y, backward that of its
// gradient.
type norms struct {
	channel []kernel.Norm
	sum     []float64
}

func (f *function) batchNorm(op compute.OpType, epsilon float32, axis int, in []*value) (*batchNorm, shapes.Shape, error) {
	shape := in[0].shape
	if axis < 0 || axis >= shape.Rank() {
		return nil, shape, fmt.Errorf("%s(%s): no axis %d", op, shape, axis)
	}
	if shape.DType != dtypes.Float32 && shape.DType != dtypes.Float64 {
		return nil, shape, unsupported(op, shape.DType)
	}
	b := &batchNorm{epsilon: float64(epsilon), outer: 1, channels: shape.Dimensions[axis], inner: 1}
	vector := shapes.Make(shape.DType, b.channels)
	for i, d := range shape.Dimensions {
		if i < axis {
			b.outer *= d
		} else if i > axis {
			b.inner *= d
		}
	}
	for i, v := range in[1:] {
		if !v.shape.Equal(vector) && !(op == compute.OpTypeBatchNormGradient && i == 3 && v.shape.Equal(shape)) {
			return nil, shape, fmt.Errorf("%s(%s): operand %d is %s", op, shape, i+1, v.shape)
		}
	}
	return b, vector, nil
}

// BatchNormForTraining normalises by the statistics of the batch.
func (f *function) BatchNormForTraining(x, scale, offset compute.Value, epsilon float32, axis int) (y, mean, variance compute.Value, err error) {
	if isNarrow(x) {
		out, err := f.normAs(func(in []compute.Value) ([]compute.Value, error) {
			y, mean, variance, err := f.BatchNormForTraining(in[0], in[1], in[2], epsilon, axis)
			return []compute.Value{y, mean, variance}, err
		}, x, scale, offset)
		return three(out, err)
	}
	in, err := f.own(x, scale, offset)
	if err != nil {
		return nil, nil, nil, err
	}
	b, vector, err := f.batchNorm(compute.OpTypeBatchNormForTraining, epsilon, axis, in)
	if err != nil {
		return nil, nil, nil, err
	}
	if in[0].shape.DType == dtypes.Float64 {
		return three(f.trainNorm(x, scale, offset, epsilon, axis))
	}
	n := &node{op: compute.OpTypeBatchNormForTraining, in: in, attr: b, run: func(x *run, in, out []tensor) {
		b.statistics(x, in[0].f32(), nil, out[1].f32(), out[2].f32())
		b.apply(x, out[0].f32(), in[0].f32(), b.norms(out[1].f32(), out[2].f32(), in[1].f32(), in[2].f32()))
	}}
	out, err := f.add(n, in[0].shape, vector, vector)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

// BatchNormForInference normalises by given statistics.
func (f *function) BatchNormForInference(x, scale, offset, mean, variance compute.Value, epsilon float32, axis int) (compute.Value, error) {
	if isNarrow(x) {
		out, err := f.normAs(func(in []compute.Value) ([]compute.Value, error) {
			y, err := f.BatchNormForInference(in[0], in[1], in[2], in[3], in[4], epsilon, axis)
			return []compute.Value{y}, err
		}, x, scale, offset, mean, variance)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	in, err := f.own(x, scale, offset, mean, variance)
	if err != nil {
		return nil, err
	}
	b, _, err := f.batchNorm(compute.OpTypeBatchNormForInference, epsilon, axis, in)
	if err != nil {
		return nil, err
	}
	if in[0].shape.DType == dtypes.Float64 {
		b := f.normBuilder(in[0], axis)
		return b.apply(x, scale, offset, mean, variance, epsilon), b.err
	}
	return f.add1(&node{op: compute.OpTypeBatchNormForInference, in: in, attr: b, run: func(x *run, in, out []tensor) {
		b.apply(x, out[0].f32(), in[0].f32(), b.norms(in[3].f32(), in[4].f32(), in[1].f32(), in[2].f32()))
	}}, in[0].shape)
}

// BatchNormGradient is the gradient of BatchNormForTraining.
func (f *function) BatchNormGradient(x, scale, mean, variance, dy compute.Value, epsilon float32, axis int) (dx, dScale, dOffset compute.Value, err error) {
	if isNarrow(x) {
		out, err := f.normAs(func(in []compute.Value) ([]compute.Value, error) {
			dx, dScale, dOffset, err := f.BatchNormGradient(in[0], in[1], in[2], in[3], in[4], epsilon, axis)
			return []compute.Value{dx, dScale, dOffset}, err
		}, x, scale, mean, variance, dy)
		return three(out, err)
	}
	in, err := f.own(x, scale, mean, variance, dy)
	if err != nil {
		return nil, nil, nil, err
	}
	b, vector, err := f.batchNorm(compute.OpTypeBatchNormGradient, epsilon, axis, in)
	if err != nil {
		return nil, nil, nil, err
	}
	if in[0].shape.DType == dtypes.Float64 {
		return three(f.normGradient(x, scale, mean, variance, dy, epsilon, axis))
	}
	n := &node{op: compute.OpTypeBatchNormGradient, in: in, attr: b, run: func(x *run, in, out []tensor) {
		b.gradient(x, in, out)
	}}
	out, err := f.add(n, in[0].shape, vector, vector)
	if err != nil {
		return nil, nil, nil, err
	}
	return out[0], out[1], out[2], nil
}

// count is the number of elements of a channel.
func (b *batchNorm) count() float64 { return float64(b.outer * b.inner) }

// plane is channel c of outer element o.
func (b *batchNorm) plane(x []float32, o, c int) []float32 {
	at := (o*b.channels + c) * b.inner
	return x[at : at+b.inner]
}

// statistics sets the mean and variance of each channel and returns its sum. The
// sums are those in parts, one slice of all channels per part, or made here if
// parts is nil.
func (b *batchNorm) statistics(x *run, y []float32, parts [][]kernel.Moments, mean, variance []float32) []float64 {
	sums, squares := make([]float64, b.channels), make([]float64, b.channels)
	switch {
	case b.last():
		sums, squares = b.moments(x, y)
	case parts == nil:
		parts = b.parts()
		x.tasks(b.outer*b.channels, func(t int, s *scratch) {
			plane := b.plane(y, t/b.channels, t%b.channels)
			parts[t/b.channels][t%b.channels].AddBias(s.get(slotSpare, b.inner), plane, 0)
		})
		fallthrough
	default:
		for c := range sums {
			sums[c], squares[c] = totals(parts, c)
		}
	}
	for c, sum := range sums {
		m := sum / b.count()
		mean[c] = float32(m)
		variance[c] = float32(max(squares[c]/b.count()-float64(m*m), 0))
	}
	return sums
}

// parts are sums of nothing yet, by outer element and channel.
func (b *batchNorm) parts() [][]kernel.Moments {
	parts := make([][]kernel.Moments, b.outer)
	for o := range parts {
		parts[o] = make([]kernel.Moments, b.channels)
	}
	return parts
}

// totals adds the parts of channel c in order.
func totals(parts [][]kernel.Moments, c int) (first, second float64) {
	for _, p := range parts {
		first += p[c][0].Total()
		second += p[c][1].Total()
	}
	return first, second
}

// norms returns the parameters for given statistics.
func (b *batchNorm) norms(mean, variance, scale, offset []float32) *norms {
	n := &norms{channel: make([]kernel.Norm, b.channels)}
	for c := range n.channel {
		n.channel[c] = kernel.Norm{
			Mean:   mean[c],
			Scale:  float32(float64(scale[c]) / math.Sqrt(float64(variance[c])+b.epsilon)),
			Offset: offset[c],
		}
	}
	return n
}

// apply sets z to y normalised.
func (b *batchNorm) apply(x *run, z, y []float32, n *norms) {
	if b.last() {
		b.applyLast(x, z, y, n)
		return
	}
	x.tasks(b.outer*b.channels, func(t int, _ *scratch) {
		p := &n.channel[t%b.channels]
		to, from := b.plane(z, t/b.channels, t%b.channels), b.plane(y, t/b.channels, t%b.channels)
		for i, v := range from {
			to[i] = kernel.FMA(v-p.Mean, p.Scale, p.Offset)
		}
	})
}

// open are parameters with which the kernels take every z as positive: there is
// no ReLU after the normalisation.
func open(mean []float32) *norms {
	n := &norms{channel: make([]kernel.Norm, len(mean))}
	for c, m := range mean {
		n.channel[c] = kernel.Norm{Mean: m, Offset: 1}
	}
	return n
}

func (b *batchNorm) gradient(x *run, in, out []tensor) {
	if b.last() {
		b.gradientLast(x, in, out)
		return
	}
	y, scale, mean, variance, g := in[0].f32(), in[1].f32(), in[2].f32(), in[3].f32(), in[4].f32()
	n := open(mean)
	parts := b.parts()
	x.tasks(b.outer*b.channels, func(t int, _ *scratch) {
		o, c := t/b.channels, t%b.channels
		parts[o][c].AddGrad(b.plane(g, o, c), b.plane(y, o, c), &n.channel[c])
	})
	b.factors(n, parts, scale, variance, out[1].f32(), out[2].f32())
	x.tasks(b.outer*b.channels, func(t int, _ *scratch) {
		o, c := t/b.channels, t%b.channels
		kernel.BNGrad(b.plane(out[0].f32(), o, c), b.plane(g, o, c), b.plane(y, o, c), &n.channel[c])
	})
}

// factors completes n with K1 to K3 from the sums over the batch, and sets the
// gradients of scale and offset.
func (b *batchNorm) factors(n *norms, parts [][]kernel.Moments, scale, variance, dScale, dOffset []float32) {
	sums, products := make([]float64, b.channels), make([]float64, b.channels)
	for c := range sums {
		sums[c], products[c] = totals(parts, c)
	}
	b.setFactors(n, sums, products, scale, variance, dScale, dOffset)
}

func (b *batchNorm) setFactors(n *norms, sums, products []float64, scale, variance, dScale, dOffset []float32) {
	for c := range n.channel {
		sum, product := sums[c], products[c]
		inverse := 1 / math.Sqrt(float64(variance[c])+b.epsilon)
		k1 := float64(scale[c]) * inverse
		n.channel[c].K1 = float32(k1)
		n.channel[c].K2 = float32(-k1 * inverse * inverse * product / b.count())
		n.channel[c].K3 = float32(-k1 * sum / b.count())
		dScale[c] = float32(product * inverse)
		dOffset[c] = float32(sum)
	}
}

// gradientTotal sets the sums of the gradient of y from those of y and of g:
// what a bias added to y before gets. Its true value is zero; this is what the
// rounded factors leave of it.
func (b *batchNorm) gradientTotal(n *norms, parts [][]kernel.Moments, ySum []float64) {
	n.sum = make([]float64, b.channels)
	for c, p := range n.channel {
		g, _ := totals(parts, c)
		centred := ySum[c] - float64(b.count()*float64(p.Mean))
		n.sum[c] = float64(float64(p.K1)*g) + float64(float64(p.K2)*centred) + float64(float64(p.K3)*b.count())
	}
}
