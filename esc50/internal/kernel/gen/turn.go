//go:build ignore

package main

// turn writes eight runs of elements side by side, sixteen lanes apart: eight by
// eight elements are transposed in registers. Sixteen lanes of AVX-512 would
// gain nothing, since shuffles go through one port.
func (a *asm) turn() {
	a.fn("turn", "dst:DI", "src:SI", "columns:DX", "n:CX")
	for i := range 8 {
		a.o("MOVQ %d(DX), R%d", 8*i, 8+i)
		a.o("ADDQ SI, R%d", 8+i)
	}
	a.o("XORQ BX, BX")
	loop := a.next("turn")
	a.p("%s:", loop)
	for i := range 8 {
		a.o("VMOVUPS (R%d)(BX*1), Y%d", 8+i, i)
	}
	for i := 0; i < 8; i += 2 {
		a.o("VUNPCKLPS Y%d, Y%d, Y%d", i+1, i, 8+i)
		a.o("VUNPCKHPS Y%d, Y%d, Y%d", i+1, i, 9+i)
	}
	for i := 0; i < 8; i += 4 {
		for half := range 2 {
			lo, hi := 8+i+half, 10+i+half
			a.o("VSHUFPS $0x44, Y%d, Y%d, Y%d", hi, lo, i+2*half)
			a.o("VSHUFPS $0xee, Y%d, Y%d, Y%d", hi, lo, i+2*half+1)
		}
	}
	for i := range 4 {
		a.o("VPERM2F128 $0x20, Y%d, Y%d, Y%d", 4+i, i, 8+i)
		a.o("VPERM2F128 $0x31, Y%d, Y%d, Y%d", 4+i, i, 12+i)
	}
	for i := range 8 {
		a.o("VMOVUPS Y%d, %d(DI)", 8+i, 64*i)
	}
	a.o("ADDQ $32, BX")
	a.o("ADDQ $%d, DI", 8*64)
	a.o("SUBQ $8, CX")
	a.o("JNZ %s", loop)
	a.ret()
}

// packs writes rows of four panels side by side, so far apart: one of sixteen
// lanes after the other.
func (a *asm) packs() {
	a.fn("pack", "dst:DI", "apart:BX", "src:SI", "depth:DX", "n:CX")
	a.o("LEAQ (BX)(BX*2), R9")
	loop := a.next("pack")
	a.p("%s:", loop)
	a.o("MOVQ (DX), R8")
	a.o("ADDQ SI, R8")
	at := []string{"(DI)", "(DI)(BX*1)", "(DI)(BX*2)", "(DI)(R9*1)"}
	for i := range 4 * a.parts {
		a.o("VMOVUPS %d(R8), %s", a.width()*i, a.v(i))
	}
	for i := range 4 * a.parts {
		a.o("VMOVUPS %s, %d%s", a.v(i), a.width()*(i%a.parts), at[i/a.parts])
	}
	a.o("ADDQ $8, DX")
	a.o("ADDQ $64, DI")
	a.o("DECQ CX")
	a.o("JNZ %s", loop)
	a.ret()
}
