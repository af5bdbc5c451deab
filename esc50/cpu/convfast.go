package cpu

import (
	"slices"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// stripFloats bounds what a task stages: about a third of a second-level cache
// of 1 MiB.
const stripFloats = 96 << 10

// planar tells whether the convolution is one over planes: two spatial axes,
// stride one, [batch, channels, height, width] in and out.
func (c *convolution) planar() bool {
	a := &c.axes
	return c.plain() && a.InputBatch == 0 && a.InputChannels == 1 &&
		a.OutputBatch == 0 && a.OutputChannels == 1 && slices.Equal(a.OutputSpatial, []int{2, 3})
}

// weightGradient tells whether the convolution is how GoMLX writes the gradient
// of weights: batch and channels of the input exchanged, and the gradient of
// the output, [batch, channels, height, width], for a kernel.
func (c *convolution) weightGradient() bool {
	a := &c.axes
	return c.plain() && a.InputBatch == 1 && a.InputChannels == 0 &&
		a.KernelInputChannels == 0 && a.KernelOutputChannels == 1 && slices.Equal(a.KernelSpatial, []int{2, 3}) &&
		allOnes(c.dilate)
}

func (c *convolution) plain() bool {
	if len(c.in) != 4 || !slices.Equal(c.axes.InputSpatial, []int{2, 3}) || c.channelGroups*c.batchGroups != 1 ||
		!allOnes(c.stride) || !allOnes(c.inDilate) || slices.Contains(c.in, 0) || slices.Contains(c.weights, 0) {
		return false
	}
	for _, p := range c.pads {
		if p[0] < 0 || p[1] < 0 {
			return false
		}
	}
	return true
}

// strips is how a convolution's planes are cut and laid out in scratch: strips
// of rows with the padding around, each channel's rows one after the other at a
// fixed distance, so that a tap is one offset for all outputs of a strip. The
// outputs of a row's last places, where the window wraps around, are not used.
type strips struct {
	channels       int // staged
	height, width  int // of the input
	rows           int // of output in a strip
	outH, outW     int
	pitch          int // between staged rows
	above          int // staged rows over the first of a strip
	left           int // padding
	kh, kw, dh, dw int // window and its dilation
	plane          int // between channels
}

// newStrips plans strips for a window of kh by kw, given the rows' share of a
// strip's memory in channels.
func newStrips(channels, height, width, kh, kw, dh, dw int, pads [][2]int, share int) strips {
	s := strips{channels: channels, height: height, width: width, kh: kh, kw: kw, dh: dh, dw: dw, above: pads[0][0], left: pads[1][0]}
	s.pitch = width + pads[1][0] + pads[1][1]
	s.outH = height + pads[0][0] + pads[0][1] - (kh-1)*dh
	s.outW = s.pitch - (kw-1)*dw
	most := max(4, min(32, stripFloats/(share*s.pitch)))
	count := (s.outH + most - 1) / most
	s.cut(min(s.outH, roundUp((s.outH+count-1)/count, kernel.TileRows)))
	return s
}

// planeSize is the distance between channels whose outputs take an area, read
// up to reach beyond it: whole tiles of pixels, which are whole vectors, and
// such that channels keep off one another's cache sets.
func planeSize(area, reach int) int { return apart(roundUp(area, kernel.Pixels) + reach) }

// apart rounds the size of a plane up so that channels keep off one another's
// cache sets.
func apart(n int) int {
	n = roundUp(n, kernel.Lanes)
	if n/kernel.Lanes%2 == 0 {
		n += kernel.Lanes
	}
	return n
}

// cut sets the number of rows in a strip.
func (s *strips) cut(rows int) {
	s.rows = rows
	s.plane = planeSize(roundUp(s.rows, kernel.TileRows)*s.pitch, s.reach())
}

// reach is the largest offset of a tap in a plane.
func (s *strips) reach() int { return (s.kh-1)*s.dh*s.pitch + (s.kw-1)*s.dw }

// count is the number of strips.
func (s *strips) count() int { return (s.outH + s.rows - 1) / s.rows }

// span is the range of output rows of a strip.
func (s *strips) span(strip int) (h0, h1 int) {
	return strip * s.rows, min(s.outH, (strip+1)*s.rows)
}

// stage lays the input of output rows h0 to h1-1 out in dst, all channels.
func (s *strips) stage(dst []float32, from source, n, h0, h1 int, sc *scratch) {
	for c := range s.channels {
		s.stageChannel(dst[c*s.plane:(c+1)*s.plane], from, n, c, h0, h1, sc)
	}
}

// stageChannel is stage for one channel, whose plane is zero around the rows.
func (s *strips) stageChannel(plane []float32, from source, n, c, h0, h1 int, sc *scratch) {
	first := h0 - s.above
	last := h1 + (s.kh-1)*s.dh - s.above
	lo, hi := max(first, 0), min(last, s.height)
	if lo >= hi {
		clear(plane)
		return
	}
	clear(plane[:(lo-first)*s.pitch+s.left])
	from.fill(plane[(lo-first)*s.pitch+s.left:], s.pitch, n, c, lo, hi, sc)
	for h := lo; h < hi-1 && s.width < s.pitch; h++ {
		at := (h-first)*s.pitch + s.left
		clear(plane[at+s.width : at+s.pitch])
	}
	clear(plane[(hi-1-first)*s.pitch+s.left+s.width:])
}

// input stages all channels for output rows h0 to h1-1 of an image, and sets
// their points if the strips are tiled.
func (s *strips) input(t *tiles, from source, image, h0, h1 int, sc *scratch) []float32 {
	if t == nil {
		in := sc.get(slotIn, s.channels*s.plane)
		s.stage(in, from, image, h0, h1, sc)
		return in
	}
	points, plane := sc.get(slotTiles, t.size()), sc.get(slotIn, s.plane)
	for c := range s.channels {
		s.stageChannel(plane, from, image, c, h0, h1, sc)
		t.channel(points, plane, c, h1-h0)
	}
	return points
}

// taps are the offsets of every input channel and place in a window of kh rows,
// given the distance between channels.
func (s *strips) taps(kh, plane int) *kernel.Taps {
	var offsets []int
	for c := range s.channels {
		for i := range kh {
			for j := range s.kw {
				offsets = append(offsets, c*plane+i*s.dh*s.pitch+j*s.dw)
			}
		}
	}
	return kernel.NewTaps(offsets)
}

// fastConv is a planar convolution ready to run.
type fastConv struct {
	*convolution
	strips
	tiled          *tiles // nil for the definition's multiplications
	batch, outputs int
	offsets        *kernel.Taps
}

func newFastConv(c *convolution) *fastConv {
	a := &c.axes
	f := &fastConv{convolution: c, batch: c.in[0], outputs: c.out[1]}
	f.layOut(newStrips(c.in[1], c.in[2], c.in[3], c.weights[a.KernelSpatial[0]], c.weights[a.KernelSpatial[1]],
		c.dilate[0], c.dilate[1], c.pads, c.in[1]))
	return f
}

// layOut sets the strips and what depends on them.
func (f *fastConv) layOut(s strips) {
	f.strips, f.tiled = s, nil
	if tileable(f.kh, f.dh, f.channels, f.outputs, f.outH) {
		f.tiled = newTiles(&f.strips)
		f.offsets = f.taps(1, f.tiled.plane)
		return
	}
	f.offsets = f.taps(f.kh, f.plane)
}

// blocks is the number of blocks of eight outputs.
func (f *fastConv) blocks() int { return (f.outputs + kernel.Channels - 1) / kernel.Channels }

// pack orders the weights by block of eight outputs, tap, and output.
func (f *fastConv) pack(dst, w []float32) {
	clear(dst)
	a, taps := &f.axes, f.offsets.Len()
	weight := func(o, c, i, j int) float32 {
		return w[o*f.weightStep[a.KernelOutputChannels]+c*f.weightStep[a.KernelInputChannels]+
			i*f.weightStep[a.KernelSpatial[0]]+j*f.weightStep[a.KernelSpatial[1]]]
	}
	if f.tiled != nil {
		f.packTiles(dst, weight)
		return
	}
	for o := range f.outputs {
		to := dst[o/kernel.Channels*taps*kernel.Channels+o%kernel.Channels:]
		for t := range taps {
			to[t*kernel.Channels] = weight(o, t/(f.kh*f.kw), t/f.kw%f.kh, t%f.kw)
		}
	}
}

// packed are the weights in the order of [fastConv.pack]; give them back with
// free.
func (f *fastConv) packed(x *run, w []float32) []float32 {
	n := f.blocks() * f.offsets.Len() * kernel.Channels
	if f.tiled != nil {
		n *= kernel.TilePoints
	}
	p := x.alloc(n)
	f.pack(p, w)
	return p
}

// output is where a convolution's rows go.
type output struct {
	to    planes
	bias  []float32        // by channel; nil for none
	sums  []kernel.Moments // by channel, of what is stored; nil for none
	norm  []kernel.Norm    // by channel, to be applied with a ReLU (folded.go); nil for none
	pool  bool             // and max-pooled by two
	width int              // of a row before that
}

// store stores n rows of a channel, an even one first, that are stride apart. It
// may overwrite them.
func (o *output) store(image, c, h, n, stride int, rows []float32) {
	if o.norm != nil {
		o.storeFolded(image, c, h, n, stride, rows)
		return
	}
	for i := range n {
		o.row(image, c, h+i, rows[i*stride:][:o.to.w])
	}
}

func (o *output) row(image, c, h int, row []float32) {
	dst := o.to.row(image, c, h)
	switch {
	case o.sums != nil && o.bias != nil:
		o.sums[c].AddBias(dst, row, o.bias[c])
	case o.sums != nil:
		o.sums[c].AddBias(dst, row, 0)
	case o.bias != nil:
		kernel.Binary(kernel.Add, dst, row, o.bias[c:c+1])
	default:
		copy(dst, row)
	}
}

// run convolves, and returns the sums over the parts of the batch if it is
// asked to.
func (f *fastConv) run(x *run, out output, from source, w []float32, sums bool) [][]kernel.Moments {
	packed := f.packed(x, w)
	defer x.free(packed)
	n := f.batch * f.count()
	parts := make([][]kernel.Moments, n)
	x.tasks(n, func(t int, s *scratch) {
		image := t / f.count()
		h0, h1 := f.span(t % f.count())
		to := out
		if sums {
			parts[t] = make([]kernel.Moments, f.outputs)
			to.sums = parts[t]
		}
		f.strip(&to, f.input(f.tiled, from, image, h0, h1, s), packed, image, h0, h1, s)
	})
	return parts
}

// strip computes rows h0 to h1-1 of an image.
func (f *fastConv) strip(to *output, in, packed []float32, image, h0, h1 int, s *scratch) {
	for b := range f.blocks() {
		store := func(k, row, n, stride int, out []float32) {
			to.store(image, b*kernel.Channels+k, h0+row, n, stride, out)
		}
		if f.tiled != nil {
			f.tileConv(in, packed, b, h1-h0, s, store)
			continue
		}
		size := f.offsets.Len() * kernel.Channels
		n := ((h1-h0)*f.pitch + kernel.Pixels - 1) / kernel.Pixels
		stride := n * kernel.Pixels
		out := s.get(slotOut, kernel.Channels*stride)
		kernel.Conv(out, stride, in, f.offsets, packed[b*size:(b+1)*size], n)
		for k := range min(kernel.Channels, f.outputs-b*kernel.Channels) {
			store(k, 0, h1-h0, f.pitch, out[k*stride:])
		}
	}
}
