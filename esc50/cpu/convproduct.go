package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// windowConv is a convolution as products of windows with weights, in any order
// of axes, with strides, dilation, groups of channels and dilated input. An
// output is one chain, by place in the window, then by input channel.
type windowConv struct {
	*convolution
	phases  []convPhase
	groups  int
	inputs  int // channels of a group
	outputs int // of a group
	columns []int
	single  bool // every channel by itself
}

// convPhase are the outputs that meet the same taps.
type convPhase struct {
	*windows
	pixels *kernel.Taps
	depth  []*kernel.Taps // by group
	weight []int          // places of the weights, by depth
}

// productOf is a convolution done by products.
type productOf interface {
	run(x *run, out, in, weights []float32)
}

// byProduct tells whether a convolution is done by products: convfast.go covers
// planes, and of more than two spatial axes or groups of the batch there is the
// definition only.
func (c *convolution) byProduct() bool {
	spatial := len(c.in) - 2
	return spatial >= 1 && spatial <= 2 && c.batchGroups == 1 && !slices.Contains(c.in, 0) && !slices.Contains(c.weights, 0) &&
		!slices.Contains(c.out, 0) && !c.planar() && !c.weightGradient()
}

// asProduct returns how that is done.
func (c *convolution) asProduct() productOf {
	if c.ofWeights() {
		return newWindowGrad(c)
	}
	return newWindowConv(c)
}

// turn has the weights read from the last place of every window to the first.
func (c *convolution) turn() {
	c.weightStep = slices.Clone(c.weightStep)
	for _, axis := range c.axes.KernelSpatial {
		c.weightFirst += (c.weights[axis] - 1) * c.weightStep[axis]
		c.weightStep[axis] = -c.weightStep[axis]
	}
}

// turned has convolutions read weights that are turned for them, as in the
// gradient by the input, as they lie.
func (p *plan) turned(order []*node) {
	for _, n := range order {
		c, ok := n.attr.(*convolution)
		if !ok || n.op != compute.OpTypeConvGeneral || n.out[0].shape.DType != dtypes.Float32 || !c.byProduct() || c.ofWeights() {
			continue
		}
		turning := n.in[1].node
		if turning.op != compute.OpTypeReverse || !sameSet(turning.attr.([]int), c.axes.KernelSpatial) {
			continue
		}
		d := *c
		d.turn()
		n.in, n.attr, n.run = []*value{n.in[0], turning.in[0]}, &d, d.runProduct()
	}
}

func sameSet(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func newWindowConv(c *convolution) *windowConv {
	a := &c.axes
	f := &windowConv{convolution: c, groups: c.channelGroups, inputs: c.weights[a.KernelInputChannels]}
	f.outputs = c.out[a.OutputChannels] / f.groups
	f.single = f.groups > 1 && f.inputs == 1 && f.outputs == 1
	for o := range f.groups * f.outputs {
		f.columns = append(f.columns, o*c.weightStep[a.KernelOutputChannels])
	}
	last := len(a.KernelSpatial) - 1
	for _, h := range c.phasesOf(last - 1) {
		for _, w := range c.phasesOf(last) {
			p := convPhase{windows: newWindows(c, h, w, c.in[a.InputBatch], c.in[a.InputChannels], a.InputBatch, a.InputChannels)}
			p.pixels = p.windows.pixels()
			for g := range f.groups {
				p.depth = append(p.depth, p.taps(g*f.inputs, (g+1)*f.inputs))
				if f.single {
					break // the others are beside it
				}
			}
			for _, i := range h.taps {
				for _, j := range w.taps {
					at := c.weightFirst + j.tap*c.weightStep[a.KernelSpatial[last]]
					if last > 0 {
						at += i.tap * c.weightStep[a.KernelSpatial[0]]
					}
					for k := range f.inputs {
						p.weight = append(p.weight, at+k*c.weightStep[a.KernelInputChannels])
					}
				}
			}
			f.phases = append(f.phases, p)
		}
	}
	return f
}

// run convolves.
func (f *windowConv) run(x *run, out, in, w []float32) {
	for i := range f.phases {
		f.phase(x, &f.phases[i], out, in, w)
	}
}

func (f *windowConv) phase(x *run, p *convPhase, out, in, w []float32) {
	panels := (f.outputs + kernel.Panel - 1) / kernel.Panel
	depth := len(p.weight)
	apart := depth * kernel.Panel
	if f.single {
		apart = depth
	}
	packed := x.alloc(f.groups * panels * apart)
	defer x.free(packed)
	f.pack(x, packed, w, p, panels, apart)
	a := &f.axes
	all := f.groups * f.outputs
	place := p.outputPlaces(f.convolution)
	direct := f.outStep[a.OutputChannels] == 1 && place.contiguous(all)
	x.tasks(p.strips(), func(t int, s *scratch) {
		n0, n1, h0, h1 := p.strip(t)
		staged := s.get(slotIn, p.size())
		p.stage(staged, in, n0, n1, h0, h1)
		rows := (n1 - n0) * (h1 - h0) * p.w.count
		c := out[min(len(out)-1, place.at(n0, h0, 0)):]
		if !direct {
			c = s.get(slotOut, rows*all)
		}
		if f.single {
			kernel.Depthwise(c, staged, p.pixels, p.depth[0], rows, all, packed)
		}
		for g := 0; g < f.groups && !f.single; g++ {
			o := kernel.Operands{A: staged, Rows: p.pixels, Depth: p.depth[g], B: packed[g*panels*apart:], Apart: apart}
			for k0 := 0; k0 < depth || k0 == 0; k0 += blockDepth {
				o.Product(c[g*f.outputs:], all, f.outputs, 0, rows, k0, min(depth, k0+blockDepth), k0 > 0)
			}
		}
		if !direct {
			place.scatter(out, c, all, n0, n1, h0, h1, p.w.count)
		}
	})
}

// pack orders the weights by group, panel of sixteen outputs, depth and output,
// or, of channels by themselves, by depth and channel.
func (f *windowConv) pack(x *run, packed, w []float32, p *convPhase, panels, apart int) {
	if f.single {
		for k, at := range p.weight {
			for i, column := range f.columns {
				packed[k*len(f.columns)+i] = w[column+at]
			}
		}
		return
	}
	x.tasks(f.groups*panels, func(t int, _ *scratch) {
		g := t / panels
		packPanel(packed[t*apart:(t+1)*apart], w, f.columns[g*f.outputs:(g+1)*f.outputs], p.weight, t%panels*kernel.Panel)
	})
}

// places are where the outputs of windows lie.
type places struct {
	first, batch, h, w, channel int
	count                       int // windows of a row
	rows                        int // of windows of an image
}

func (p *convPhase) outputPlaces(c *convolution) *places {
	a := &c.axes
	last := len(a.OutputSpatial) - 1
	w := c.outStep[a.OutputSpatial[last]]
	s := &places{
		first: p.w.first * w, batch: c.outStep[a.OutputBatch], w: p.w.step * w,
		channel: c.outStep[a.OutputChannels], count: p.w.count, rows: p.h.count,
	}
	if last > 0 {
		h := c.outStep[a.OutputSpatial[0]]
		s.first += p.h.first * h
		s.h = p.h.step * h
	}
	return s
}

func (s *places) at(n, h, w int) int { return s.first + n*s.batch + h*s.h + w*s.w }

// contiguous tells whether the outputs of neighbouring windows are neighbours.
func (s *places) contiguous(channels int) bool {
	return s.first == 0 && s.w == channels && (s.rows == 1 || s.h == s.count*s.w) && s.batch == s.rows*s.count*s.w
}

// scatter stores the outputs of a strip's windows.
func (s *places) scatter(out, from []float32, channels, n0, n1, h0, h1, count int) {
	for n := n0; n < n1; n++ {
		for h := h0; h < h1; h++ {
			if s.channel == 1 {
				for w := range count {
					copy(out[s.at(n, h, w):][:channels], from[w*channels:])
				}
			} else {
				for c := range channels {
					to := s.at(n, h, 0) + c*s.channel
					for w := range count {
						out[to+w*s.w] = from[w*channels+c]
					}
				}
			}
			from = from[count*channels:]
		}
	}
}
