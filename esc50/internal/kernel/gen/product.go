//go:build ignore

package main

import "fmt"

// Places in the arguments of product, struct block of package kernel.
const (
	tileC     = 0
	tileLDC   = 8
	tileA     = 16
	tileDepth = 24
	tileN     = 32
	tileB     = 40
	tilePanel = 48
	tileMore  = 56
	tileRow0  = 64
	tileHigh  = 6  // rows of NEON's
	tileDeep  = 64 // bytes of a depth of a panel
)

// shapes are the tiles, rows by panels: what keeps both units busy, which takes
// eight accumulators and more, and does not read more than it multiplies.
func (a *asm) shapes() [][2]int {
	if a.wide() {
		return [][2]int{{8, 3}, {8, 2}, {8, 1}, {6, 4}, {6, 2}, {6, 1}, {4, 4}, {4, 2}, {4, 1}, {2, 4}, {2, 1}, {1, 4}, {1, 1}}
	}
	return [][2]int{{6, 1}, {4, 1}, {2, 2}, {2, 1}, {1, 2}, {1, 1}}
}

// products are the kernels of matrix products: so many rows by so many panels of
// sixteen columns, each element one chain of fused multiply-adds.
func (a *asm) products() {
	for _, s := range a.shapes() {
		a.product(s[0], s[1])
	}
}

// zero clears a register.
func (a *asm) zero(i int) {
	if a.wide() {
		a.o("VPXORQ Z%d, Z%d, Z%d", i, i, i)
		return
	}
	a.o("VXORPS Y%d, Y%d, Y%d", i, i, i)
}

func (a *asm) product(high, panels int) {
	a.fn(fmt.Sprintf("product%dx%d", high, panels), "t:AX")
	across := panels * a.parts // registers of a row
	acc := func(row, i int) string { return a.v(row*across + i) }
	b := func(i int) string { return a.v(high*across + i) }
	a.o("MOVQ %d(AX), SI", tileA)
	for r := range high {
		a.o("MOVQ %d(AX), R%d", tileRow0+8*r, 8+r)
		a.o("ADDQ SI, R%d", 8+r)
	}
	a.o("MOVQ %d(AX), SI", tileDepth)
	a.o("MOVQ %d(AX), CX", tileN)
	a.o("MOVQ %d(AX), DX", tileB)
	more, top := a.next("more"), a.next("deep")
	a.o("CMPQ %d(AX), $0", tileMore)
	a.o("JNE %s", more)
	for r := range high {
		for i := range across {
			a.zero(r*across + i)
		}
	}
	a.o("JMP %s", top)
	a.p("%s:", more)
	a.tileRowsOf(func(r, i int) { a.o("VMOVUPS %d(DI), %s", a.width()*i, acc(r, i)) }, high, across)
	a.p("%s:", top)
	if panels > 1 {
		a.o("MOVQ %d(AX), BX", tilePanel)
	}
	index := "DI"
	if panels > 3 { // of at most six rows
		a.o("LEAQ (BX)(BX*2), DI")
		index = "R14"
	}
	loop := a.next("deep")
	a.p("%s:", loop)
	for p := range panels {
		at := []string{"(DX)", "(DX)(BX*1)", "(DX)(BX*2)", "(DX)(DI*1)"}[p]
		for part := range a.parts {
			a.o("VMOVUPS %d%s, %s", a.width()*part, at, b(p*a.parts+part))
		}
	}
	a.o("MOVQ (SI), %s", index)
	for r := range high {
		x := high*across + across + r%2
		a.o("VBROADCASTSS (R%d)(%s*1), %s", 8+r, index, a.v(x))
		for i := range across {
			a.o("VFMADD231PS %s, %s, %s", b(i), a.v(x), acc(r, i))
		}
	}
	a.o("ADDQ $8, SI")
	a.o("ADDQ $%d, DX", tileDeep)
	a.o("DECQ CX")
	a.o("JNZ %s", loop)
	a.tileRowsOf(func(r, i int) { a.o("VMOVUPS %s, %d(DI)", acc(r, i), a.width()*i) }, high, across)
	a.ret()
}

// tileRowsOf emits f for every register of every row of the result, which DI
// points to.
func (a *asm) tileRowsOf(f func(row, i int), high, across int) {
	a.o("MOVQ %d(AX), DI", tileC)
	for r := range high {
		if r > 0 {
			a.o("ADDQ %d(AX), DI", tileLDC)
		}
		for i := range across {
			f(r, i)
		}
	}
}

// products are six rows by one panel: 24 accumulators.
func (a *neon) products() {
	a.fn("product6x1", 0, "t:R0")
	a.o("MOVD %d(R0), R1", tileA)
	for r := range tileHigh {
		a.o("MOVD %d(R0), R%d", tileRow0+8*r, 8+r)
		a.o("ADD R1, R%d, R%d", 8+r, 8+r)
	}
	a.o("MOVD %d(R0), R2", tileDepth)
	a.o("MOVD %d(R0), R3", tileN)
	a.o("MOVD %d(R0), R4", tileB)
	a.o("MOVD %d(R0), R6", tileMore)
	more, top := a.next("more"), a.next("deep")
	a.o("CBNZ R6, %s", more)
	a.clear(0, 24)
	a.o("B %s", top)
	a.p("%s:", more)
	a.tileRowsOf(func(r int) { a.o("VLD1 (R7), %s", list(4*r, 4)) })
	a.p("%s:", top)
	a.o("VLD1 (R4), %s", list(24, 4))
	a.o("ADD $%d, R4, R4", tileDeep)
	a.o("MOVD.P 8(R2), R14")
	for r := range tileHigh {
		x := 28 + r%4
		a.o("ADD R14, R%d, R15", 8+r)
		a.o("VLD1R (R15), %s", list(x, 1))
		for i := range 4 {
			a.fmla(4*r+i, 24+i, x)
		}
	}
	a.o("SUBS $1, R3, R3")
	a.o("BNE %s", top)
	a.tileRowsOf(func(r int) { a.o("VST1 %s, (R7)", list(4*r, 4)) })
	a.o("RET")
}

// tileRowsOf emits f for every row of the result, which R7 points to.
func (a *neon) tileRowsOf(f func(row int)) {
	a.o("MOVD %d(R0), R7", tileC)
	a.o("MOVD %d(R0), R6", tileLDC)
	for r := range tileHigh {
		f(r)
		a.o("ADD R6, R7, R7")
	}
}
