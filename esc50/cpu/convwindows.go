package cpu

import (
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// windowFloats bounds what a task of a convolution stages: less than half of a
// second-level cache of 512 KiB.
const windowFloats = 40 << 10

// axisWindows are the windows along one spatial axis whose outputs lie step
// apart from first on: all of them, unless the input is dilated. Then outputs
// of different phases meet different taps, the others being on zeros between.
type axisWindows struct {
	first, step, count int
	stride             int // of the windows, on the input
	taps               []axisTap
	low, high          int // places of the first window's taps
}

// axisTap is a place in a window and where the first window has it.
type axisTap struct{ tap, at int }

// phasesOf are the windows of axis s, by phase.
func (c *convolution) phasesOf(s int) []axisWindows {
	if s < 0 { // an axis that is not there
		return []axisWindows{{step: 1, count: 1, stride: 1, taps: []axisTap{{}}}}
	}
	dilate := c.inDilate[s]
	period := dilate / gcd(c.stride[s], dilate)
	out, size := c.out[c.axes.OutputSpatial[s]], c.weights[c.axes.KernelSpatial[s]]
	var all []axisWindows
	for first := range min(period, out) {
		w := axisWindows{first: first, step: period, count: (out - first + period - 1) / period, stride: period * c.stride[s] / dilate}
		for i := range size {
			if at := first*c.stride[s] - c.pads[s][0] + i*c.dilate[s]; at%dilate == 0 {
				w.taps = append(w.taps, axisTap{i, at / dilate})
			}
		}
		if len(w.taps) > 0 {
			w.low, w.high = w.taps[0].at, w.taps[len(w.taps)-1].at
		}
		all = append(all, w)
	}
	return all
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// span is the number of places that n windows cover.
func (w *axisWindows) span(n int) int { return (n-1)*w.stride + w.high - w.low + 1 }

// windows are the windows of a convolution over strips of images. A strip is
// some rows of windows of an image, or of several whole images; what they cover
// is staged with channels last and zeros around, so that an element of a window
// is at the sum of a place of the window and one of the tap and channel.
type windows struct {
	h, w          axisWindows
	channels      int
	height, width int    // of the input
	step          [4]int // of the input: batch, height, width, channel
	batch         int
	images, rows  int // in a strip
	pitch, image  int // between staged rows and images
}

func newWindows(c *convolution, h, w axisWindows, batch, channels, batchAxis, channelAxis int) *windows {
	s := &windows{h: h, w: w, channels: channels, batch: c.in[batchAxis], height: 1, width: c.in[c.axes.InputSpatial[len(c.axes.InputSpatial)-1]]}
	s.step = [4]int{c.inStep[batchAxis], 0, c.inStep[c.axes.InputSpatial[len(c.axes.InputSpatial)-1]], c.inStep[channelAxis]}
	if len(c.axes.InputSpatial) == 2 {
		s.height, s.step[1] = c.in[c.axes.InputSpatial[0]], c.inStep[c.axes.InputSpatial[0]]
	}
	s.pitch = w.span(w.count) * channels
	s.images, s.rows = 1, h.count
	if whole := h.span(h.count) * s.pitch; whole > windowFloats {
		over := h.high - h.low + 1 - h.stride
		s.rows = max(1, min(h.count, (windowFloats/s.pitch-over)/h.stride))
		strips := (h.count + s.rows - 1) / s.rows
		s.rows = (h.count + strips - 1) / strips
	} else {
		s.images = max(1, min(windowFloats/whole, (s.batch+leastParts-1)/leastParts))
	}
	s.image = h.span(s.rows) * s.pitch
	return s
}

// strips is the number of strips.
func (s *windows) strips() int {
	return (s.batch + s.images - 1) / s.images * ((s.h.count + s.rows - 1) / s.rows)
}

// strip is the images and rows of windows of a strip.
func (s *windows) strip(i int) (n0, n1, h0, h1 int) {
	across := (s.h.count + s.rows - 1) / s.rows
	n0, h0 = i/across*s.images, i%across*s.rows
	return n0, min(s.batch, n0+s.images), h0, min(s.h.count, h0+s.rows)
}

// size is the number of elements of a staged strip.
func (s *windows) size() int { return s.images * s.image }

// pixels are the places of a strip's windows. A strip that has fewer images, or
// fewer rows of one, has the first of them.
func (s *windows) pixels() *kernel.Taps {
	var places []int
	for n := range s.images {
		for y := range s.rows {
			for x := range s.w.count {
				places = append(places, n*s.image+y*s.h.stride*s.pitch+x*s.w.stride*s.channels)
			}
		}
	}
	return kernel.NewTaps(places)
}

// taps are the places of a window's elements on channels c0 to c1-1.
func (s *windows) taps(c0, c1 int) *kernel.Taps {
	var places []int
	for _, i := range s.h.taps {
		for _, j := range s.w.taps {
			for c := c0; c < c1; c++ {
				places = append(places, (i.at-s.h.low)*s.pitch+(j.at-s.w.low)*s.channels+c)
			}
		}
	}
	return kernel.NewTaps(places)
}

// stage lays a strip out in dst.
func (s *windows) stage(dst, in []float32, n0, n1, h0, h1 int) {
	top := s.h.low + h0*s.h.stride
	for n := n0; n < n1; n++ {
		for y := range s.h.span(h1 - h0) {
			row := dst[(n-n0)*s.image+y*s.pitch:][:s.pitch]
			if h := top + y; h >= 0 && h < s.height {
				s.stageRow(row, in[n*s.step[0]+h*s.step[1]:])
			} else {
				clear(row)
			}
		}
	}
}

// stageRow lays one row out, of which src is the start.
func (s *windows) stageRow(row, src []float32) {
	columns := s.pitch / s.channels
	lo, hi := max(0, -s.w.low), min(columns, s.width-s.w.low) // staged columns that are there
	if lo >= hi {
		clear(row)
		return
	}
	clear(row[:lo*s.channels])
	clear(row[hi*s.channels:])
	at := (lo + s.w.low) * s.step[2]
	switch {
	case s.step[3] == 1 && s.step[2] == s.channels || s.channels == 1 && s.step[2] == 1:
		copy(row[lo*s.channels:hi*s.channels], src[at:])
	case s.step[3] == 1:
		for x := lo; x < hi; x++ {
			copy(row[x*s.channels:(x+1)*s.channels], src[at+(x-lo)*s.step[2]:])
		}
	default:
		for c := range s.channels {
			from := src[at+c*s.step[3]:]
			for x := lo; x < hi; x++ {
				row[x*s.channels+c] = from[(x-lo)*s.step[2]]
			}
		}
	}
}
