package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// simplify writes a float32 convolution as one that convfast.go or weights.go
// covers, between changes of layout: axes are transposed, one spatial axis gets
// a second one of size one, dilated operands are padded with zeros inside, and
// of a convolution with stride the outputs between are dropped. It tells
// whether it did.
func (f *function) simplify(c *convolution, in []*value) (compute.Value, bool, error) {
	spatial := len(c.in) - 2
	if in[0].shape.DType != dtypes.Float32 || spatial < 1 || spatial > 2 || c.channelGroups*c.batchGroups != 1 ||
		c.planar() || c.weightGradient() || slices.Contains(c.in, 0) || slices.Contains(c.weights, 0) {
		return nil, false, nil
	}
	for _, p := range c.pads {
		if p[0] < 0 || p[1] < 0 {
			return nil, false, nil
		}
	}
	b := &rewrite{f: f}
	v := b.convolution(c, in[0], in[1])
	return v, true, b.err
}

// rewrite builds operations; the first error sticks.
type rewrite struct {
	f   *function
	err error
}

func (b *rewrite) do(v compute.Value, err error) compute.Value {
	if b.err == nil {
		b.err = err
	}
	return v
}

// transpose reorders axes unless they are in order.
func (b *rewrite) transpose(v compute.Value, axes []int) compute.Value {
	if b.err != nil || slices.IsSorted(axes) {
		return v
	}
	return b.do(b.f.Transpose(v, axes...))
}

// square gives a tensor with one spatial axis, the last, a second before it.
func (b *rewrite) square(v compute.Value) compute.Value {
	if b.err != nil {
		return v
	}
	if d := v.(*value).shape.Dimensions; len(d) == 3 {
		return b.do(b.f.Reshape(v, d[0], d[1], 1, d[2]))
	}
	return v
}

// spread puts zeros between the elements along the last two of four axes.
func (b *rewrite) spread(v compute.Value, by []int) compute.Value {
	if b.err != nil || allOnes(by) {
		return v
	}
	zero := b.do(b.f.Constant([]float32{0}))
	if b.err != nil {
		return v
	}
	return b.do(b.f.Pad(v, zero, compute.PadAxis{}, compute.PadAxis{},
		compute.PadAxis{Interior: by[0] - 1}, compute.PadAxis{Interior: by[1] - 1}))
}

// pair returns the values of two spatial axes, with fill for one that is not.
func pair[T any](v []T, fill T) []T {
	if len(v) == 1 {
		return []T{fill, v[0]}
	}
	return v
}

func (b *rewrite) convolution(c *convolution, x, w compute.Value) compute.Value {
	a := &c.axes
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputChannels: 1, InputSpatial: []int{2, 3},
		KernelOutputChannels: 0, KernelInputChannels: 1, KernelSpatial: []int{2, 3},
		OutputBatch: 0, OutputChannels: 1, OutputSpatial: []int{2, 3},
	}
	stride, dilate, inDilate := pair(c.stride, 1), pair(c.dilate, 1), pair(c.inDilate, 1)
	pads := slices.Clone(pair(c.pads, [2]int{}))
	taps, outputs := 1, 1
	for i := range a.KernelSpatial {
		taps *= c.weights[a.KernelSpatial[i]]
		outputs *= c.out[a.OutputSpatial[i]]
	}
	ofWeights := taps > outputs // more taps than outputs: a gradient of weights
	first, second := a.InputBatch, a.InputChannels
	kernelFirst, kernelSecond := a.KernelOutputChannels, a.KernelInputChannels
	if ofWeights {
		first, second = second, first
		kernelFirst, kernelSecond = kernelSecond, kernelFirst
		axes.InputBatch, axes.InputChannels = 1, 0
		axes.KernelInputChannels, axes.KernelOutputChannels = 0, 1
	}
	x = b.square(b.transpose(x, append([]int{first, second}, a.InputSpatial...)))
	w = b.square(b.transpose(w, append([]int{kernelFirst, kernelSecond}, a.KernelSpatial...)))
	x = b.spread(x, inDilate)
	if ofWeights {
		w, dilate = b.spread(w, dilate), []int{1, 1}
	}
	if b.err != nil {
		return nil
	}
	y := b.do(b.f.ConvGeneral(x, w, axes, nil, pads, nil, dilate, 1, 1))
	if b.err != nil {
		return nil
	}
	if d := y.(*value).shape.Dimensions; !allOnes(stride) {
		y = b.do(b.f.Slice(y, []int{0, 0, 0, 0}, d, []int{1, 1, stride[0], stride[1]}))
	}
	return b.arrange(y, c)
}

// arrange puts [batch, channels, height, width] in the order of c's output.
func (b *rewrite) arrange(y compute.Value, c *convolution) compute.Value {
	if b.err != nil {
		return nil
	}
	if len(c.out) == 3 {
		d := y.(*value).shape.Dimensions
		if y = b.do(b.f.Reshape(y, d[0], d[1], d[3])); b.err != nil {
			return nil
		}
	}
	order := make([]int, len(c.out))
	order[c.axes.OutputBatch], order[c.axes.OutputChannels] = 0, 1
	for i, axis := range c.axes.OutputSpatial {
		order[axis] = i + 2
	}
	return b.transpose(y, order)
}
