//go:build ignore

package main

import (
	"fmt"
	"math"
)

// Constants of the kernels of sine and cosine, in the order of their table.
const (
	tPerPi = iota
	tHalf
	tOne
	tPi
	tSign
	tNaN
	tSine       // the series' last coefficient, and on to that of x³
	tCosine     = tSine + trigTerms
	trigTerms   = 8
	trigEnd     = tCosine + trigTerms
	roundToEven = 8 // of an instruction that rounds, without exceptions
)

// trigTable has them. The series are those of detmath.SinPi.
func trigTable() []float64 {
	t := []float64{1 / math.Pi, 0.5, 1, math.Pi, math.Copysign(0, -1), math.NaN()}
	for _, first := range []int{3, 2} {
		for n := trigTerms - 1; n >= 0; n-- {
			factorial := 1.0
			for i := 2; i <= first+2*n; i++ {
				factorial *= float64(i)
			}
			t = append(t, []float64{-1, 1}[n%2]/factorial)
		}
	}
	return t
}

// series are the tables of coefficients near the function's even multiples of
// half a turn and far from them, between 1/4 and 3/4.
func series(sine bool) (near, far int) {
	if sine {
		return tSine, tCosine
	}
	return tCosine, tSine
}

// trigonometric are the kernels of sine and cosine, as detmath has them: |x|/π
// without its whole turns is r in [-1, 1], of which the distance to the nearest
// whole number or half is the argument of a series, by π.
func (a *asm) trigonometric() {
	a.constants("trigc", a.width(), trigTable())
	c := func(i int) string { return a.constant("trigc", trigEnd, i) }
	spare := a.v(rSpare)
	for _, sine := range []bool{true, false} {
		near, far := series(sine)
		// each emits f for the two halves, with the register of a mask.
		each := func(f func(x, mask, s, m, sign string)) {
			mask := 0
			a.both(func(x, k, s, m, sign string) {
				mask++
				if a.wide() {
					k = fmt.Sprintf("K%d", mask)
				}
				f(x, k, s, m, sign)
			})
		}
		// choose takes from instead of to where the mask is set.
		choose := func(mask, from, to string) {
			if a.wide() {
				a.o("VMOVUPD %s, %s, %s", from, mask, to)
			} else {
				a.o("VBLENDVPD %s, %s, %s, %s", mask, from, to, to)
			}
		}
		a.doubles(map[bool]string{true: "sin", false: "cos"}[sine], "trigc", trigEnd, func() {
			a.both(func(x, k, s, m, sign string) {
				a.o("VMULPD %s, %s, %s", c(tPerPi), x, m)
				a.o("VANDPD %s, %s, %s", c(tSign), m, s)
				a.o("VXORPD %s, %s, %s", s, m, m)
				a.o("VMULPD %s, %s, %s", c(tHalf), m, k)
				a.o("%s $%d, %s, %s", map[bool]string{true: "VRNDSCALEPD", false: "VROUNDPD"}[a.wide()], roundToEven, k, k)
				a.o("VADDPD %s, %s, %s", k, k, k)
				a.o("VSUBPD %s, %s, %s", k, m, m)
				if sine {
					a.o("VANDPD %s, %s, %s", c(tSign), x, sign)
				}
				a.o("VANDPD %s, %s, %s", c(tSign), m, s)
				a.o("VXORPD %s, %s, %s", s, m, m)
				switch {
				case sine:
					a.o("VXORPD %s, %s, %s", s, sign, sign)
				case a.wide():
					a.o("VCMPPD $14, %s, %s, K1", c(tHalf), m)
					a.o("VMOVUPD.Z %s, K1, %s", c(tSign), sign)
				default:
					a.o("VCMPPD $14, %s, %s, %s", c(tHalf), m, sign)
					a.o("VANDPD %s, %s, %s", c(tSign), sign, sign)
				}
				a.o("VMOVUPD %s, %s", c(tOne), s)
				a.o("VSUBPD %s, %s, %s", m, s, s)
				a.o("VMINPD %s, %s, %s", m, s, m)
			})
			each(func(x, mask, s, m, _ string) {
				a.o("VMOVUPD %s, %s", c(tHalf), s)
				a.o("VSUBPD %s, %s, %s", m, s, s)
				a.o("VCMPPD $14, %s, %s, %s", s, m, mask)
				a.o("VMINPD %s, %s, %s", m, s, m)
				a.o("VMULPD %s, %s, %s", c(tPi), m, m)
				a.o("VMULPD %s, %s, %s", m, m, x)
				a.o("VMOVUPD %s, %s", c(near), s)
				choose(mask, c(far), s)
			})
			for i := 1; i < trigTerms; i++ {
				each(func(x, mask, s, _, _ string) {
					a.o("VMULPD %s, %s, %s", x, s, s)
					a.o("VMOVUPD %s, %s", c(near+i), spare)
					choose(mask, c(far+i), spare)
					a.o("VADDPD %s, %s, %s", spare, s, s)
				})
			}
			each(func(x, mask, s, m, sign string) {
				a.o("VMULPD %s, %s, %s", x, s, s)
				a.o("VADDPD %s, %s, %s", c(tOne), s, s)
				factor := m
				if sine {
					choose(mask, c(tOne), m)
				} else {
					factor = spare
					a.o("VMOVUPD %s, %s", c(tOne), spare)
					choose(mask, m, spare)
				}
				a.o("VMULPD %s, %s, %s", factor, s, s)
				a.o("VXORPD %s, %s, %s", sign, s, s)
				a.o("VCMPPD $3, %s, %s, %s", s, s, mask)
				choose(mask, c(tNaN), s)
			})
		})
	}
}

// trigonometric likewise.
func (a *neon) trigonometric() {
	a.constants("trigc", 8, trigTable())
	const c = nConst
	bytes := func(op string, x, y, d int) { a.o("%s V%d.B16, V%d.B16, V%d.B16", op, x, y, d) }
	for _, sine := range []bool{true, false} {
		near, far := series(sine)
		a.doubles(map[bool]string{true: "sin", false: "cos"}[sine], "trigc", trigEnd, func() {
			for half, r := range chains2 {
				x, k, s, m := r[0], r[1], r[2], r[3]
				sign := chains2[1-half][1] // not in use then
				a.w("fmul64", m, x, c+tPerPi)
				a.w("bic", m, m, c+tSign)
				a.w("fmul64", k, m, c+tHalf)
				a.w("frintn64", k, k)
				a.w("fadd64", k, k, k)
				a.w("fsub64", m, m, k)
				if sine {
					bytes("VEOR", x, m, sign)
					bytes("VAND", c+tSign, sign, sign)
					a.w("bic", m, m, c+tSign)
				} else {
					a.w("bic", m, m, c+tSign)
					a.w("fcmgt64", sign, m, c+tHalf)
					bytes("VAND", c+tSign, sign, sign)
				}
				a.w("fsub64", s, c+tOne, m)
				a.w("fmin64", m, s, m)
				a.w("fsub64", s, c+tHalf, m)
				a.w("fcmgt64", k, m, s)
				a.w("fmin64", m, s, m)
				a.w("fmul64", m, m, c+tPi)
				a.w("fmul64", x, m, m)
				a.mov(s, c+near)
				bytes("VBIT", k, c+far, s)
				for i := 1; i < trigTerms; i++ {
					a.w("fmul64", s, s, x)
					a.mov(nSpare, c+near+i)
					bytes("VBIT", k, c+far+i, nSpare)
					a.w("fadd64", s, s, nSpare)
				}
				a.w("fmul64", s, s, x)
				a.w("fadd64", s, s, c+tOne)
				if sine {
					bytes("VBIT", k, c+tOne, m)
				} else {
					bytes("VBIF", k, c+tOne, m)
				}
				a.w("fmul64", s, s, m)
				bytes("VEOR", sign, s, s)
				a.w("fcmeq64", k, s, s)
				bytes("VBIF", k, c+tNaN, s)
			}
		})
	}
}
