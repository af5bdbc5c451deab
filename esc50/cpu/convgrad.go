package cpu

import (
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// windowGrad is the gradient of a convolution's weights, as GoMLX writes it: a
// convolution of the input, whose channels are its batch, by the gradient of
// the output. It is a product too: of every weight's place in the windows with
// the outputs, over the windows as depth.
type windowGrad struct {
	*convolution
	*windows
	rows         *kernel.Taps // weights: by place in the window, then channel
	pixels       *kernel.Taps
	m            int  // number of rows
	direct       bool // the sums lie as the output does
	outputs      int
	parts, split int // tasks: sums of their own, and shares of the rows of each
	gradBatch    int
	gradH, gradW int // steps
	gradChannel  int
}

// ofWeights tells whether the convolution has more taps than outputs by place,
// as a gradient of weights has.
func (c *convolution) ofWeights() bool {
	taps, outputs := 1, 1
	for i, axis := range c.axes.KernelSpatial {
		taps *= c.weights[axis]
		outputs *= c.out[c.axes.OutputSpatial[i]]
	}
	return taps > outputs && allOnes(c.inDilate) && c.channelGroups == 1
}

// mostSums is the most elements of all partial sums together.
const mostSums = 1 << 20

func newWindowGrad(c *convolution) *windowGrad {
	f := newGradWindows(c)
	f.rows = f.taps(0, f.channels)
	f.m = f.rows.Len()
	f.direct = f.contiguous()
	f.parts = max(1, min(leastParts, f.strips(), mostSums/(f.m*f.outputs)))
	f.split = max(1, min(leastParts/f.parts, f.m/(8*kernel.High)))
	return f
}

// newGradWindows describes the windows and the output's gradient.
func newGradWindows(c *convolution) *windowGrad {
	a := &c.axes
	last := len(a.KernelSpatial) - 1
	// The windows are where the gradient's elements are; their taps the weights.
	axis := func(s int) axisWindows {
		if s < 0 {
			return axisWindows{step: 1, count: 1, stride: 1, taps: []axisTap{{}}}
		}
		w := axisWindows{step: 1, count: c.weights[a.KernelSpatial[s]], stride: c.dilate[s], low: -c.pads[s][0]}
		for i := range c.out[a.OutputSpatial[s]] {
			w.high = i*c.stride[s] - c.pads[s][0]
			w.taps = append(w.taps, axisTap{i, w.high})
		}
		return w
	}
	f := &windowGrad{convolution: c, outputs: c.out[a.OutputChannels]}
	f.windows = newWindows(c, axis(last-1), axis(last), c.in[a.InputChannels], c.in[a.InputBatch], a.InputChannels, a.InputBatch)
	f.pixels = f.windows.pixels()
	f.gradBatch, f.gradChannel = c.weightStep[a.KernelInputChannels], c.weightStep[a.KernelOutputChannels]
	f.gradW = c.weightStep[a.KernelSpatial[last]]
	if last > 0 {
		f.gradH = c.weightStep[a.KernelSpatial[0]]
	}
	return f
}

// run sets out to the gradient.
func (f *windowGrad) run(x *run, out, in, grad []float32) {
	size := f.m * f.outputs
	sums := out
	if f.parts > 1 || !f.direct {
		sums = x.alloc(f.parts * size)
		defer x.free(sums)
	}
	// Shares of the rows read the same strips, which are prepared once for all.
	var shared []float32
	each := f.windows.size() + f.packedSize()
	if f.split > 1 {
		shared = x.alloc(f.strips() * each)
		defer x.free(shared)
		x.tasks(f.strips(), func(strip int, _ *scratch) { f.prepare(shared[strip*each:][:each], in, grad, strip) })
	}
	x.tasks(f.parts*f.split, func(t int, s *scratch) {
		part, share := t/f.split, t%f.split
		r0, r1 := f.row(share), f.row(share+1)
		c := sums[part*size+r0*f.outputs:]
		first := true
		for strip := part * f.strips() / f.parts; strip < (part+1)*f.strips()/f.parts; strip++ {
			var prepared []float32
			if shared != nil {
				prepared = shared[strip*each:][:each]
			} else {
				prepared = s.get(slotIn, each)
				f.prepare(prepared, in, grad, strip)
			}
			depth := f.depth(strip)
			o := kernel.Operands{A: prepared[:f.windows.size()], Rows: f.rows, Depth: f.pixels, Apart: depth * kernel.Panel}
			o.B = prepared[f.windows.size():]
			for k0 := 0; k0 < depth; k0 += blockDepth {
				o.Product(c, f.outputs, f.outputs, r0, r1, k0, min(depth, k0+blockDepth), !first)
				first = false
			}
		}
	})
	if f.parts == 1 {
		if !f.direct {
			f.unpack(out, sums)
		}
		return
	}
	total := sums[:size]
	if f.direct {
		total = out
	}
	x.spans(size, func(lo, hi int) {
		kernel.Binary(kernel.Add, total[lo:hi], sums[lo:hi], sums[size+lo:size+hi])
		for part := 2; part < f.parts; part++ {
			kernel.Binary(kernel.Add, total[lo:hi], total[lo:hi], sums[part*size+lo:part*size+hi])
		}
	})
	if !f.direct {
		f.unpack(out, total)
	}
}

// depth is the number of windows of a strip.
func (f *windowGrad) depth(strip int) int {
	n0, n1, h0, h1 := f.strip(strip)
	return (n1 - n0) * (h1 - h0) * f.w.count
}

// prepare stages a strip, and packs its part of the gradient after it.
func (f *windowGrad) prepare(dst, in, grad []float32, strip int) {
	n0, n1, h0, h1 := f.strip(strip)
	f.stage(dst[:f.windows.size()], in, n0, n1, h0, h1)
	f.pack(dst[f.windows.size():], grad, n0, n1, h0, h1)
}

// contiguous tells whether the output has the order of the sums: places in the
// window, input channels, output channels.
func (f *windowGrad) contiguous() bool {
	want, same := 0, f.outStep[f.axes.OutputChannels] == 1 && f.outStep[f.axes.OutputBatch] == f.outputs
	f.eachTap(func(to int) {
		same = same && to == want
		want += f.channels * f.outputs
	})
	return same
}

// row is the first row of a share, a multiple of the height of a tile.
func (f *windowGrad) row(share int) int {
	if share == f.split {
		return f.m
	}
	return share * f.m / f.split / kernel.High * kernel.High
}

// packedSize is the most elements of a strip's packed gradient.
func (f *windowGrad) packedSize() int {
	panels := (f.outputs + kernel.Panel - 1) / kernel.Panel
	return panels * f.images * f.windows.rows * f.w.count * kernel.Panel
}

// pack packs a strip of the output's gradient in panels of sixteen channels.
func (f *windowGrad) pack(packed, grad []float32, n0, n1, h0, h1 int) {
	for first := 0; first < f.outputs; first += kernel.Panel {
		channels := min(kernel.Panel, f.outputs-first)
		for n := n0; n < n1; n++ {
			for h := h0; h < h1; h++ {
				from := grad[n*f.gradBatch+h*f.gradH+first*f.gradChannel:]
				for w := range f.w.count {
					to := packed[:kernel.Panel]
					packed = packed[kernel.Panel:]
					switch {
					case f.gradChannel == 1 && channels == kernel.Panel:
						*(*[kernel.Panel]float32)(to) = *(*[kernel.Panel]float32)(from[w*f.gradW:])
						continue
					case channels < kernel.Panel:
						clear(to[channels:])
					}
					for o := range channels {
						to[o] = from[w*f.gradW+o*f.gradChannel]
					}
				}
			}
		}
	}
}

// unpack puts the sums where the output's axes want them.
func (f *windowGrad) unpack(out, sums []float32) {
	a := &f.axes
	step := f.outStep[a.OutputChannels]
	f.eachTap(func(to int) {
		for c := range f.channels {
			row, at := sums[:f.outputs], to+c*f.outStep[a.OutputBatch]
			sums = sums[f.outputs:]
			if step == 1 {
				copy(out[at:], row)
				continue
			}
			for o, v := range row {
				out[at+o*step] = v
			}
		}
	})
}

// eachTap calls do with the place in the output of every place of the window.
func (f *windowGrad) eachTap(do func(to int)) {
	a := &f.axes
	last := len(a.OutputSpatial) - 1
	for _, i := range f.h.taps {
		for _, j := range f.w.taps {
			to := j.tap * f.outStep[a.OutputSpatial[last]]
			if last > 0 {
				to += i.tap * f.outStep[a.OutputSpatial[0]]
			}
			do(to)
		}
	}
}
