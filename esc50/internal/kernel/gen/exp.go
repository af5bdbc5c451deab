//go:build ignore

package main

import (
	"fmt"
	"math"
)

// Constants of the exponential kernels, in the order of their table.
const (
	cRatio = iota
	cMagic
	cLess
	cLeast
	cMost
	cSign
	cSmall
	cThird
	cSeries // the last coefficient, and on to the first, which is one
)

// expTable has them. Those of the series are in exp.go as well.
func expTable() []float64 {
	return []float64{1 / math.Ln2, 0x1.8p52, -math.Ln2, -200, 200, math.Copysign(0, -1), 0x1p-12, 1. / 3,
		0x1.a136bf03ec612p-16, 0x1.a17e052cd2c8fp-13, 0x1.6c166bde96885p-10, 0x1.1110a6173845ep-7, 0x1.55555565c7e0ep-5,
		0x1.5555557e7777ep-3, 0x1.fffffffffe062p-2, 0x1.fffffffff61ddp-1, 1}
}

// cOne is the place of one.
var cOne = len(expTable()) - 1

// constants writes a table, every constant repeated to fill a register.
func (a *asm) constants(name string, bytes int, table []float64) {
	for i, v := range table {
		for at := 0; at < bytes; at += 8 {
			a.p("DATA %s<>+%d(SB)/8, $0x%016x", name, bytes*i+at, math.Float64bits(v))
		}
	}
	a.p("GLOBL %s<>(SB), RODATA|NOPTR, $%d", name, bytes*len(table))
}

// AVX-512 has registers left, from heldFirst on, which hold the last constants of
// a table: in memory its vectors would not be aligned.
const heldFirst, heldMost = 14, 18

// constant is constant i of a table of n: in memory, or where hold put it.
func (a *asm) constant(table string, n, i int) string {
	if first := max(0, n-heldMost); a.wide() && i >= first {
		return a.v(heldFirst + i - first)
	}
	return fmt.Sprintf("%s<>+%d(SB)", table, a.width()*i)
}

// hold loads the constants that registers hold.
func (a *asm) hold(table string, n int) {
	for i := max(0, n-heldMost); i < n && a.wide(); i++ {
		a.o("VBROADCASTSD %s<>+%d(SB), %s", table, a.width()*i, a.constant(table, n, i))
	}
}

// c is a constant of the exponential's table.
func (a *asm) c(i int) string { return a.constant("expc", len(expTable()), i) }

// chains are the registers of the two halves of a vector in double precision:
// the number (later the result), a whole number, a sum, a magnitude, a sign.
var chains = [2][5]int{{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}}

const rSpare, rLeast, rMost = 11, 12, 13

// both emits f for the two halves in turn.
func (a *asm) both(f func(x, k, s, m, sign string)) {
	for _, c := range chains {
		f(a.v(c[0]), a.v(c[1]), a.v(c[2]), a.v(c[3]), a.v(c[4]))
	}
}

// exponential turns x of both chains into e**x in s, as exp in exp.go does. What
// is not a number stays so; numbers are bounded where single precision has no
// more than zero and infinity.
func (a *asm) exponential() {
	a.both(func(x, k, s, _, _ string) {
		a.o("VMAXPD %s, %s, %s", x, a.v(rLeast), x)
		a.o("VMINPD %s, %s, %s", x, a.v(rMost), x)
		a.o("VMOVUPD %s, %s", a.c(cMagic), k)
		a.o("VFMADD231PD %s, %s, %s", a.c(cRatio), x, k)
		a.o("VSUBPD %s, %s, %s", a.c(cMagic), k, s)
		a.o("VFMADD231PD %s, %s, %s", a.c(cLess), s, x)
		a.o("VMOVUPD %s, %s", a.c(cSeries), s)
	})
	for i := cSeries + 1; i <= cOne; i++ {
		a.both(func(x, _, s, _, _ string) { a.o("VFMADD213PD %s, %s, %s", a.c(i), x, s) })
	}
	a.both(func(_, k, s, _, _ string) {
		a.o("VPSLLQ $52, %s, %s", k, k)
		a.o("VPADDQ %s, %s, %s", k, s, s)
	})
}

// doubles emits a kernel on every element in double precision: f turns x of both
// chains into a result in s, with a table of n constants.
func (a *asm) doubles(name, table string, n int, f func()) {
	a.fn(name, "dst:DI", "x:SI", "n:CX")
	a.hold(table, n)
	if table == "expc" {
		a.o("VMOVUPD %s, %s", a.c(cLeast), a.v(rLeast))
		a.o("VMOVUPD %s, %s", a.c(cMost), a.v(rMost))
	}
	a.loop(func(part int) {
		half := 0
		a.load("SI", part, 0, func(_ int, load func(to int)) {
			load(chains[half][0])
			half++
		})
		f()
		lo, hi := chains[0][2], chains[1][2]
		if !a.tail { // two halves spare a shuffle
			for i, v := range []int{lo, hi} {
				at := fmt.Sprintf("%d(DI)(BX*1)", part*a.width()+i*a.width()/2)
				if a.wide() {
					a.o("VCVTPD2PS Z%d, Y%d", v, v)
					a.o("VMOVUPS Y%d, %s", v, at)
				} else {
					a.o("VCVTPD2PSY Y%d, X%d", v, v)
					a.o("VMOVUPS X%d, %s", v, at)
				}
			}
			return
		}
		if a.wide() {
			a.o("VCVTPD2PS Z%d, Y%d", lo, lo)
			a.o("VCVTPD2PS Z%d, Y%d", hi, hi)
			a.o("VINSERTF64X4 $1, Y%d, Z%d, Z0", hi, lo)
		} else {
			a.o("VCVTPD2PSY Y%d, X%d", lo, lo)
			a.o("VCVTPD2PSY Y%d, X%d", hi, hi)
			a.o("VINSERTF128 $1, X%d, Y%d, Y0", hi, lo)
		}
		a.st(a.v(0), "DI", part)
	})
	a.ret()
}

// exponentials are the kernels of e**x and what is made of it.
func (a *asm) exponentials() {
	a.constants("expc", a.width(), expTable())
	a.doubles("exp", "expc", len(expTable()), a.exponential)
	a.doubles("logistic", "expc", len(expTable()), func() {
		a.both(func(x, _, _, _, _ string) { a.o("VXORPD %s, %s, %s", a.c(cSign), x, x) })
		a.exponential()
		a.both(func(_, k, s, _, _ string) {
			a.o("VMOVUPD %s, %s", a.c(cOne), k)
			a.o("VADDPD %s, %s, %s", k, s, s)
			a.o("VDIVPD %s, %s, %s", s, k, s)
		})
	})
	a.doubles("tanh", "expc", len(expTable()), func() {
		a.both(func(x, _, _, m, sign string) {
			a.o("VANDPD %s, %s, %s", a.c(cSign), x, sign)
			a.o("VXORPD %s, %s, %s", sign, x, m)
			a.o("VADDPD %s, %s, %s", m, m, x)
		})
		a.exponential()
		spare := a.v(rSpare)
		a.both(func(x, k, s, m, sign string) {
			a.o("VSUBPD %s, %s, %s", a.c(cOne), s, x)
			a.o("VADDPD %s, %s, %s", a.c(cOne), s, s)
			a.o("VDIVPD %s, %s, %s", s, x, s)
			a.o("VMULPD %s, %s, %s", m, m, x)
			a.o("VMULPD %s, %s, %s", m, x, x)
			a.o("VMULPD %s, %s, %s", a.c(cThird), x, x)
			a.o("VSUBPD %s, %s, %s", x, m, x)
			if a.wide() {
				a.o("VCMPPD $1, %s, %s, K1", a.c(cSmall), m)
				a.o("VMOVAPD %s, K1, %s", x, s)
			} else {
				a.o("VCMPPD $1, %s, %s, %s", a.c(cSmall), m, spare)
				a.o("VBLENDVPD %s, %s, %s, %s", spare, x, s, s)
			}
			a.o("VORPD %s, %s, %s", sign, s, s)
		})
	})
}
