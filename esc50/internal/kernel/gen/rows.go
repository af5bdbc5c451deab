//go:build ignore

package main

// Registers that hold broadcast parameters in the row kernels.
const (
	rMean = 8 + iota
	rScale
	rOffset
	rK1
	rK2
	rK3
)

// params broadcasts n floats at R8 to rMean and on, and clears register 7.
func (a *asm) params(n int) {
	for i := range n {
		a.o("VBROADCASTSS %d(R8), %s", 4*i, a.v(rMean+i))
	}
	a.o("VXORPS X7, X7, X7")
}

// normal turns reg, a y, into y-mean in d and (y-mean)*scale+offset in reg.
func (a *asm) normal(reg, d int) {
	a.o("VSUBPS %s, %s, %s", a.v(rMean), a.v(reg), a.v(d))
	a.o("VMOVAPS %s, %s", a.v(d), a.v(reg))
	a.o("VFMADD213PS %s, %s, %s", a.v(rOffset), a.v(rScale), a.v(reg))
}

// positive sets reg to value except where test is zero or less, there to zero:
// what is not a number stays. With AVX2 it may overwrite register mask.
func (a *asm) positive(test int, value, reg string, mask int) {
	if a.wide() {
		a.o("VCMPPS $0x16, Z7, Z%d, K1", test)
		a.o("VMOVAPS.Z %s, K1, %s", value, reg)
		return
	}
	a.o("VCMPPS $0x16, Y7, Y%d, Y%d", test, mask)
	a.o("VANDPS %s, Y%d, %s", value, mask, reg)
}

// rectify is positive of a register itself; it may overwrite register 6.
func (a *asm) rectify(reg int) { a.positive(reg, a.v(reg), a.v(reg), 6) }

// rows are the kernels along one row.
func (a *asm) rows() {
	a.fn("bnReLU", "dst:DI", "y:SI", "p:R8", "n:CX")
	a.params(3)
	a.overlap(func(part int) {
		a.ld("SI", part, a.v(0))
		a.normal(0, 1)
		a.rectify(0)
		a.st(a.v(0), "DI", part)
	})
	a.ret()

	a.fn("bnGrad", "dst:DI", "da:DX", "y:SI", "p:R8", "n:CX")
	a.params(6)
	a.overlap(func(part int) {
		a.ld("SI", part, a.v(0))
		a.ld("DX", part, a.v(2))
		a.normal(0, 1)
		a.positive(0, a.v(2), a.v(2), 0)
		a.o("VFMADD213PS %s, %s, %s", a.v(rK3), a.v(rK2), a.v(1))
		a.o("VFMADD231PS %s, %s, %s", a.v(rK1), a.v(2), a.v(1))
		a.st(a.v(1), "DI", part)
	})
	a.ret()
}

// split loads 32 y at ptr plus twice BX, normalises and rectifies them, and
// splits them into the even ones in register e and the odd ones in e+1.
func (a *asm) split(ptr string, part, e int) {
	w := a.width()
	for i := range 2 {
		a.o("VMOVUPS %d(%s)(BX*2), %s", 2*w*part+w*i, ptr, a.v(e+i))
		a.normal(e+i, 6)
		a.rectify(e + i)
	}
	if a.wide() {
		a.o("VMOVAPS Z%d, Z6", e)
		a.o("VPERMT2PS Z%d, Z16, Z%d", e+1, e)
		a.o("VPERMT2PS Z%d, Z17, Z6", e+1)
		a.o("VMOVAPS Z6, Z%d", e+1)
		return
	}
	a.o("VSHUFPS $0xdd, Y%d, Y%d, Y6", e+1, e)
	a.o("VSHUFPS $0x88, Y%d, Y%d, Y%d", e+1, e, e)
	a.o("VPERMPD $0xd8, Y%d, Y%d", e, e)
	a.o("VPERMPD $0xd8, Y6, Y%d", e+1)
}

func (a *asm) shuffles() {
	if a.wide() {
		for i, t := range []string{"even512", "odd512", "low512", "high512"} {
			a.o("VMOVUPS %s<>(SB), Z%d", t, 16+i)
		}
	}
}

// join interleaves two registers and stores both at ptr plus twice BX.
func (a *asm) join(even, odd int, ptr string, part int) {
	w := a.width()
	at := 2 * w * part
	if a.wide() {
		a.o("VMOVAPS Z%d, Z20", even)
		a.o("VPERMT2PS Z%d, Z18, Z20", odd)
		a.o("VPERMT2PS Z%d, Z19, Z%d", odd, even)
		a.o("VMOVUPS Z20, %d(%s)(BX*2)", at, ptr)
		a.o("VMOVUPS Z%d, %d(%s)(BX*2)", even, at+w, ptr)
		return
	}
	a.o("VUNPCKLPS Y%d, Y%d, Y6", odd, even)
	a.o("VUNPCKHPS Y%d, Y%d, Y%d", odd, even, even)
	a.o("VPERM2F128 $0x20, Y%d, Y6, Y%d", even, odd)
	a.o("VPERM2F128 $0x31, Y%d, Y6, Y%d", even, even)
	a.o("VMOVUPS Y%d, %d(%s)(BX*2)", odd, at, ptr)
	a.o("VMOVUPS Y%d, %d(%s)(BX*2)", even, at+w, ptr)
}

// pools are the kernels of max-pooling 2x2 after normalisation and ReLU.
func (a *asm) pools() {
	a.fn("bnReLUPool", "dst:DI", "y0:SI", "y1:DX", "p:R8", "n:CX")
	a.params(3)
	a.shuffles()
	a.overlap(func(part int) {
		a.split("SI", part, 0)
		a.split("DX", part, 2)
		a.o("VMAXPS %s, %s, %s", a.v(1), a.v(0), a.v(0))
		a.o("VMAXPS %s, %s, %s", a.v(3), a.v(2), a.v(2))
		a.o("VMAXPS %s, %s, %s", a.v(2), a.v(0), a.v(0))
		a.st(a.v(0), "DI", part)
	})
	a.ret()

	a.fn("bnReLUUnpool", "dst0:DI", "dst1:R9", "dp:R10", "y0:SI", "y1:DX", "p:R8", "n:CX")
	a.params(3)
	a.shuffles()
	a.overlap(func(part int) {
		a.split("SI", part, 0)
		a.split("DX", part, 2)
		a.o("VMAXPS %s, %s, %s", a.v(1), a.v(0), a.v(4))
		a.o("VMAXPS %s, %s, %s", a.v(3), a.v(2), a.v(5))
		a.o("VMAXPS %s, %s, %s", a.v(5), a.v(4), a.v(4))
		a.ld("R10", part, a.v(5))
		a.first()
		a.join(0, 1, "DI", part)
		a.join(2, 3, "R9", part)
	})
	a.ret()
}

// first sets the first of registers 0 to 3 that equals register 4 to register
// 5 and the others to zero, lane by lane.
func (a *asm) first() {
	if a.wide() {
		a.o("VCMPPS $0, Z4, Z0, K1")
		a.o("VMOVAPS.Z Z5, K1, Z0")
		for r := 1; r < 4; r++ {
			a.o("VCMPPS $0, Z4, Z%d, K2", r)
			a.o("KANDNW K2, K1, K3")
			a.o("KORW K2, K1, K1")
			a.o("VMOVAPS.Z Z5, K3, Z%d", r)
		}
		return
	}
	a.o("VCMPPS $0, Y4, Y0, Y6") // Y6: lanes already chosen
	a.o("VANDPS Y5, Y6, Y0")
	for r := 1; r < 4; r++ {
		a.o("VCMPPS $0, Y4, Y%d, Y%d", r, r)
		a.o("VANDNPS Y%d, Y6, Y14", r)
		a.o("VORPS Y%d, Y6, Y6", r)
		a.o("VANDPS Y5, Y14, Y%d", r)
	}
}
