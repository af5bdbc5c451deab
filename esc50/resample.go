package esc50

import (
	"fmt"
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
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
// 44100:8000). Taps and samples are float32, so that their products are exact
// in float64 and the sums have the same bits with or without fused
// multiply-adds. A Resampler may be used by several goroutines.
type Resampler struct {
	from, to int // in lowest terms
	taps     int
	filters  []float32 // [to][taps]
	first    []int     // first[p]: input index of filter p's first tap, from the block's start
}

// maxFilterBank bounds the taps in memory: 256 MiB.
const maxFilterBank = 1 << 26

// NewResampler returns a Resampler from one rate to another, both in Hz. It
// refuses rates below 1, above 768,000 and pairs whose filters would take more
// than 256 MiB.
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
	r.taps = (2*int(math.Ceil(half)) + 1 + 3) &^ 3
	if r.taps*r.to > maxFilterBank {
		return nil, fmt.Errorf("resample from %d to %d Hz: %d filters of %d taps are too many; convert the file to a more usual rate", from, to, r.to, r.taps)
	}
	r.filters = make([]float32, r.to*r.taps)
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

// sincTap is scale * sinc(t) * cos²(πt/12), for |t| < 6, else 0.
func sincTap(t, scale float64) float32 {
	if t <= -lowpassWidth || t >= lowpassWidth {
		return 0
	}
	w := detmath.CosPi(t / lowpassWidth / 2)
	w = float64(w*w) * scale
	if t == 0 {
		return float32(w)
	}
	return float32(detmath.SinPi(t) / float64(t*math.Pi) * w)
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
	for i, block := 0, 0; i < n; block++ {
		for p := 0; p < r.to && i < n; p++ {
			h := r.filters[p*r.taps : (p+1)*r.taps]
			at := block*r.from + r.first[p]
			if at >= 0 && at+len(h) <= len(src) {
				dst[i] = dot(h, src[at:at+len(h)])
			} else {
				dst[i] = dotEdge(h, src, at)
			}
			i++
		}
	}
	return dst
}

// dot is the dot product of equally long slices, a multiple of 4. It adds
// every fourth product to one of four sums, then those in one fixed order.
func dot(h, x []float32) float32 {
	var s0, s1, s2, s3 float64
	for len(h) >= 4 && len(x) >= 4 {
		s0 += float64(h[0]) * float64(x[0])
		s1 += float64(h[1]) * float64(x[1])
		s2 += float64(h[2]) * float64(x[2])
		s3 += float64(h[3]) * float64(x[3])
		h, x = h[4:], x[4:]
	}
	return float32((s0 + s2) + (s1 + s3))
}

// dotEdge is dot where x[at+j] outside of x counts as zero.
func dotEdge(h, x []float32, at int) float32 {
	var s [4]float64
	for j, v := range h {
		if i := at + j; i >= 0 && i < len(x) {
			s[j&3] += float64(v) * float64(x[i])
		}
	}
	return float32((s[0] + s[2]) + (s[1] + s[3]))
}
