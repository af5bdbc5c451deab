//go:build ignore

package main

import "math"

// Constants of the logarithm's kernel, in the order of their table.
const (
	lMantissa = iota
	lHalf
	lTwo52
	lBias
	lRoot
	lOne
	lHigh
	lLow
	lInf
	lNaN
	lSeries // the series' last coefficient, and on to the first
)

// logTable has them. The series is that of detmath.Log.
func logTable() []float64 {
	t := []float64{math.Float64frombits(1<<52 - 1), 0.5, 0x1p52, 0x1p52 + 1022, math.Sqrt2 / 2, 1,
		6.93147180369123816490e-01, 1.90821492927058770002e-10, math.Inf(1), math.NaN()}
	for n := 23.0; n >= 1; n -= 2 {
		t = append(t, 2/n)
	}
	return t
}

// logarithm is the kernel of the natural logarithm, as detmath.Log has it.
func (a *asm) logarithm() {
	a.constants("logc", a.width(), logTable())
	l := func(i int) string { return a.constant("logc", len(logTable()), i) }
	spare := a.v(rSpare)
	// where takes a register's lanes from memory or another where x compares so.
	where := func(how int, with, x, from, to string) {
		if a.wide() {
			a.o("VCMPPD $%d, %s, %s, K1", how, with, x)
			a.o("VMOVUPD %s, K1, %s", from, to)
			return
		}
		a.o("VCMPPD $%d, %s, %s, %s", how, with, x, spare)
		a.o("VBLENDVPD %s, %s, %s, %s", spare, from, to, to)
	}
	a.doubles("log", "logc", len(logTable()), func() {
		a.both(func(x, k, s, m, z string) {
			a.o("VANDPD %s, %s, %s", l(lMantissa), x, m)
			a.o("VORPD %s, %s, %s", l(lHalf), m, m)
			a.o("VPSRLQ $52, %s, %s", x, k)
			a.o("VORPD %s, %s, %s", l(lTwo52), k, k)
			a.o("VSUBPD %s, %s, %s", l(lBias), k, k)
			// Below the root of a half: twice, and one less.
			a.o("VADDPD %s, %s, %s", m, m, s)
			a.o("VSUBPD %s, %s, %s", l(lOne), k, z)
			where(1, l(lRoot), m, z, k)
			where(1, l(lRoot), m, s, m)
			a.o("VSUBPD %s, %s, %s", l(lOne), m, s)
			a.o("VADDPD %s, %s, %s", l(lOne), m, m)
			a.o("VDIVPD %s, %s, %s", m, s, m)
			a.o("VMULPD %s, %s, %s", m, m, z)
		})
		a.both(func(_, _, s, _, z string) { a.o("VMULPD %s, %s, %s", l(lSeries), z, s) })
		for i := lSeries + 1; i < lSeries+12; i++ {
			a.both(func(_, _, s, m, z string) {
				a.o("VADDPD %s, %s, %s", l(i), s, s)
				if i == lSeries+11 {
					z = m
				}
				a.o("VMULPD %s, %s, %s", z, s, s)
			})
		}
		a.both(func(x, k, s, _, z string) {
			a.o("VMULPD %s, %s, %s", l(lLow), k, z)
			a.o("VADDPD %s, %s, %s", z, s, s)
			a.o("VMULPD %s, %s, %s", l(lHigh), k, z)
			a.o("VADDPD %s, %s, %s", s, z, s)
			a.o("VXORPD %s, %s, %s", z, z, z)
			where(0, l(lInf), x, x, s)
			a.o("VSUBPD %s, %s, %s", l(lInf), z, k)
			where(0, z, x, k, s)
			where(9, z, x, l(lNaN), s)
		})
	})
}

// logarithm likewise.
func (a *neon) logarithm() {
	a.constants("logc", 8, logTable())
	const c = nConst
	bytes := func(op string, x, y, d int) { a.o("%s V%d.B16, V%d.B16, V%d.B16", op, x, y, d) }
	a.doubles("log", "logc", len(logTable()), func() {
		for _, r := range chains2 {
			x, k, s, m := r[0], r[1], r[2], r[3]
			bytes("VAND", c+lMantissa, x, m)
			bytes("VORR", c+lHalf, m, m)
			a.o("VUSHR $52, V%d.D2, V%d.D2", x, k)
			bytes("VORR", c+lTwo52, k, k)
			a.w("fsub64", k, k, c+lBias)
			a.w("fcmgt64", nSpare, c+lRoot, m)
			a.w("fadd64", s, m, m)
			bytes("VBIT", nSpare, s, m)
			bytes("VAND", c+lOne, nSpare, nSpare)
			a.w("fsub64", k, k, nSpare)
			a.w("fsub64", s, m, c+lOne)
			a.w("fadd64", m, m, c+lOne)
			a.w("fdiv64", m, s, m)
			z := nSpare
			a.w("fmul64", z, m, m)
			a.w("fmul64", s, z, c+lSeries)
			for i := lSeries + 1; i < lSeries+12; i++ {
				a.w("fadd64", s, s, c+i)
				if i == lSeries+11 {
					z = m
				}
				a.w("fmul64", s, s, z)
			}
			a.w("fmul64", m, k, c+lLow)
			a.w("fadd64", s, s, m)
			a.w("fmul64", m, k, c+lHigh)
			a.w("fadd64", s, m, s)
			a.w("fcmeq64", k, x, c+lInf)
			bytes("VBIT", k, x, s)
			a.clear(m, 1)
			a.w("fcmeq64", k, x, m)
			a.w("fsub64", nSpare, m, c+lInf)
			bytes("VBIT", k, nSpare, s)
			a.w("fcmge64", k, x, m) // those that are not: no number
			bytes("VBIF", k, c+lNaN, s)
		}
	})
}
