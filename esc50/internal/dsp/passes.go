package dsp

// The butterflies. Every product is converted explicitly, so that no compiler
// fuses it into the following addition; multiplying by 0.5 is exact.

func (ps *pass) run(yRe, yIm, xRe, xIm []float64) {
	switch ps.radix {
	case 2:
		ps.radix2(yRe, yIm, xRe, xIm)
	case 3:
		ps.radix3(yRe, yIm, xRe, xIm)
	case 4:
		ps.radix4(yRe, yIm, xRe, xIm)
	case 5:
		ps.radix5(yRe, yIm, xRe, xIm)
	}
}

// mul returns the product of a complex number and the one w starts with.
func mul(re, im float64, w []float64) (float64, float64) {
	w = w[:2]
	return float64(re*w[0]) - float64(im*w[1]), float64(re*w[1]) + float64(im*w[0])
}

func (ps *pass) radix2(yRe, yIm, xRe, xIm []float64) {
	s, m := ps.s, ps.m
	for p := range m {
		w := ps.w[2*p:]
		for q := range s {
			a, b := q+s*p, q+s*(p+m)
			o := q + s*2*p
			yRe[o], yIm[o] = xRe[a]+xRe[b], xIm[a]+xIm[b]
			yRe[o+s], yIm[o+s] = mul(xRe[a]-xRe[b], xIm[a]-xIm[b], w)
		}
	}
}

const sin3 = 0.866025403784438646763723170752936183 // sin(2π/3)

func (ps *pass) radix3(yRe, yIm, xRe, xIm []float64) {
	s, m := ps.s, ps.m
	for p := range m {
		w := ps.w[4*p : 4*p+4]
		for q := range s {
			a := q + s*p
			b, c := a+s*m, a+2*s*m
			o := q + s*3*p
			sRe, sIm := xRe[b]+xRe[c], xIm[b]+xIm[c]
			dRe, dIm := float64(sin3*(xRe[b]-xRe[c])), float64(sin3*(xIm[b]-xIm[c]))
			tRe, tIm := xRe[a]-0.5*sRe, xIm[a]-0.5*sIm
			yRe[o], yIm[o] = xRe[a]+sRe, xIm[a]+sIm
			yRe[o+s], yIm[o+s] = mul(tRe+dIm, tIm-dRe, w[0:])
			yRe[o+2*s], yIm[o+2*s] = mul(tRe-dIm, tIm+dRe, w[2:])
		}
	}
}

func (ps *pass) radix4(yRe, yIm, xRe, xIm []float64) {
	s, m := ps.s, ps.m
	for p := range m {
		w := ps.w[6*p : 6*p+6]
		for q := range s {
			a := q + s*p
			b, c, d := a+s*m, a+2*s*m, a+3*s*m
			o := q + s*4*p
			acRe, acIm := xRe[a]+xRe[c], xIm[a]+xIm[c]
			bdRe, bdIm := xRe[b]+xRe[d], xIm[b]+xIm[d]
			amRe, amIm := xRe[a]-xRe[c], xIm[a]-xIm[c]
			bmRe, bmIm := xRe[b]-xRe[d], xIm[b]-xIm[d]
			yRe[o], yIm[o] = acRe+bdRe, acIm+bdIm
			yRe[o+s], yIm[o+s] = mul(amRe+bmIm, amIm-bmRe, w[0:])
			yRe[o+2*s], yIm[o+2*s] = mul(acRe-bdRe, acIm-bdIm, w[2:])
			yRe[o+3*s], yIm[o+3*s] = mul(amRe-bmIm, amIm+bmRe, w[4:])
		}
	}
}

const (
	cos51 = 0.309016994374947424102293417182819059  // cos(2π/5)
	cos52 = -0.809016994374947424102293417182819059 // cos(4π/5)
	sin51 = 0.951056516295153572116439333379382143  // sin(2π/5)
	sin52 = 0.587785252292473129168705954639072769  // sin(4π/5)
)

func (ps *pass) radix5(yRe, yIm, xRe, xIm []float64) {
	s, m := ps.s, ps.m
	for p := range m {
		w := ps.w[8*p : 8*p+8]
		for q := range s {
			a := q + s*p
			b, c, d, e := a+s*m, a+2*s*m, a+3*s*m, a+4*s*m
			o := q + s*5*p
			aRe, aIm := xRe[a], xIm[a]
			s1Re, s1Im := xRe[b]+xRe[e], xIm[b]+xIm[e]
			d1Re, d1Im := xRe[b]-xRe[e], xIm[b]-xIm[e]
			s2Re, s2Im := xRe[c]+xRe[d], xIm[c]+xIm[d]
			d2Re, d2Im := xRe[c]-xRe[d], xIm[c]-xIm[d]
			t1Re := aRe + (float64(cos51*s1Re) + float64(cos52*s2Re))
			t1Im := aIm + (float64(cos51*s1Im) + float64(cos52*s2Im))
			t2Re := aRe + (float64(cos52*s1Re) + float64(cos51*s2Re))
			t2Im := aIm + (float64(cos52*s1Im) + float64(cos51*s2Im))
			u1Re := float64(sin51*d1Re) + float64(sin52*d2Re)
			u1Im := float64(sin51*d1Im) + float64(sin52*d2Im)
			u2Re := float64(sin52*d1Re) - float64(sin51*d2Re)
			u2Im := float64(sin52*d1Im) - float64(sin51*d2Im)
			yRe[o], yIm[o] = aRe+(s1Re+s2Re), aIm+(s1Im+s2Im)
			yRe[o+s], yIm[o+s] = mul(t1Re+u1Im, t1Im-u1Re, w[0:])
			yRe[o+2*s], yIm[o+2*s] = mul(t2Re+u2Im, t2Im-u2Re, w[2:])
			yRe[o+3*s], yIm[o+3*s] = mul(t2Re-u2Im, t2Im+u2Re, w[4:])
			yRe[o+4*s], yIm[o+4*s] = mul(t1Re-u1Im, t1Im+u1Re, w[6:])
		}
	}
}
