//go:build ignore

package main

// Registers of the exponential kernels: constants from nConst on in the order
// of their table, which leaves seven for two numbers in double precision.
const nConst = 10

// chains2 are the registers of a number, a whole number, a sum, a magnitude.
var chains2 = [2][4]int{{0, 1, 2, 3}, {4, 5, 6, 7}}

const nSpare = 8

func (a *neon) both(f func(x, k, s, m int)) {
	for _, c := range chains2 {
		f(c[0], c[1], c[2], c[3])
	}
}

// exponential turns x of both chains into e**x in s, as exp in exp.go does.
func (a *neon) exponential() {
	move := func(from, to int) { a.o("VMOV V%d.B16, V%d.B16", from, to) }
	a.both(func(x, k, s, _ int) {
		a.w("fmax64", x, x, nConst+cLeast)
		a.w("fmin64", x, x, nConst+cMost)
		move(nConst+cMagic, k)
		a.w("fmla64", k, x, nConst+cRatio)
		a.w("fsub64", s, k, nConst+cMagic)
		a.w("fmla64", x, s, nConst+cLess)
		move(nConst+cSeries, s)
	})
	for i := cSeries + 1; i <= cOne; i++ {
		a.both(func(x, _, s, _ int) {
			move(nConst+i, nSpare)
			a.w("fmla64", nSpare, s, x)
			move(nSpare, s)
		})
	}
	a.both(func(_, k, s, _ int) {
		a.o("VSHL $52, V%d.D2, V%d.D2", k, k)
		a.o("VADD V%d.D2, V%d.D2, V%d.D2", k, s, s)
	})
}

// doubles emits a kernel on every element in double precision: f turns x of both
// chains into a result in s. Register 9 keeps the elements.
func (a *neon) doubles(name, table string, constants int, f func()) {
	a.fn(name, 0, "dst:R0", "x:R1", "n:R2")
	a.o("MOVD $%s<>(SB), R3", table)
	for i := range constants {
		a.o("VLD1R.P 8(R3), [V%d.D2]", nConst+i)
	}
	a.chunks("R2", func() {
		for range 4 {
			a.ld("R1", 9, 1)
			a.w("fcvtl", chains2[0][0], 9)
			a.w("fcvtl2", chains2[1][0], 9)
			f()
			a.w("fcvtn", nSpare, chains2[0][2])
			a.w("fcvtn2", nSpare, chains2[1][2])
			a.st(nSpare, 1, "R0")
		}
	})
	a.o("RET")
}

// exponentials are the kernels of e**x and what is made of it.
func (a *neon) exponentials() {
	a.constants("expc", 8, expTable())
	constants := len(expTable())
	a.doubles("exp", "expc", constants, a.exponential)
	a.doubles("logistic", "expc", constants, func() {
		a.both(func(x, _, _, _ int) { a.w("fneg64", x, x) })
		a.exponential()
		a.both(func(_, _, s, _ int) {
			a.w("fadd64", s, s, nConst+cOne)
			a.w("fdiv64", s, nConst+cOne, s)
		})
	})
	a.doubles("tanh", "expc", constants, func() {
		a.both(func(x, _, _, m int) {
			a.w("bic", m, x, nConst+cSign)
			a.w("fadd64", x, m, m)
		})
		a.exponential()
		a.both(func(x, k, s, m int) {
			a.w("fsub64", x, s, nConst+cOne)
			a.w("fadd64", s, s, nConst+cOne)
			a.w("fdiv64", s, x, s)
			a.w("fmul64", x, m, m)
			a.w("fmul64", x, x, m)
			a.w("fmul64", x, x, nConst+cThird)
			a.w("fsub64", x, m, x)
			a.w("fcmgt64", k, nConst+cSmall, m)
			a.o("VBIT V%d.B16, V%d.B16, V%d.B16", k, x, s)
		})
		// The elements still have their signs.
		for half, c := range chains2 {
			a.w([]string{"fcvtl", "fcvtl2"}[half], c[0], 9)
			a.o("VBIT V%d.B16, V%d.B16, V%d.B16", nConst+cSign, c[0], c[2])
		}
	})
}
