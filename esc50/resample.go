package esc50

import (
	"fmt"
	"math"
	"sync"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/reprodl/reprodl/esc50/internal/dsp"
)

const (
	lowpassWidth = 6    // zero crossings of the sinc on each side
	rolloff      = 0.99 // cut-off as a part of the lower Nyquist rate
)

// Resampler converts samples from one rate to another by the windowed sinc of
// torchaudio.transforms.Resample with its defaults: sinc_interp_hann, a
// lowpass filter width of 6, a rolloff of 0.99.
//
// With the rates reduced to their lowest terms, from:to, output i is the dot
// product of the input near i*from/to with one of `to` filters, made once;
// each has only the taps under its window (68 of torchaudio's 509 for
// 44100:8000). The sums are in float64 in one order, so that the results have
// the same bits on every processor. A Resampler may be used by several
// goroutines.
type Resampler struct {
	from, to int // in lowest terms
	taps     int
	filters  []float64 // [to][taps], of float32 precision
	first    []int     // first[p]: input index of filter p's first tap, from the block's start
	scratch  sync.Pool // of *[]float64
}

// maxFilterBank bounds the taps in memory: 64 MiB.
const maxFilterBank = 1 << 23

// NewResampler returns a Resampler from one rate to another, both in Hz. It
// refuses rates below 1, above 768,000 and pairs whose filters would take more
// than 64 MiB.
func NewResampler(from, to int) (*Resampler, error) {
	if from < 1 || to < 1 || from > maxRate || to > maxRate {
		return nil, fmt.Errorf("resample from %d to %d Hz: want rates of 1 to %d", from, to, maxRate)
	}
	g := gcd(from, to)
	r := &Resampler{from: from / g, to: to / g}
	if r.from == r.to {
		return r, nil
	}
	base := float64(min(r.from, r.to)) * rolloff
	half := float64(lowpassWidth*r.from) / base // half the window, in input samples
	r.taps = (int(2*half) + 1 + 3) &^ 3         // as many as can be under it, up to a multiple of 4
	if r.taps*r.to > maxFilterBank {
		return nil, fmt.Errorf("resample from %d to %d Hz: %d filters of %d taps are too many; convert the file to a more usual rate", from, to, r.to, r.taps)
	}
	r.filters = make([]float64, r.to*r.taps)
	r.first = make([]int, r.to)
	for p := range r.to {
		r.first[p] = int(math.Ceil(float64(p)*float64(r.from)/float64(r.to) - half))
		// torchaudio keeps the phase as a float32.
		phase := float64(float32(-p) / float32(r.to))
		for j := range r.taps {
			x := float64(r.first[p]+j) / float64(r.from)
			r.filters[p*r.taps+j] = sincTap(float64((phase+x)*base), base/float64(r.from))
		}
	}
	return r, nil
}

// sincTap is scale * sinc(t) * cos²(πt/12), for |t| < 6, else 0, rounded to
// float32.
func sincTap(t, scale float64) float64 {
	if t <= -lowpassWidth || t >= lowpassWidth {
		return 0
	}
	w := detmath.CosPi(t / lowpassWidth / 2)
	w = float64(w*w) * scale
	if t == 0 {
		return float64(float32(w))
	}
	return float64(float32(detmath.SinPi(t) / float64(t*math.Pi) * w))
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Len is the number of samples that n samples become: n*to/from, rounded up.
func (r *Resampler) Len(n int) int {
	return int((int64(n)*int64(r.to) + int64(r.from) - 1) / int64(r.from))
}

// Resample writes Len(len(src)) samples to dst, grown when it is too short,
// and returns it. dst and src must not overlap. Samples before the first and
// after the last count as zero.
func (r *Resampler) Resample(dst, src []float32) []float32 {
	n := r.Len(len(src))
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	if r.from == r.to {
		copy(dst, src)
		return dst
	}
	buf := r.buffer()
	defer r.scratch.Put(buf)
	for block := 0; block*r.to < n; block += blocksAtOnce {
		r.blocks(dst, src, block, *buf)
	}
	return dst
}

// blocksAtOnce is the number of blocks (of `from` inputs and `to` outputs) that
// one call of dsp.Dot8 handles.
const blocksAtOnce = 8

func (r *Resampler) buffer() *[]float64 {
	if buf, ok := r.scratch.Get().(*[]float64); ok {
		return buf
	}
	span := (blocksAtOnce-1)*r.from + r.first[r.to-1] - r.first[0] + r.taps
	buf := make([]float64, span)
	return &buf
}

// blocks computes the outputs of the blocks from the given one on. buf holds
// the inputs they need, zero where there are none.
func (r *Resampler) blocks(dst, src []float32, block int, buf []float64) {
	start := block*r.from + r.first[0] // of buf[0] in src
	from, to := min(max(start, 0), len(src)), min(max(start+len(buf), 0), len(src))
	if to-from < len(buf) {
		clear(buf)
	}
	if from < to {
		dsp.Widen(buf[from-start:to-start], src[from:to])
	}
	var out [blocksAtOnce]float32
	for p := range r.to {
		at := r.first[p] - r.first[0]
		dsp.Dot8(&out, r.filters[p*r.taps:(p+1)*r.taps], buf[at:], r.from)
		for k, i := 0, block*r.to+p; k < len(out) && i < len(dst); k, i = k+1, i+r.to {
			dst[i] = out[k]
		}
	}
}
