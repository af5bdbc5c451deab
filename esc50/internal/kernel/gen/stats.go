//go:build ignore

package main

import "fmt"

// sums moves 16*n float64 accumulators between memory at R9 and registers. The
// register of part p (and quarter q of AVX2) of sum s is acc(s, p, q).
func (a *asm) sums(n int, store bool) {
	half := 2 / a.parts * a.parts // registers of 16 float64: 2 or 4
	if !a.wide() {
		half = 4
	}
	for i := range n * half {
		reg, at := a.v(a.accBase()+i), fmt.Sprintf("%d(R9)", i*a.width())
		if store {
			a.o("VMOVUPD %s, %s", reg, at)
		} else {
			a.o("VMOVUPD %s, %s", at, reg)
		}
	}
}

// accBase is the first register of the accumulators.
func (a *asm) accBase() int {
	if a.wide() {
		return 16
	}
	return 0
}

// widen emits f for each half of the lanes of a part: the index of their
// accumulator and how to convert a float32 register to float64.
func (a *asm) widen(part int, f func(acc int, convert func(from, to int))) {
	for half := range 2 {
		if a.wide() {
			f(a.accOf(part, half), func(from, to int) {
				if half == 0 {
					a.o("VCVTPS2PD Y%d, Z%d", from, to)
					return
				}
				a.o("VEXTRACTF64X4 $1, Z%d, Y%d", from, to)
				a.o("VCVTPS2PD Y%d, Z%d", to, to)
			})
			continue
		}
		f(a.accOf(part, half), func(from, to int) {
			if half == 0 {
				a.o("VCVTPS2PD X%d, Y%d", from, to)
				return
			}
			a.o("VEXTRACTF128 $1, Y%d, X%d", from, to)
			a.o("VCVTPS2PD X%d, Y%d", to, to)
		})
	}
}

// load emits f for each half of the lanes at ptr plus BX bytes: the index of their
// accumulator and how to load them as float64. Of whole vectors each half is
// converted as it is read, which spares shuffles; spare is a register for others.
func (a *asm) load(ptr string, part, spare int, f func(acc int, load func(to int))) {
	if a.tail {
		a.ld(ptr, part, a.v(spare))
		a.widen(part, func(acc int, convert func(from, to int)) {
			f(acc, func(to int) { convert(spare, to) })
		})
		return
	}
	for half := range 2 {
		f(a.accOf(part, half), func(to int) {
			a.o("VCVTPS2PD %d(%s)(BX*1), %s", part*a.width()+half*a.width()/2, ptr, a.v(to))
		})
	}
}

// accOf is the index of the accumulator of a half of the lanes of a part.
func (a *asm) accOf(part, half int) int {
	if a.wide() {
		return half
	}
	return 2*part + half
}

// stats are the kernels that add to sixteen float64 lanes per sum.
func (a *asm) stats() {
	per := 2 // accumulator registers per sum
	t := []int{0, 1, 2, 3, 4}
	if !a.wide() {
		per = 4
		t = []int{8, 9, 10, 11, 12}
	}
	base := a.accBase()

	a.fn("sum", "acc:R9", "x:SI", "n:CX")
	a.sums(1, false)
	a.loop(func(part int) {
		a.load("SI", part, t[0], func(acc int, load func(to int)) {
			load(t[1])
			a.o("VADDPD %s, %s, %s", a.v(t[1]), a.v(base+acc), a.v(base+acc))
		})
	})
	a.sums(1, true)
	a.ret()

	a.fn("biasStats", "dst:DI", "src:SI", "bias:R8", "acc:R9", "n:CX")
	a.sums(2, false)
	a.o("VBROADCASTSS (R8), %s", a.v(t[4]))
	a.loop(func(part int) {
		a.ld("SI", part, a.v(t[0]))
		a.o("VADDPS %s, %s, %s", a.v(t[4]), a.v(t[0]), a.v(t[0]))
		a.st(a.v(t[0]), "DI", part)
		a.zeroTail(a.v(t[0]), part)
		a.widen(part, func(acc int, convert func(from, to int)) {
			convert(t[0], t[1])
			a.o("VADDPD %s, %s, %s", a.v(t[1]), a.v(base+acc), a.v(base+acc))
			a.o("VFMADD231PD %s, %s, %s", a.v(t[1]), a.v(t[1]), a.v(base+per+acc))
		})
	})
	a.sums(2, true)
	a.ret()

	// gradStats: with AVX2 the parameters stay in memory for want of registers.
	a.fn("gradStats", "acc:R9", "da:DX", "y:SI", "p:R8", "n:CX")
	a.sums(2, false)
	a.loop(func(part int) {
		d, z, g := t[0], t[1], t[2]
		a.ld("SI", part, a.v(d))
		a.o("VBROADCASTSS (R8), %s", a.v(t[3]))
		a.o("VSUBPS %s, %s, %s", a.v(t[3]), a.v(d), a.v(d))
		a.o("VBROADCASTSS 4(R8), %s", a.v(z))
		a.o("VBROADCASTSS 8(R8), %s", a.v(t[3]))
		a.o("VFMADD213PS %s, %s, %s", a.v(t[3]), a.v(d), a.v(z))
		a.ld("DX", part, a.v(g))
		zero := t[3]
		a.o("VXORPS X%d, X%d, X%d", zero, zero, zero)
		if a.wide() {
			a.o("VCMPPS $0x16, Z%d, Z%d, K1", zero, z)
			a.o("VMOVAPS.Z Z%d, K1, Z%d", g, g)
		} else {
			a.o("VCMPPS $0x16, Y%d, Y%d, Y%d", zero, z, z)
			a.o("VANDPS Y%d, Y%d, Y%d", g, z, g)
		}
		a.widen(part, func(acc int, convert func(from, to int)) {
			convert(g, t[1])
			convert(d, t[3])
			a.o("VADDPD %s, %s, %s", a.v(t[1]), a.v(base+acc), a.v(base+acc))
			a.o("VFMADD231PD %s, %s, %s", a.v(t[3]), a.v(t[1]), a.v(base+per+acc))
		})
	})
	a.sums(2, true)
	a.ret()
}

// pointwise are the kernels of arithmetic on whole tensors: dst may be an
// operand. In VS the second operand, in SV the first, is one float.
func (a *asm) pointwise() {
	for _, op := range []struct{ name, instr string }{{"add", "VADDPS"}, {"sub", "VSUBPS"}, {"mul", "VMULPS"}, {"div", "VDIVPS"}, {"max", "VMAXPS"}, {"min", "VMINPS"}} {
		for _, mode := range []string{"VV", "VS", "SV"} {
			a.fn(op.name+mode, "dst:DI", "x:SI", "y:DX", "n:CX")
			switch mode {
			case "VS":
				a.o("VBROADCASTSS (DX), %s", a.v(3))
			case "SV":
				a.o("VBROADCASTSS (SI), %s", a.v(2))
			}
			a.loop(func(part int) {
				x, y := 2, 3
				if mode != "SV" {
					x = 0
					a.ld("SI", part, a.v(0))
				}
				if mode != "VS" {
					y = 1
					a.ld("DX", part, a.v(1))
				}
				if op.name == "max" || op.name == "min" {
					a.extreme(op.instr, x, y)
				} else {
					a.o("%s %s, %s, %s", op.instr, a.v(y), a.v(x), a.v(0))
				}
				a.st(a.v(0), "DI", part)
			})
			a.ret()
		}
	}
	a.fn("sqrt", "dst:DI", "x:SI", "n:CX")
	a.loop(func(part int) {
		a.ld("SI", part, a.v(0))
		a.o("VSQRTPS %s, %s", a.v(0), a.v(0))
		a.st(a.v(0), "DI", part)
	})
	a.ret()
}

// extreme sets register 0 to the larger or smaller of x and y: not a number if
// either is not one, and of two zeros the positive or the negative one. The
// instruction alone returns its second operand in these cases.
func (a *asm) extreme(instr string, x, y int) {
	a.o("%s %s, %s, %s", instr, a.v(y), a.v(x), a.v(4))
	a.o("%s %s, %s, %s", instr, a.v(x), a.v(y), a.v(5))
	zeros := map[string]string{"VMAXPS": "VANDPS", "VMINPS": "VORPS"}[instr]
	a.o("%s %s, %s, %s", zeros, a.v(5), a.v(4), a.v(4))
	if a.wide() {
		a.o("VCMPPS $3, Z%d, Z%d, K1", y, x)
		a.o("VADDPS Z%d, Z%d, K1, Z4", y, x)
	} else {
		a.o("VCMPPS $3, Y%d, Y%d, Y5", y, x)
		a.o("VORPS Y5, Y4, Y4")
	}
	a.o("VMOVAPS %s, %s", a.v(4), a.v(0))
}

// signs are the kernels that change nothing but the sign: without, turned.
func (a *asm) signs() {
	for _, k := range []struct{ name, op string }{{"abs", "VANDNPS"}, {"neg", "VXORPS"}} {
		a.fn(k.name, "dst:DI", "x:SI", "n:CX")
		a.o("VBROADCASTSS minus0<>(SB), %s", a.v(9))
		a.loop(func(part int) {
			a.ld("SI", part, a.v(0))
			a.o("%s %s, %s, %s", k.op, a.v(0), a.v(9), a.v(0))
			a.st(a.v(0), "DI", part)
		})
		a.ret()
	}
}

// fromUint32 converts whole numbers: AVX2 has the halves, which are exact, and
// rounds their sum.
func (a *asm) fromUint32() {
	a.fn("fromUint32", "dst:DI", "x:SI", "n:CX")
	if !a.wide() {
		a.o("MOVL $0x47800000, AX") // 65536
		a.o("MOVQ AX, X8")
		a.o("VBROADCASTSS X8, Y8")
	}
	a.loop(func(part int) {
		a.ld("SI", part, a.v(0))
		if a.wide() {
			a.o("VCVTUDQ2PS Z0, Z0")
		} else {
			a.o("VPSRLD $16, Y0, Y1")
			a.o("VPSLLD $16, Y0, Y0")
			a.o("VPSRLD $16, Y0, Y0")
			a.o("VCVTDQ2PS Y1, Y1")
			a.o("VCVTDQ2PS Y0, Y0")
			a.o("VMULPS Y8, Y1, Y1")
			a.o("VADDPS Y0, Y1, Y0")
		}
		a.st(a.v(0), "DI", part)
	})
	a.ret()
}

// sign is -1, 0 or 1: zeros keep their sign, and what is not a number stays.
func (a *asm) sign() {
	a.fn("sign", "dst:DI", "x:SI", "n:CX")
	a.o("VBROADCASTSS one<>(SB), %s", a.v(8))
	a.o("VBROADCASTSS minus0<>(SB), %s", a.v(9))
	a.o("VXORPS X7, X7, X7")
	a.loop(func(part int) {
		a.ld("SI", part, a.v(0))
		a.o("VANDPS %s, %s, %s", a.v(9), a.v(0), a.v(1))
		a.o("VORPS %s, %s, %s", a.v(8), a.v(1), a.v(1)) // one of the same sign
		if a.wide() {
			a.o("VCMPPS $12, Z7, Z0, K1") // neither zero nor not a number
			a.o("VMOVAPS Z1, K1, Z0")
		} else {
			a.o("VCMPPS $12, Y7, Y0, Y2")
			a.o("VBLENDVPS Y2, Y1, Y0, Y0")
		}
		a.st(a.v(0), "DI", part)
	})
	a.ret()
}
