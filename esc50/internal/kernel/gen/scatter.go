//go:build ignore

package main

import "fmt"

// Places in the arguments of the kernel below, struct scattering of package kernel.
const (
	scatterDst    = 0
	scatterSrc    = 8
	scatterGrad   = 16
	scatterPlaces = 24
	scatterN      = 32
	scatterLanes  = 40
)

// scatterMax goes through a list of places twice, with sixteen channels: first
// for the number of the first largest element, then to add to that.
func (a *asm) scatterMax() {
	a.fn("scatterMax", "t:DI")
	a.o("MOVQ %d(DI), R8", scatterSrc)
	a.o("MOVQ %d(DI), R9", scatterDst)
	a.o("MOVQ %d(DI), R10", scatterGrad)
	a.o("MOVQ %d(DI), CX", scatterLanes)
	best, found, x, number, one, grad := a.v(0), a.v(1), a.v(2), a.v(3), a.v(4), a.v(5)
	a.o("MOVL $1, AX")
	if a.wide() {
		a.o("VPBROADCASTD AX, %s", one)
	} else {
		a.o("MOVQ AX, X4")
		a.o("VPBROADCASTD X4, %s", one)
	}
	begin := func() {
		a.o("MOVQ %d(DI), SI", scatterPlaces)
		a.o("MOVQ %d(DI), R12", scatterN)
		a.o("VXORPS X3, X3, X3")
	}
	place := func() {
		a.o("MOVQ (SI), R13")
		a.o("ADDQ BX, R13")
	}
	a.loop(func(part int) {
		at := func(base string) string { return fmt.Sprintf("%d(%s)(R13*1)", part*a.width(), base) }
		more, pick, each := a.next("more"), a.next("pick"), a.next("each")
		begin()
		place()
		a.o("%s", a.loadAt(at("R8"), part, best))
		a.o("VXORPS X1, X1, X1")
		a.o("DECQ R12")
		a.o("JEQ %s", pick)
		a.p("%s:", more)
		a.o("ADDQ $8, SI")
		place()
		a.o("VPADDD %s, %s, %s", one, number, number)
		a.o("%s", a.loadAt(at("R8"), part, x))
		if a.wide() {
			a.o("VCMPPS $0x1e, %s, %s, K1", best, x)
			a.o("VMOVAPS %s, K1, %s", x, best)
			a.o("VMOVDQA32 %s, K1, %s", number, found)
		} else {
			a.o("VCMPPS $0x1e, %s, %s, Y6", best, x)
			a.o("VBLENDVPS Y6, %s, %s, %s", x, best, best)
			a.o("VBLENDVPS Y6, %s, %s, %s", number, found, found)
		}
		a.o("DECQ R12")
		a.o("JNE %s", more)
		a.p("%s:", pick)
		begin()
		a.ld("R10", part, grad)
		a.p("%s:", each)
		place()
		a.o("%s", a.loadAt(at("R9"), part, x))
		if a.wide() {
			a.o("VPCMPEQD %s, %s, K1", number, found)
			a.o("VADDPS %s, %s, K1, %s", grad, x, x)
		} else {
			a.o("VPCMPEQD %s, %s, Y6", number, found)
			a.o("VANDPS %s, Y6, Y6", grad)
			a.o("VADDPS Y6, %s, %s", x, x)
		}
		a.o("%s", a.storeAt(x, at("R9"), part))
		a.o("VPADDD %s, %s, %s", one, number, number)
		a.o("ADDQ $8, SI")
		a.o("DECQ R12")
		a.o("JNE %s", each)
	})
	a.ret()
}

// storeAt is the instruction that stores part of the sixteen lanes at a place.
func (a *asm) storeAt(reg, at string, part int) string {
	switch {
	case !a.tail:
		return fmt.Sprintf("VMOVUPS %s, %s", reg, at)
	case a.wide():
		return fmt.Sprintf("VMOVUPS %s, K7, %s", reg, at)
	}
	return fmt.Sprintf("VMASKMOVPS %s, Y%d, %s", reg, 14+part, at)
}

// scatterMax is likewise, of whole vectors of channels.
func (a *neon) scatterMax() {
	const best, found, x, number, one, grad, mask = 0, 4, 8, 16, 17, 20, 24
	a.fn("scatterMax", 0, "t:R0")
	a.o("MOVD %d(R0), R8", scatterSrc)
	a.o("MOVD %d(R0), R9", scatterDst)
	a.o("MOVD %d(R0), R10", scatterGrad)
	a.o("MOVD %d(R0), R2", scatterLanes)
	a.o("MOVD $1, R3")
	a.o("VDUP R3, V%d.S4", one)
	begin := func() {
		a.o("MOVD %d(R0), R1", scatterPlaces)
		a.o("MOVD %d(R0), R3", scatterN)
		a.clear(number, 1)
	}
	next := func() { a.o("VADD V%d.S4, V%d.S4, V%d.S4", one, number, number) }
	a.chunks("R2", func() {
		more, pick, each := a.next("more"), a.next("pick"), a.next("each")
		begin()
		a.o("MOVD.P 8(R1), R14")
		a.o("ADD R8, R14, R14")
		a.o("VLD1 (R14), %s", list(best, 4))
		a.clear(found, 4)
		a.o("SUBS $1, R3, R3")
		a.o("BEQ %s", pick)
		a.p("%s:", more)
		a.o("MOVD.P 8(R1), R14")
		a.o("ADD R8, R14, R14")
		a.o("VLD1 (R14), %s", list(x, 4))
		next()
		for i := range 4 {
			a.w("fcmgt", mask, x+i, best+i)
			a.o("VBIT V%d.B16, V%d.B16, V%d.B16", mask, x+i, best+i)
			a.o("VBIT V%d.B16, V%d.B16, V%d.B16", mask, number, found+i)
		}
		a.o("SUBS $1, R3, R3")
		a.o("BNE %s", more)
		a.p("%s:", pick)
		begin()
		a.ld("R10", grad, 4)
		a.p("%s:", each)
		a.o("MOVD.P 8(R1), R14")
		a.o("ADD R9, R14, R14")
		a.o("VLD1 (R14), %s", list(x, 4))
		for i := range 4 {
			a.o("VCMEQ V%d.S4, V%d.S4, V%d.S4", number, found+i, mask)
			a.o("VAND V%d.B16, V%d.B16, V%d.B16", grad+i, mask, mask)
			a.w("fadd", x+i, x+i, mask)
		}
		a.o("VST1 %s, (R14)", list(x, 4))
		next()
		a.o("SUBS $1, R3, R3")
		a.o("BNE %s", each)
		a.o("ADD $64, R8, R8")
		a.o("ADD $64, R9, R9")
	})
	a.o("RET")
}
