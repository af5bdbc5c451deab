// Package rfft computes power spectra of real frames with the same bits on
// every processor.
//
// # Choice of transform
//
// The front end needs the 201 powers of 400 real samples. The frame is packed
// into 200 complex numbers, transformed by a mixed-radix (2, 3, 4, 5) Stockham
// transform with tables made once, and unpacked. The benchmarks of this
// package compare it with gonum's fourier.FFT and with go-dsp, which the tests
// use as references: neither promises the bits, gonum's compiles to fused
// multiply-adds on arm64, and go-dsp allocates per call.
package rfft

import (
	"fmt"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// Plan holds the tables of one transform length. It is read-only once made and
// may be shared; the working space is the caller's Scratch.
type Plan struct {
	n      int // real length
	passes []pass
	// Unpacking factors exp(-2πik/n), k = 0..n/4.
	uRe, uIm []float64
}

// pass is one stage of the Stockham transform: m butterflies of the given
// radix, each over s contiguous elements.
type pass struct {
	radix, m, s int
	wRe, wIm    []float64 // exp(-2πi pu/(radix*m)), u = 1..radix-1, for p = 0..m-1
}

// Scratch is the working space of one goroutine.
type Scratch struct{ re, im, re2, im2 []float64 }

// NewPlan returns the plan for n real samples. n must be even and n/2 a
// product of 2, 3 and 5.
func NewPlan(n int) (*Plan, error) {
	if n < 4 || n%2 != 0 {
		return nil, fmt.Errorf("FFT of %d points: want an even number, at least 4", n)
	}
	p := &Plan{n: n}
	rest, s := n/2, 1
	for rest > 1 {
		r := radixFor(rest)
		if r == 0 {
			return nil, fmt.Errorf("FFT of %d points: want only factors of 2, 3 and 5", n)
		}
		p.passes = append(p.passes, newPass(rest, r, s))
		rest /= r
		s *= r
	}
	for k := 0; k <= n/4; k++ {
		re, im := root(k, n)
		p.uRe, p.uIm = append(p.uRe, re), append(p.uIm, im)
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
func root(k, n int) (re, im float64) {
	x := 2 * float64(k) / float64(n)
	return detmath.CosPi(x), -detmath.SinPi(x)
}

func newPass(n, radix, s int) pass {
	ps := pass{radix: radix, m: n / radix, s: s}
	for p := range ps.m {
		for u := 1; u < radix; u++ {
			re, im := root(p*u, n)
			ps.wRe, ps.wIm = append(ps.wRe, re), append(ps.wIm, im)
		}
	}
	return ps
}

// Bins is the number of powers: n/2 + 1.
func (p *Plan) Bins() int { return p.n/2 + 1 }

// NewScratch returns working space for p.
func (p *Plan) NewScratch() *Scratch {
	h := p.n / 2
	return &Scratch{make([]float64, h), make([]float64, h), make([]float64, h), make([]float64, h)}
}

// Power sets dst[k], k = 0..n/2, to |X[k]|² of the frame x[i]*window[i],
// rounded to float32 at the very end. len(dst) must be Bins(), and x and
// window at least n long, or it panics. It doesn't allocate.
func (p *Plan) Power(dst, x, window []float32, s *Scratch) {
	h := p.n / 2
	x, window = x[:p.n], window[:p.n]
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
	p.unpack(dst, re, im)
}

// unpack splits the transform of even + i*odd samples into the real one's
// lower half and squares it. With A = (Z[k]+conj Z[h-k])/2 and B = the odd
// part times exp(-2πik/n), X[k] = A + B and X[h-k] = conj(A - B).
func (p *Plan) unpack(dst []float32, re, im []float64) {
	h := p.n / 2
	dst = dst[:h+1]
	a, b := re[0]+im[0], re[0]-im[0]
	dst[0], dst[h] = float32(float64(a*a)), float32(float64(b*b))
	for k := 1; k <= h/2; k++ {
		j := h - k
		eRe, eIm := 0.5*(re[k]+re[j]), 0.5*(im[k]-im[j])
		oRe, oIm := 0.5*(im[k]+im[j]), 0.5*(re[j]-re[k])
		wRe, wIm := p.uRe[k], p.uIm[k]
		tRe := float64(oRe*wRe) - float64(oIm*wIm)
		tIm := float64(oRe*wIm) + float64(oIm*wRe)
		xRe, xIm := eRe+tRe, eIm+tIm
		yRe, yIm := eRe-tRe, eIm-tIm
		dst[k] = float32(float64(xRe*xRe) + float64(xIm*xIm))
		dst[j] = float32(float64(yRe*yRe) + float64(yIm*yIm))
	}
}
