//go:build ignore

package main

import "fmt"

// Places in the arguments of the depthwise kernels, struct deep of package
// kernel.
const (
	deepOut    = 0
	deepIn     = 32
	deepPlaces = 64
	deepN      = 72
	deepSide   = 80
	deepApart  = 88
	deepLanes  = 96
	deepPixels = 4
	deepTaps   = 3
)

// depthwises are the kernels of convolutions of every channel by itself, with
// channels last, and of the gradients of their weights. Both take some sums of
// sixteen channels through a list of places: forward those of four pixels
// through the taps, in the gradient those of three taps through the pixels.
func (a *asm) depthwises() {
	a.depthwise("depthwise", deepPixels, false)
	a.depthwise("depthwiseGrad", deepTaps, true)
}

func (a *asm) depthwise(name string, sums int, more bool) {
	a.fn(name, "t:DI")
	for i := range sums {
		a.o("MOVQ %d(DI), R%d", deepIn+8*i, 8+i)
	}
	a.o("MOVQ %d(DI), CX", deepLanes)
	acc := func(i, part int) string { return a.v(i*a.parts + part) }
	side := func(part int) string { return a.v(sums*a.parts + part) }
	x := func(part int) string { return a.v((sums+1)*a.parts + part) }
	// All parts at once: their sums are the chains that hide each other's time.
	all := func(f func(i, part int)) {
		for i := range sums {
			for part := range a.parts {
				f(i, part)
			}
		}
	}
	results := func(f func(i, part int)) {
		for i := range sums {
			a.o("MOVQ %d(DI), AX", deepOut+8*i)
			for part := range a.parts {
				f(i, part)
			}
		}
	}
	a.loop(func(part int) {
		if part > 0 {
			return
		}
		if more {
			results(func(i, part int) { a.ld("AX", part, acc(i, part)) })
		} else {
			all(func(i, part int) { a.zero(i*a.parts + part) })
		}
		a.o("MOVQ %d(DI), SI", deepPlaces)
		a.o("MOVQ %d(DI), R12", deepN)
		a.o("MOVQ %d(DI), DX", deepSide)
		top := a.next("place")
		a.p("%s:", top)
		for part := range a.parts {
			a.ld("DX", part, side(part))
		}
		a.o("MOVQ (SI), R13")
		a.o("ADDQ BX, R13")
		for i := range sums {
			for part := range a.parts {
				a.o("%s", a.loadAt(fmt.Sprintf("%d(R%d)(R13*1)", part*a.width(), 8+i), part, x(part)))
				a.o("VFMADD231PS %s, %s, %s", x(part), side(part), acc(i, part))
			}
		}
		a.o("ADDQ $8, SI")
		a.o("ADDQ %d(DI), DX", deepApart)
		a.o("DECQ R12")
		a.o("JNZ %s", top)
		results(func(i, part int) { a.st(acc(i, part), "AX", part) })
	})
	a.ret()
}

// loadAt is the instruction that loads part of the sixteen lanes at a place.
func (a *asm) loadAt(at string, part int, reg string) string {
	switch {
	case !a.tail:
		return fmt.Sprintf("VMOVUPS %s, %s", at, reg)
	case a.wide():
		return fmt.Sprintf("VMOVUPS.Z %s, K7, %s", at, reg)
	}
	return fmt.Sprintf("VMASKMOVPS %s, Y%d, %s", at, 14+part, reg)
}

// depthwises are likewise, of whole vectors of channels.
func (a *neon) depthwises() {
	a.depthwise("depthwise", deepPixels, false)
	a.depthwise("depthwiseGrad", deepTaps, true)
}

func (a *neon) depthwise(name string, sums int, more bool) {
	a.fn(name, 0, "t:R0")
	for i := range sums {
		a.o("MOVD %d(R0), R%d", deepIn+8*i, 8+i)
	}
	a.o("MOVD %d(R0), R2", deepLanes)
	a.o("MOVD %d(R0), R5", deepApart)
	a.o("MOVD $0, R12") // bytes of the channels before
	results := func(f func(i int)) {
		for i := range sums {
			a.o("MOVD %d(R0), R7", deepOut+8*i)
			a.o("ADD R12, R7, R7")
			f(i)
		}
	}
	a.chunks("R2", func() {
		if more {
			results(func(i int) { a.o("VLD1 (R7), %s", list(4*i, 4)) })
		} else {
			a.clear(0, 4*sums)
		}
		a.o("MOVD %d(R0), R1", deepPlaces)
		a.o("MOVD %d(R0), R3", deepN)
		a.o("MOVD %d(R0), R4", deepSide)
		a.o("ADD R12, R4, R4")
		top := a.next("place")
		a.p("%s:", top)
		a.o("VLD1 (R4), %s", list(16, 4))
		a.o("ADD R5, R4, R4")
		a.o("MOVD.P 8(R1), R14")
		a.o("ADD R12, R14, R14")
		for i := range sums {
			x := 20 + 4*(i%3)
			a.o("ADD R14, R%d, R15", 8+i)
			a.o("VLD1 (R15), %s", list(x, 4))
			for part := range 4 {
				a.fmla(4*i+part, 16+part, x+part)
			}
		}
		a.o("SUBS $1, R3, R3")
		a.o("BNE %s", top)
		results(func(i int) { a.o("VST1 %s, (R7)", list(4*i, 4)) })
		a.o("ADD $64, R12, R12")
	})
	a.o("RET")
}
