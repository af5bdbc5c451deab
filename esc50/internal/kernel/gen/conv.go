//go:build ignore

package main

// conv512 is the inner product of convolutions: eight output channels by 48
// pixels in 24 accumulators.
func (a *asm) conv512() {
	a.fn("conv", "out:DI", "stride:SI", "in:DX", "off:R8", "n:R9", "w:R10", "tiles:R11")
	a.p("tile:")
	for i := range 24 {
		a.o("VPXORQ Z%d, Z%d, Z%d", i, i, i)
	}
	a.o("MOVQ R8, R13")
	a.o("MOVQ R10, R12")
	a.o("MOVQ R9, CX")
	a.p("tap:")
	a.o("MOVQ (R13), AX")
	for i := range 3 {
		a.o("VMOVUPS %d(DX)(AX*1), Z%d", 64*i, 24+i)
	}
	for k := range 8 {
		b := 27 + k%4
		a.o("VBROADCASTSS %d(R12), Z%d", 4*k, b)
		for i := range 3 {
			a.o("VFMADD231PS Z%d, Z%d, Z%d", 24+i, b, 3*k+i)
		}
	}
	a.o("ADDQ $8, R13")
	a.o("ADDQ $32, R12")
	a.o("DECQ CX")
	a.o("JNZ tap")
	a.o("MOVQ DI, AX")
	for k := range 8 {
		for i := range 3 {
			a.o("VMOVUPS Z%d, %d(AX)", 3*k+i, 64*i)
		}
		a.o("ADDQ SI, AX")
	}
	a.o("ADDQ $192, DX")
	a.o("ADDQ $192, DI")
	a.o("DECQ R11")
	a.o("JNZ tile")
	a.ret()
}

// conv2 is conv512 in four pieces of four channels by 24 pixels.
func (a *asm) conv2() {
	a.fn("conv", "out:DI", "stride:SI", "in:DX", "off:R8", "n:R9", "w:R10", "tiles:R11")
	a.p("tile:")
	for half := range 2 {
		if half == 0 {
			a.o("MOVQ DI, R14")
		} else {
			a.o("LEAQ (DI)(SI*4), R14")
		}
		for px := range 2 {
			label := a.next("tap")
			for i := range 12 {
				a.o("VXORPS Y%d, Y%d, Y%d", i, i, i)
			}
			a.o("MOVQ R8, R13")
			a.o("LEAQ %d(R10), R12", 16*half)
			a.o("MOVQ R9, CX")
			a.p("%s:", label)
			a.o("MOVQ (R13), AX")
			for i := range 3 {
				a.o("VMOVUPS %d(DX)(AX*1), Y%d", 96*px+32*i, 12+i)
			}
			for k := range 4 {
				a.o("VBROADCASTSS %d(R12), Y15", 4*k)
				for i := range 3 {
					a.o("VFMADD231PS Y%d, Y15, Y%d", 12+i, 3*k+i)
				}
			}
			a.o("ADDQ $8, R13")
			a.o("ADDQ $32, R12")
			a.o("DECQ CX")
			a.o("JNZ %s", label)
			a.o("MOVQ R14, AX")
			for k := range 4 {
				for i := range 3 {
					a.o("VMOVUPS Y%d, %d(AX)", 3*k+i, 96*px+32*i)
				}
				a.o("ADDQ SI, AX")
			}
		}
	}
	a.o("ADDQ $192, DX")
	a.o("ADDQ $192, DI")
	a.o("DECQ R11")
	a.o("JNZ tile")
	a.ret()
}

// dw512 accumulates the gradient of weights: four rows by six columns of inner
// products over chunks of sixteen lanes, in 24 accumulators.
func (a *asm) dw512() {
	a.dwArgs()
	for i := range 24 {
		a.o("VPXORQ Z%d, Z%d, Z%d", i, i, i)
	}
	a.dwPointers()
	a.p("chunk:")
	for i, at := range []string{"(DI)", "(DI)(SI*1)", "(DI)(SI*2)", "(DI)(AX*1)"} {
		a.o("VMOVUPS %s, Z%d", at, 24+i)
	}
	for c := range 6 {
		a.o("VMOVUPS (BX)(R%d*1), Z%d", 8+c, 28+c%4)
		for r := range 4 {
			a.o("VFMADD231PS Z%d, Z%d, Z%d", 28+c%4, 24+r, 6*r+c)
		}
	}
	a.o("ADDQ $64, DI")
	a.o("ADDQ $64, BX")
	a.o("DECQ CX")
	a.o("JNZ chunk")
	a.o("MOVQ out+0(FP), R8")
	for i := range 24 {
		a.o("VEXTRACTF64X4 $1, Z%d, Y24", i)
		a.o("VADDPS Y24, Y%d, Y%d", i, i)
	}
	for q := range 6 {
		r := 4 * q
		if q >= 4 { // VHADDPS reaches Y0 to Y15 only
			for i := range 4 {
				a.o("VMOVAPS Y%d, Y%d", r+i, i)
			}
			r = 0
		}
		a.hadd(r, r+1, r+2, r+3, 16*q)
	}
	a.dwNext()
}

// hadd adds the sums of the eight lanes of each of four registers to four
// floats: ((0+1)+(2+3)) + ((4+5)+(6+7)).
func (a *asm) hadd(r0, r1, r2, r3, offset int) {
	a.o("VHADDPS Y%d, Y%d, Y%d", r1, r0, r0)
	a.o("VHADDPS Y%d, Y%d, Y%d", r3, r2, r2)
	a.o("VHADDPS Y%d, Y%d, Y%d", r2, r0, r0)
	a.o("VEXTRACTF128 $1, Y%d, X%d", r0, r1)
	a.o("VADDPS X%d, X%d, X%d", r1, r0, r0)
	a.o("VADDPS %d(R8), X%d, X%d", offset, r0, r0)
	a.o("VMOVUPS X%d, %d(R8)", r0, offset)
}

func (a *asm) dwArgs() {
	a.fn("dw", "out", "dy", "stride:SI", "in", "off:DX", "groups", "n")
	a.o("LEAQ (SI)(SI*2), AX")
	a.p("group:")
}

func (a *asm) dwPointers() {
	a.o("MOVQ dy+8(FP), DI")
	a.o("MOVQ in+24(FP), BX")
	a.o("MOVQ n+48(FP), CX")
	for c := range 6 {
		a.o("MOVQ %d(DX), R%d", 8*c, 8+c)
	}
}

func (a *asm) dwNext() {
	a.o("ADDQ $96, R8")
	a.o("MOVQ R8, out+0(FP)")
	a.o("ADDQ $48, DX")
	a.o("DECQ groups+40(FP)")
	a.o("JNZ group")
	a.ret()
}

// dw2 is dw512 in four pieces of four rows by three columns by eight lanes; the
// low lanes wait on the stack for the high ones.
func (a *asm) dw2() {
	a.p("")
	a.p("TEXT ·dwAVX2(SB), NOSPLIT, $384-56")
	a.o("MOVQ stride+16(FP), SI")
	a.o("MOVQ off+32(FP), DX")
	a.o("LEAQ (SI)(SI*2), AX")
	a.p("group:")
	for cols := range 2 {
		for half := range 2 {
			label := a.next("chunk")
			a.dwPointers()
			for i := range 12 {
				a.o("VXORPS Y%d, Y%d, Y%d", i, i, i)
			}
			a.p("%s:", label)
			for c := range 3 {
				a.o("VMOVUPS %d(BX)(R%d*1), Y%d", 32*half, 8+3*cols+c, 12+c)
			}
			for r, at := range []string{"(DI)", "(DI)(SI*1)", "(DI)(SI*2)", "(DI)(AX*1)"} {
				a.o("VMOVUPS %d%s, Y15", 32*half, at)
				for c := range 3 {
					a.o("VFMADD231PS Y%d, Y15, Y%d", 12+c, 3*r+c)
				}
			}
			a.o("ADDQ $64, DI")
			a.o("ADDQ $64, BX")
			a.o("DECQ CX")
			a.o("JNZ %s", label)
			for i := range 12 {
				if half == 0 {
					a.o("VMOVUPS Y%d, sums-%d(SP)", i, 384-32*i)
				} else {
					a.o("VADDPS sums-%d(SP), Y%d, Y%d", 384-32*i, i, i)
				}
			}
		}
		a.o("MOVQ out+0(FP), R8")
		for r := range 4 {
			// Three sums per row: the fourth lane is added nowhere.
			y := 3 * r
			a.o("VHADDPS Y%d, Y%d, Y%d", y+1, y, y)
			a.o("VHADDPS Y%d, Y%d, Y%d", y+2, y+2, y+2)
			a.o("VHADDPS Y%d, Y%d, Y%d", y+2, y, y)
			a.o("VEXTRACTF128 $1, Y%d, X%d", y, y+1)
			a.o("VADDPS X%d, X%d, X%d", y+1, y, y)
			at := 4 * (6*r + 3*cols)
			a.o("VMOVSD %d(R8), X12", at)
			a.o("VADDPS X12, X%d, X13", y)
			a.o("VMOVSD X13, %d(R8)", at)
			a.o("VEXTRACTPS $2, X%d, R9", y)
			a.o("VMOVD R9, X12")
			a.o("VADDSS %d(R8), X12, X12", at+8)
			a.o("VMOVSS X12, %d(R8)", at+8)
		}
	}
	a.dwNext()
}
