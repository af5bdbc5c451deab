//go:build ignore

package main

// conv is the inner product of convolutions: eight output channels by twelve
// pixels in 24 accumulators, four times per tile.
func (a *neon) conv() {
	a.fn("conv", 0, "out:R0", "stride:R1", "in:R2", "off:R3", "n:R4", "w:R5", "tiles:R6")
	a.o("LSL $2, R6")
	a.p("piece:")
	a.clear(0, 24)
	a.o("MOVD R3, R7")
	a.o("MOVD R4, R8")
	a.o("MOVD R5, R9")
	a.p("tap:")
	a.o("MOVD.P 8(R7), R10")
	a.o("ADD R2, R10, R10")
	a.o("VLD1 (R10), %s", list(24, 3))
	a.ld("R9", 27, 2)
	for c := range 8 {
		for i := range 3 {
			a.fmlaLane(3*c+i, 24+i, 27+c/4, c%4)
		}
	}
	a.o("SUBS $1, R8, R8")
	a.o("BNE tap")
	a.o("MOVD R0, R10")
	for c := range 8 {
		a.o("VST1 %s, (R10)", list(3*c, 3))
		a.o("ADD R1, R10, R10")
	}
	a.o("ADD $48, R0, R0")
	a.o("ADD $48, R2, R2")
	a.o("SUBS $1, R6, R6")
	a.o("BNE piece")
	a.o("RET")
}

// dw accumulates the gradient of weights: four rows by six columns of inner
// products in 24 accumulators. A pass does four of the sixteen lanes; lanes 0
// to 3 wait in the frame for 8 to 11, and 4 to 7 for 12 to 15, to which they
// are added first.
func (a *neon) dw() {
	a.fn("dw", 480, "out:R0", "dy:R1", "stride:R2", "in:R3", "off:R4", "groups:R5", "n:R6")
	a.o("MOVD $64, R16")
	a.p("group:")
	for _, pair := range []int{0, 1} {
		a.dwPass(pair)
		a.o("MOVD $sums-480(SP), R7")
		for i := 0; i < 24; i += 4 {
			a.st(i, 4, "R7")
		}
		a.dwPass(pair + 2)
		a.dwFold()
		if pair == 0 {
			for i := range 6 {
				a.st(4*i, 1, "R7") // R7 is behind the 24 sums
			}
		}
	}
	a.dwAdd()
	a.o("ADD $48, R4, R4")
	a.o("SUBS $1, R5, R5")
	a.o("BNE group")
	a.o("RET")
}

// dwPass sums lanes 4*quarter to 4*quarter+3 over all chunks; row r and column
// c in register 6*r+c.
func (a *neon) dwPass(quarter int) {
	a.o("ADD $%d, R1, R8", 16*quarter)
	for r := 1; r < 4; r++ {
		a.o("ADD R2, R%d, R%d", 7+r, 8+r)
	}
	a.o("ADD $%d, R3, R7", 16*quarter)
	for c := range 6 {
		a.o("MOVD %d(R4), R17", 8*c)
		a.o("ADD R7, R17, R%d", dwColumn(c))
	}
	a.o("MOVD R6, R7")
	a.clear(0, 24)
	top := a.next("chunk")
	a.p("%s:", top)
	for r := range 4 {
		a.o("VLD1.P (R%d)(R16), %s", 8+r, list(24+r, 1))
	}
	for c := range 6 {
		a.o("VLD1.P (R%d)(R16), %s", dwColumn(c), list(28+c%4, 1))
		for r := range 4 {
			a.fmla(6*r+c, 24+r, 28+c%4)
		}
	}
	a.o("SUBS $1, R7, R7")
	a.o("BNE %s", top)
}

// dwColumn is the general register of a column: R18 belongs to the system.
func dwColumn(c int) int { return []int{12, 13, 14, 15, 19, 20}[c] }

// dwFold adds the waiting sums to the 24 registers, then the four lanes of
// each, (0+1)+(2+3), into a lane of every fourth register. It leaves R7 behind
// the sums.
func (a *neon) dwFold() {
	a.o("MOVD $sums-480(SP), R7")
	for i := 0; i < 24; i += 4 {
		a.ld("R7", 24, 4)
		for j := range 4 {
			a.w("fadd", i+j, 24+j, i+j)
		}
		a.w("faddp", i, i, i+1)
		a.w("faddp", i+2, i+2, i+3)
		a.w("faddp", i, i, i+2)
	}
}

// dwAdd adds the two halves of the tree to 24 floats at R0, which it advances.
func (a *neon) dwAdd() {
	a.o("MOVD R0, R8")
	for i := range 6 {
		a.ld("R7", 24, 1)
		a.ld("R8", 25, 1)
		a.w("fadd", 24, 24, 4*i)
		a.w("fadd", 24, 25, 24)
		a.st(24, 1, "R0")
	}
}
