package cpu

import (
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// convolution is the description of a ConvGeneral.
type convolution struct {
	axes                        compute.ConvolveAxesConfig
	stride, inDilate, dilate    []int // by spatial axis, never nil
	pads                        [][2]int
	channelGroups, batchGroups  int
	in, weights, out            []int // dimensions
	inStep, weightStep, outStep []int
	weightFirst                 int // place of the first weight, not 0 where they are turned
}

// ConvGeneral convolves.
func (f *function) ConvGeneral(input, weights compute.Value, axes compute.ConvolveAxesConfig, stride []int, pads [][2]int,
	inDilate, dilate []int, channelGroups, batchGroups int) (compute.Value, error) {
	if isNarrow(input) && isNarrow(weights) && typeOf(input) == typeOf(weights) {
		w, err := f.wide(input, weights)
		if err != nil {
			return nil, err
		}
		v, err := f.ConvGeneral(w[0], w[1], axes, stride, pads, inDilate, dilate, channelGroups, batchGroups)
		return f.narrow(v, err, input)
	}
	in, err := f.own(input, weights)
	if err != nil {
		return nil, err
	}
	channelGroups, batchGroups = max(channelGroups, 1), max(batchGroups, 1)
	out, err := shapeinference.ConvGeneral(in[0].shape, in[1].shape, axes, stride, pads, inDilate, dilate, channelGroups, batchGroups)
	if err != nil {
		return nil, err
	}
	spatial := in[0].shape.Rank() - 2
	orOnes := func(v []int) []int {
		if len(v) > 0 {
			return v
		}
		v = make([]int, spatial)
		for i := range v {
			v[i] = 1
		}
		return v
	}
	if len(pads) == 0 {
		pads = make([][2]int, spatial)
	}
	c := &convolution{
		axes: axes.Clone(), stride: orOnes(stride), inDilate: orOnes(inDilate), dilate: orOnes(dilate), pads: pads,
		channelGroups: channelGroups, batchGroups: batchGroups,
		in: in[0].shape.Dimensions, weights: in[1].shape.Dimensions, out: out.Dimensions,
	}
	c.inStep, c.weightStep, c.outStep = strides(c.in), strides(c.weights), strides(c.out)
	n := &node{op: compute.OpTypeConvGeneral, in: in, attr: c}
	do := convolveOn(out.DType)
	if do == nil {
		return nil, unsupported(compute.OpTypeConvGeneral, out.DType)
	}
	if out.DType == dtypes.Float32 && c.byProduct() {
		n.run = c.runProduct()
	} else {
		n.run = func(x *run, in, out []tensor) { do(x, c, out[0].flat, in[0].flat, in[1].flat) }
	}
	return f.add1(n, out)
}

// runProduct runs what is done by products, whose tables are for those that run.
func (c *convolution) runProduct() func(x *run, in, out []tensor) {
	product := sync.OnceValue(c.asProduct)
	return func(x *run, in, out []tensor) { product().run(x, out[0].f32(), in[0].f32(), in[1].f32()) }
}

// convolveOn is the definition for a type.
func convolveOn(dtype dtypes.DType) func(x *run, c *convolution, dst, in, weights any) {
	switch dtype {
	case dtypes.Float32:
		return convolveWith(kernel.FMA)
	case dtypes.Float64:
		return convolveWith(mulAdd[float64])
	case dtypes.Int8:
		return convolveWith(mulAdd[int8])
	case dtypes.Int16:
		return convolveWith(mulAdd[int16])
	case dtypes.Int32:
		return convolveWith(mulAdd[int32])
	case dtypes.Int64:
		return convolveWith(mulAdd[int64])
	case dtypes.Uint8:
		return convolveWith(mulAdd[uint8])
	case dtypes.Uint16:
		return convolveWith(mulAdd[uint16])
	case dtypes.Uint32:
		return convolveWith(mulAdd[uint32])
	case dtypes.Uint64:
		return convolveWith(mulAdd[uint64])
	}
	return nil
}

func convolveWith[T number](fma func(a, b, acc T) T) func(x *run, c *convolution, dst, in, weights any) {
	return func(x *run, c *convolution, dst, in, weights any) { convolve(x, c, dst, in, weights, fma) }
}

func mulAdd[T number](a, b, c T) T { return T(a*b) + c }

// convolve is the definition: slow, for what convfast.go does not cover. Each
// output is one chain, by input channel, then by place in the window.
func convolve[T number](x *run, c *convolution, dst, in, weights any, fma func(a, b, acc T) T) {
	d, src, w := dst.([]T), in.([]T), weights.([]T)
	a := &c.axes
	inChannels := c.weights[a.KernelInputChannels]
	perGroup := c.weights[a.KernelOutputChannels] / (c.channelGroups * c.batchGroups)
	outBatch := c.out[a.OutputBatch]
	x.spans(len(d), func(lo, hi int) {
		at := make([]int, len(c.in)-2)
		for i := lo; i < hi; i++ {
			axis := func(k int) int { return i / c.outStep[k] % c.out[k] }
			n, o := axis(a.OutputBatch), axis(a.OutputChannels)
			group := o / perGroup
			channel := group * inChannels
			if c.batchGroups > 1 {
				channel, n = 0, n+group*outBatch
			}
			for s, k := range a.OutputSpatial {
				at[s] = axis(k)*c.stride[s] - c.pads[s][0]
			}
			base := n*c.inStep[a.InputBatch] + channel*c.inStep[a.InputChannels]
			var acc T
			for ci := range inChannels {
				c.window(at, 0, base+ci*c.inStep[a.InputChannels],
					o*c.weightStep[a.KernelOutputChannels]+ci*c.weightStep[a.KernelInputChannels],
					func(si, wi int) { acc = fma(src[si], w[wi], acc) })
			}
			d[i] = acc
		}
	})
}

// window calls f with the places of input and weight for each tap, from spatial
// axis s on, that is inside the input.
func (c *convolution) window(at []int, s, in, weight int, f func(in, weight int)) {
	if s == len(at) {
		f(in, weight)
		return
	}
	ka, ia := c.axes.KernelSpatial[s], c.axes.InputSpatial[s]
	for k := range c.weights[ka] {
		place := at[s] + k*c.dilate[s]
		if place < 0 || place%c.inDilate[s] != 0 || place/c.inDilate[s] >= c.in[ia] {
			continue
		}
		c.window(at, s+1, in+place/c.inDilate[s]*c.inStep[ia], weight+k*c.weightStep[ka], f)
	}
}
