// Package dsp has the inner loops of the audio front end: spectra, filter
// banks, dot products and decibels, with the same bits on every processor.
//
// Everything is computed in float64. On amd64 with AVX2 and FMA the loops are
// assembler that works on four frames (or partial sums) at a time, each lane
// doing what the portable code does; REPRODL_CPU=generic selects the latter.
// A product of two float32 values is exact in float64, so that there a fused
// multiply-add equals the separate operations; everywhere else neither side
// fuses.
//
// # Choice of transform
//
// The front end needs the 201 powers of 400 real samples. The frame is packed
// into 200 complex numbers, transformed by a mixed-radix (2, 3, 4, 5) Stockham
// transform with tables made once, and unpacked. Per frame, measured by the
// benchmarks of this package: 0.3 µs in assembler, 1.8 µs in portable Go, 4.9 µs
// with gonum's fourier.FFT, 210 µs with go-dsp. The last two are references
// in the tests; neither promises the bits, as Go fuses multiply-adds on arm64.
package dsp

import (
	"fmt"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// Plan holds the tables of one transform length. It is read-only once made and
// may be shared; the working space is the caller's Scratch.
type Plan struct {
	n      int // real length
	window []float32
	wide   []float64 // window
	passes []pass
	unpack []float64 // exp(-2πik/n), k = 0..n/4, as pairs
	vector bool      // the assembler can do it
}

// pass is one stage of the Stockham transform: m butterflies of the given
// radix, each over s contiguous elements.
type pass struct {
	radix, m, s int
	w           []float64 // exp(-2πi pu/(radix*m)), u = 1..radix-1, as pairs, for p = 0..m-1
}

// Scratch is the working space of one goroutine.
type Scratch struct {
	re, im, re2, im2 []float64 // four lanes, or one
	one              []float32
}

// NewPlan returns the plan for frames of len(window) real samples, which are
// multiplied by the window. The length must be even, and half of it a product
// of 2, 3 and 5.
func NewPlan(window []float32) (*Plan, error) {
	n := len(window)
	if n < 4 || n%2 != 0 {
		return nil, fmt.Errorf("FFT of %d points: want an even number, at least 4", n)
	}
	p := &Plan{n: n, window: window, wide: make([]float64, n), vector: n%4 == 0}
	Widen(p.wide, window)
	rest, s := n/2, 1
	for rest > 1 {
		r := radixFor(rest)
		if r == 0 {
			return nil, fmt.Errorf("FFT of %d points: want only factors of 2, 3 and 5", n)
		}
		p.passes = append(p.passes, newPass(rest, r, s))
		p.vector = p.vector && r != 3
		rest /= r
		s *= r
	}
	for k := 0; k <= n/4; k++ {
		p.unpack = append(p.unpack, root(k, n)...)
	}
	return p, nil
}

func radixFor(n int) int {
	for _, r := range []int{5, 4, 3, 2} {
		if n%r == 0 {
			return r
		}
	}
	return 0
}

// root returns exp(-2πik/n).
func root(k, n int) []float64 {
	x := 2 * float64(k) / float64(n)
	return []float64{detmath.CosPi(x), -detmath.SinPi(x)}
}

func newPass(n, radix, s int) pass {
	ps := pass{radix: radix, m: n / radix, s: s}
	for p := range ps.m {
		for u := 1; u < radix; u++ {
			ps.w = append(ps.w, root(p*u, n)...)
		}
	}
	return ps
}

// Bins is the number of powers: n/2 + 1.
func (p *Plan) Bins() int { return p.n/2 + 1 }

// NewScratch returns working space for p.
func (p *Plan) NewScratch() *Scratch {
	lanes := func() []float64 { return make([]float64, 2*p.n) }
	return &Scratch{lanes(), lanes(), lanes(), lanes(), make([]float32, p.Bins())}
}

// Power4 sets dst[4*k+l], k = 0..n/2, l = 0..3, to |X[k]|² of the frame of n
// samples that starts at x[l*hop], times the window, rounded to float32 at the
// very end. It panics when dst isn't 4*Bins() long or x too short. It doesn't
// allocate.
func (p *Plan) Power4(dst, x []float32, hop int, s *Scratch) {
	dst, x = dst[:4*p.Bins()], x[:3*hop+p.n]
	if vector && p.vector {
		p.power4(dst, x, hop, s)
		return
	}
	for l := range 4 {
		p.power(s.one, x[l*hop:], s)
		for k, v := range s.one {
			dst[4*k+l] = v
		}
	}
}

// power4 is Power4 in assembler.
func (p *Plan) power4(dst, x []float32, hop int, s *Scratch) {
	re, im, re2, im2 := &s.re[0], &s.im[0], &s.re2[0], &s.im2[0]
	loadAVX2(re, im, &x[0], hop, &p.wide[0], p.n)
	for i := range p.passes {
		switch ps := &p.passes[i]; ps.radix {
		case 2:
			radix2AVX2(re2, im2, re, im, &ps.w[0], ps.m, ps.s)
		case 4:
			radix4AVX2(re2, im2, re, im, &ps.w[0], ps.m, ps.s)
		case 5:
			radix5AVX2(re2, im2, re, im, &ps.w[0], ps.m, ps.s)
		}
		re, im, re2, im2 = re2, im2, re, im
	}
	unpackAVX2(&dst[0], re, im, &p.unpack[0], p.n/2)
}

// power computes one frame.
func (p *Plan) power(dst, x []float32, s *Scratch) {
	h := p.n / 2
	x, window := x[:p.n], p.window[:p.n]
	re, im := s.re[:h], s.im[:h]
	for i := range re {
		re[i] = float64(x[2*i]) * float64(window[2*i])
		im[i] = float64(x[2*i+1]) * float64(window[2*i+1])
	}
	re2, im2 := s.re2, s.im2
	for i := range p.passes {
		p.passes[i].run(re2, im2, re, im)
		re, im, re2, im2 = re2, im2, re, im
	}
	p.split(dst, re, im)
}

// split unpacks the transform of even + i*odd samples into the real one's
// lower half and squares it. With A = (Z[k]+conj Z[h-k])/2 and B = the odd
// part times exp(-2πik/n), X[k] = A + B and X[h-k] = conj(A - B).
func (p *Plan) split(dst []float32, re, im []float64) {
	h := p.n / 2
	dst = dst[:h+1]
	a, b := re[0]+im[0], re[0]-im[0]
	dst[0], dst[h] = float32(float64(a*a)), float32(float64(b*b))
	for k := 1; k <= h/2; k++ {
		j := h - k
		eRe, eIm := 0.5*(re[k]+re[j]), 0.5*(im[k]-im[j])
		oRe, oIm := 0.5*(im[k]+im[j]), 0.5*(re[j]-re[k])
		tRe, tIm := mul(oRe, oIm, p.unpack[2*k:])
		xRe, xIm := eRe+tRe, eIm+tIm
		yRe, yIm := eRe-tRe, eIm-tIm
		dst[k] = float32(float64(xRe*xRe) + float64(xIm*xIm))
		dst[j] = float32(float64(yRe*yRe) + float64(yIm*yIm))
	}
}
