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
	s.cut(min(s.outH, roundUp((s.outH+count-1)/count, 2)))
	return s
}

// cut sets the number of rows in a strip.
func (s *strips) cut(rows int) {
	s.rows = rows
	span := max(roundUp(s.rows*s.pitch, kernel.Pixels), roundUp(s.rows*s.pitch, kernel.Lanes))
	s.plane = roundUp(span+s.reach(), kernel.Lanes)
	if s.plane/kernel.Lanes%2 == 0 { // keep channels off one another's cache sets
		s.plane += kernel.Lanes
	}
}

// reach is the largest offset of a tap in a plane.
func (s *strips) reach() int { return (s.kh-1)*s.dh*s.pitch + (s.kw-1)*s.dw }

// count is the number of strips.
func (s *strips) count() int { return (s.outH + s.rows - 1) / s.rows }

// span is the range of output rows of a strip.
func (s *strips) span(strip int) (h0, h1 int) {
	return strip * s.rows, min(s.outH, (strip+1)*s.rows)
}

// stage lays the input of output rows h0 to h1-1 out in dst.
func (s *strips) stage(dst []float32, from source, n, h0, h1 int, sc *scratch) {
	first := h0 - s.above
	last := h1 + (s.kh-1)*s.dh - s.above
	lo, hi := max(first, 0), min(last, s.height)
	for c := range s.channels {
		plane := dst[c*s.plane : (c+1)*s.plane]
		if lo >= hi {
			clear(plane)
			continue
		}
		clear(plane[:(lo-first)*s.pitch+s.left])
		from.fill(plane[(lo-first)*s.pitch+s.left:], s.pitch, n, c, lo, hi, sc)
		for h := lo; h < hi-1 && s.width < s.pitch; h++ {
			at := (h-first)*s.pitch + s.left
			clear(plane[at+s.width : at+s.pitch])
		}
		clear(plane[(hi-1-first)*s.pitch+s.left+s.width:])
	}
}

// taps are the offsets of every input channel and place in the window.
func (s *strips) taps() *kernel.Taps {
	var offsets []int
	for c := range s.channels {
		for i := range s.kh {
			for j := range s.kw {
				offsets = append(offsets, c*s.plane+i*s.dh*s.pitch+j*s.dw)
			}
		}
	}
	return kernel.NewTaps(offsets)
}

// fastConv is a planar convolution ready to run.
type fastConv struct {
	*convolution
	strips
	batch, outputs int
	offsets        *kernel.Taps
}

func newFastConv(c *convolution) *fastConv {
	a := &c.axes
	f := &fastConv{convolution: c, batch: c.in[0], outputs: c.out[1]}
	f.strips = newStrips(c.in[1], c.in[2], c.in[3], c.weights[a.KernelSpatial[0]], c.weights[a.KernelSpatial[1]],
		c.dilate[0], c.dilate[1], c.pads, c.in[1])
	f.offsets = f.taps()
	return f
}

// pack orders the weights by block of eight outputs, tap, and output.
func (f *fastConv) pack(dst, w []float32) {
	clear(dst)
	a, taps := &f.axes, f.offsets.Len()
	for o := range f.outputs {
		to := dst[o/kernel.Channels*taps*kernel.Channels+o%kernel.Channels:]
		t := 0
		for c := range f.channels {
			base := o*f.weightStep[a.KernelOutputChannels] + c*f.weightStep[a.KernelInputChannels]
			for i := range f.kh {
				for j := range f.kw {
					to[t*kernel.Channels] = w[base+i*f.weightStep[a.KernelSpatial[0]]+j*f.weightStep[a.KernelSpatial[1]]]
					t++
				}
			}
		}
	}
}

// packed are the weights in the order of [fastConv.pack]; give them back with
// free.
func (f *fastConv) packed(x *run, w []float32) []float32 {
	blocks := (f.outputs + kernel.Channels - 1) / kernel.Channels
	p := x.alloc(blocks * f.offsets.Len() * kernel.Channels)
	f.pack(p, w)
	return p
}

// run convolves, adds a bias per output channel unless it is nil, and returns
// the sums over the parts of the batch if it is asked to.
func (f *fastConv) run(x *run, out []float32, from source, w, bias []float32, sums bool) [][]kernel.Moments {
	packed := f.packed(x, w)
	defer x.free(packed)
	n := f.batch * f.count()
	parts := make([][]kernel.Moments, n)
	to := planes{out, f.outputs, f.outH, f.outW}
	x.tasks(n, func(t int, s *scratch) {
		image := t / f.count()
		h0, h1 := f.span(t % f.count())
		in := s.get(slotIn, f.channels*f.plane)
		f.stage(in, from, image, h0, h1, s)
		if sums {
			parts[t] = make([]kernel.Moments, f.outputs)
		}
		f.strip(to, in, packed, bias, parts[t], image, h0, h1, s)
	})
	return parts
}

// strip computes rows h0 to h1-1 of an image from the staged input, and adds to
// the sums by channel unless they are nil.
func (f *fastConv) strip(to planes, in, packed, bias []float32, sums []kernel.Moments, image, h0, h1 int, s *scratch) {
	size := f.offsets.Len() * kernel.Channels
	tiles := ((h1-h0)*f.pitch + kernel.Pixels - 1) / kernel.Pixels
	tile := s.get(slotOut, kernel.Channels*tiles*kernel.Pixels)
	for c := range f.outputs {
		k := c % kernel.Channels
		if k == 0 {
			b := c / kernel.Channels
			kernel.Conv(tile, tiles*kernel.Pixels, in, f.offsets, packed[b*size:(b+1)*size], tiles)
		}
		var add []float32
		if bias != nil {
			add = bias[c : c+1]
		}
		for h := h0; h < h1; h++ {
			row := tile[k*tiles*kernel.Pixels+(h-h0)*f.pitch:][:f.outW]
			switch {
			case sums != nil && bias != nil:
				sums[c].AddBias(to.row(image, c, h), row, add[0])
			case sums != nil:
				sums[c].AddBias(to.row(image, c, h), row, 0)
			case bias != nil:
				kernel.Binary(kernel.Add, to.row(image, c, h), row, add)
			default:
				copy(to.row(image, c, h), row)
			}
		}
	}
}
