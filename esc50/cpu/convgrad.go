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
	m            int // number of rows
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
	sums := x.alloc(f.parts * size)
	defer x.free(sums)
	x.tasks(f.parts*f.split, func(t int, s *scratch) {
		part, share := t/f.split, t%f.split
		r0, r1 := f.row(share), f.row(share+1)
		c := sums[part*size+r0*f.outputs:]
		staged := s.get(slotIn, f.windows.size())
		first := true
		for strip := part * f.strips() / f.parts; strip < (part+1)*f.strips()/f.parts; strip++ {
			n0, n1, h0, h1 := f.strip(strip)
			f.stage(staged, in, n0, n1, h0, h1)
			depth := (n1 - n0) * (h1 - h0) * f.w.count
			o := kernel.Operands{A: staged, Rows: f.rows, Depth: f.pixels, Apart: depth * kernel.Panel}
			o.B = f.pack(grad, n0, n1, h0, h1, depth, s)
			for k0 := 0; k0 < depth; k0 += blockDepth {
				o.Product(c, f.outputs, f.outputs, r0, r1, k0, min(depth, k0+blockDepth), !first)
				first = false
			}
		}
	})
	total := sums[:size]
	x.spans(size, func(lo, hi int) {
		for part := 1; part < f.parts; part++ {
			kernel.Binary(kernel.Add, total[lo:hi], total[lo:hi], sums[part*size+lo:part*size+hi])
		}
	})
	f.unpack(out, total)
}

// row is the first row of a share, a multiple of the height of a tile.
func (f *windowGrad) row(share int) int {
	if share == f.split {
		return f.m
	}
	return share * f.m / f.split / kernel.High * kernel.High
}

// pack packs a strip of the output's gradient in panels of sixteen channels.
func (f *windowGrad) pack(grad []float32, n0, n1, h0, h1, depth int, s *scratch) []float32 {
	panels := (f.outputs + kernel.Panel - 1) / kernel.Panel
	packed := s.get(slotGrad, panels*depth*kernel.Panel)
	if f.outputs%kernel.Panel != 0 {
		clear(packed[(panels-1)*depth*kernel.Panel:])
	}
	at := 0
	for n := n0; n < n1; n++ {
		for h := h0; h < h1; h++ {
			for w := range f.w.count {
				from := grad[n*f.gradBatch+h*f.gradH+w*f.gradW:]
				if f.gradChannel == 1 {
					for p := range panels {
						copy(packed[p*depth*kernel.Panel+at:][:kernel.Panel], from[p*kernel.Panel:f.outputs])
					}
				} else {
					for o := range f.outputs {
						packed[o/kernel.Panel*depth*kernel.Panel+at+o%kernel.Panel] = from[o*f.gradChannel]
					}
				}
				at += kernel.Panel
			}
		}
	}
	return packed
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
