package cpu

import (
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// GoMLX writes the gradients of a convolution in groups as a convolution a group,
// of slices of both operands, whose results it concatenates. Where a group is
// one channel that is one convolution of every channel by itself.

// depthwise returns the node that computes what a concatenation along an axis
// would, nil if that is none of such convolutions.
func depthwise(axis int, in []*value) *node {
	if len(in) < 2 || in[0].shape.DType != dtypes.Float32 {
		return nil
	}
	var first part
	for i, v := range in {
		p, ok := partOf(v, i, len(in))
		switch {
		case !ok || p.conv.axes.OutputChannels != axis || v.shape.Dimensions[axis] != 1:
			return nil
		case i == 0:
			first = p
		case !p.like(&first):
			return nil
		}
	}
	do := first.whole(len(in))
	if do == nil {
		return nil
	}
	product := sync.OnceValue(do)
	return &node{op: compute.OpTypeConcatenate, in: []*value{first.x, first.w}, run: func(x *run, in, out []tensor) {
		product().run(x, out[0].f32(), in[0].f32(), in[1].f32())
	}}
}

// part is a convolution of a channel of x with one of w, turned or not.
type part struct {
	conv         *convolution
	x, w         *value
	xAxis, wAxis int // of the channels
	turned       bool
}

// partOf tells whether v is part i of n.
func partOf(v *value, i, n int) (p part, ok bool) {
	if v.node.op != compute.OpTypeConvGeneral {
		return p, false
	}
	p.conv = v.node.attr.(*convolution)
	w := v.node.in[1]
	if w.node.op == compute.OpTypeReverse {
		if !sameSet(w.node.attr.([]int), p.conv.axes.KernelSpatial) {
			return p, false
		}
		p.turned, w = true, w.node.in[0]
	}
	var xOK, wOK bool
	p.x, p.xAxis, xOK = channelOf(v.node.in[0], i, n)
	p.w, p.wAxis, wOK = channelOf(w, i, n)
	return p, xOK && wOK && p.conv.channelGroups == 1 && p.conv.batchGroups == 1
}

// channelOf tells whether v is slice i of n along an axis, and of what.
func channelOf(v *value, i, n int) (of *value, axis int, ok bool) {
	s, ok := v.node.attr.(slicing)
	if !ok || v.node.op != compute.OpTypeSlice {
		return nil, 0, false
	}
	of, axis = v.node.in[0], -1
	for k, d := range of.shape.Dimensions {
		switch {
		case v.shape.Dimensions[k] == d:
		case axis >= 0 || d != n || v.shape.Dimensions[k] != 1 || s.starts[k] != i:
			return nil, 0, false
		default:
			axis = k
		}
	}
	return of, axis, axis >= 0
}

// like tells whether two parts differ by the channel only.
func (p *part) like(q *part) bool {
	c, d := p.conv, q.conv
	return p.x == q.x && p.w == q.w && p.xAxis == q.xAxis && p.wAxis == q.wAxis && p.turned == q.turned &&
		slices.Equal(c.in, d.in) && slices.Equal(c.weights, d.weights) && slices.Equal(c.out, d.out) &&
		slices.Equal(c.stride, d.stride) && slices.Equal(c.inDilate, d.inDilate) && slices.Equal(c.dilate, d.dilate) &&
		slices.Equal(c.pads, d.pads) && sameAxes(&c.axes, &d.axes)
}

func sameAxes(a, b *compute.ConvolveAxesConfig) bool {
	return a.InputBatch == b.InputBatch && a.InputChannels == b.InputChannels && slices.Equal(a.InputSpatial, b.InputSpatial) &&
		a.KernelInputChannels == b.KernelInputChannels && a.KernelOutputChannels == b.KernelOutputChannels &&
		slices.Equal(a.KernelSpatial, b.KernelSpatial) && a.OutputBatch == b.OutputBatch &&
		a.OutputChannels == b.OutputChannels && slices.Equal(a.OutputSpatial, b.OutputSpatial)
}

// whole returns what makes all parts one, nil if they are something else: a
// convolution in groups of one channel, or its gradient by the weights, whose
// channels are the batch of the parts.
func (p *part) whole(channels int) func() productOf {
	c := *p.conv
	a := p.conv.axes.Clone()
	c.axes = a
	c.in, c.weights, c.out = p.x.shape.Dimensions, p.w.shape.Dimensions, slices.Clone(c.out)
	c.out[a.OutputChannels] = channels
	c.inStep, c.weightStep, c.outStep = strides(c.in), strides(c.weights), strides(c.out)
	if spatial := len(c.in) - 2; spatial < 1 || spatial > 2 || slices.Contains(c.in, 0) || slices.Contains(c.weights, 0) || slices.Contains(c.out, 0) {
		return nil
	}
	switch {
	case p.xAxis == a.InputChannels && (p.wAxis == a.KernelInputChannels || p.wAxis == a.KernelOutputChannels):
		other := a.KernelInputChannels + a.KernelOutputChannels - p.wAxis
		if c.weights[other] != 1 {
			return nil
		}
		c.axes.KernelInputChannels, c.axes.KernelOutputChannels = other, p.wAxis
		c.channelGroups = channels
		if p.turned {
			c.turn()
		}
		return func() productOf { return newWindowConv(&c) }
	case p.xAxis == a.InputBatch && p.wAxis == a.KernelOutputChannels && !p.turned && allOnes(c.inDilate):
		return func() productOf { return newDepthwiseGrad(&c) }
	}
	return nil
}

// depthwiseGrad is the gradient of the weights of a convolution of every channel
// by itself. An element is one chain of fused multiply-adds over the windows of
// some strips, and such sums are added in order.
type depthwiseGrad struct {
	*windowGrad
	places *kernel.Taps
}

func newDepthwiseGrad(c *convolution) *depthwiseGrad {
	f := &depthwiseGrad{windowGrad: newGradWindows(c)}
	f.places = f.taps(0, 1)
	f.parts = max(1, min(leastParts, f.strips()))
	return f
}

// run sets out to the gradient.
func (f *depthwiseGrad) run(x *run, out, in, grad []float32) {
	size := f.places.Len() * f.channels
	sums := x.alloc(f.parts * size)
	defer x.free(sums)
	x.tasks(f.parts, func(part int, s *scratch) {
		sum := sums[part*size : (part+1)*size]
		clear(sum)
		staged := s.get(slotIn, f.windows.size())
		for strip := part * f.strips() / f.parts; strip < (part+1)*f.strips()/f.parts; strip++ {
			n0, n1, h0, h1 := f.strip(strip)
			f.stage(staged, in, n0, n1, h0, h1)
			kernel.DepthwiseGrad(sum, staged, f.pixels, f.places, (n1-n0)*(h1-h0)*f.w.count, f.channels, f.lay(grad, n0, n1, h0, h1, s))
		}
	})
	total := sums[:size]
	for part := 1; part < f.parts; part++ {
		kernel.Binary(kernel.Add, total, total, sums[part*size:(part+1)*size])
	}
	f.eachTap(func(to int) {
		for c, v := range total[:f.channels] {
			out[to+c*f.outStep[f.axes.OutputChannels]] = v
		}
		total = total[f.channels:]
	})
}

// lay returns a strip of the output's gradient by window, then channel: as it
// lies, or a copy.
func (f *depthwiseGrad) lay(grad []float32, n0, n1, h0, h1 int, s *scratch) []float32 {
	row := f.w.count * f.channels
	if f.gradChannel == 1 && f.gradW == f.channels && (f.h.count == 1 || f.gradH == row) && f.gradBatch == f.h.count*row {
		return grad[n0*f.gradBatch+h0*f.gradH:]
	}
	laid := s.get(slotGrad, (n1-n0)*(h1-h0)*row)
	to := laid
	for n := n0; n < n1; n++ {
		for h := h0; h < h1; h++ {
			from := grad[n*f.gradBatch+h*f.gradH:]
			for c := range f.channels {
				for w := range f.w.count {
					to[w*f.channels+c] = from[c*f.gradChannel+w*f.gradW]
				}
			}
			to = to[row:]
		}
	}
	return laid
}
