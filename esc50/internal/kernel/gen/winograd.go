//go:build ignore

package main

// tileOp is one operation on the rows of a tile: registers 0 and on hold the
// rows, those from 6 on are free.
type tileOp struct {
	op      string // add: d = x+y; sub: d = x-y; fma: d = k*x+y; store: row d is x
	d, x, y int
	k       int
}

func add(d, x, y int) tileOp    { return tileOp{op: "add", d: d, x: x, y: y} }
func sub(d, x, y int) tileOp    { return tileOp{op: "sub", d: d, x: x, y: y} }
func fma(d, k, x, y int) tileOp { return tileOp{op: "fma", d: d, k: k, x: x, y: y} }
func store(row, x int) tileOp   { return tileOp{op: "store", d: row, x: x} }

// tiles are the transformations of Winograd's F(4,3), as package kernel states
// them.
var tiles = []struct {
	name   string
	inputs int
	ops    []tileOp
}{
	{"tileIn", 6, []tileOp{
		fma(6, -5, 2, 4), fma(6, 4, 0, 6), store(0, 6),
		fma(6, -4, 2, 4), fma(7, -4, 1, 3),
		add(8, 6, 7), store(1, 8), sub(8, 6, 7), store(2, 8),
		sub(6, 4, 2), sub(7, 3, 1),
		fma(8, 2, 7, 6), store(3, 8), fma(8, -2, 7, 6), store(4, 8),
		fma(6, -5, 3, 5), fma(6, 4, 1, 6), store(5, 6),
	}},
	{"tileOut", 6, []tileOp{
		add(6, 1, 2), sub(7, 1, 2), add(8, 3, 4), sub(9, 3, 4),
		add(10, 0, 6), add(10, 10, 8), store(0, 10),
		fma(10, 2, 9, 7), store(1, 10),
		fma(10, 4, 8, 6), store(2, 10),
		fma(10, 8, 9, 7), add(10, 10, 5), store(3, 10),
	}},
	{"tileGrad", 4, []tileOp{
		store(0, 0), store(5, 3),
		add(6, 0, 2), add(7, 1, 3),
		add(8, 6, 7), store(1, 8), sub(8, 6, 7), store(2, 8),
		fma(6, 4, 2, 0), fma(7, 4, 3, 1),
		fma(8, 2, 7, 6), store(3, 8), fma(8, -2, 7, 6), store(4, 8),
	}},
}

// factors are the registers that hold the factors of tileOp.
var factors = map[int]int{2: 12, 4: 13, 5: 14, 8: 15}

// tileRows are the kernels of the transformations. Row i lies i strides from
// the first.
func (a *asm) tileRows() {
	for _, t := range tiles {
		a.fn(t.name, "dst:DI", "dstStride:R11", "src:SI", "srcStride:R8", "n:CX")
		a.o("LEAQ (R8)(R8*2), R9")
		a.o("LEAQ (R8)(R8*4), R10")
		a.o("LEAQ (R11)(R11*2), R12")
		a.o("LEAQ (R11)(R11*4), R13")
		for _, k := range []int{2, 4, 5, 8} {
			a.o("VBROADCASTSS factor%d<>(SB), %s", k, a.v(factors[k]))
		}
		src := []string{"(SI)", "(SI)(R8*1)", "(SI)(R8*2)", "(SI)(R9*1)", "(SI)(R8*4)", "(SI)(R10*1)"}
		dst := []string{"(DI)", "(DI)(R11*1)", "(DI)(R11*2)", "(DI)(R12*1)", "(DI)(R11*4)", "(DI)(R13*1)"}
		top, done := a.next("loop"), a.next("done")
		a.p("%s:", top)
		for part := range a.parts {
			for i := range t.inputs {
				a.o("VMOVUPS %d%s, %s", part*a.width(), src[i], a.v(i))
			}
			for _, op := range t.ops {
				a.tileOp(op, func(row int, reg string) { a.o("VMOVUPS %s, %d%s", reg, part*a.width(), dst[row]) })
			}
		}
		a.o("ADDQ $64, SI")
		a.o("ADDQ $64, DI")
		a.o("SUBQ $16, CX")
		a.o("JEQ %s", done)
		a.o("CMPQ CX, $16")
		a.o("JGE %s", top)
		a.o("LEAQ -64(SI)(CX*4), SI") // the last sixteen overlap those before
		a.o("LEAQ -64(DI)(CX*4), DI")
		a.o("MOVQ $16, CX")
		a.o("JMP %s", top)
		a.p("%s:", done)
		a.ret()
	}
}

func (a *asm) tileOp(op tileOp, store func(row int, reg string)) {
	switch op.op {
	case "store":
		store(op.d, a.v(op.x))
	case "add":
		a.o("VADDPS %s, %s, %s", a.v(op.y), a.v(op.x), a.v(op.d))
	case "sub":
		a.o("VSUBPS %s, %s, %s", a.v(op.y), a.v(op.x), a.v(op.d))
	case "fma":
		if op.d != op.y {
			a.o("VMOVAPS %s, %s", a.v(op.y), a.v(op.d))
		}
		name, k := "VFMADD231PS", op.k
		if k < 0 {
			name, k = "VFNMADD231PS", -k
		}
		a.o("%s %s, %s, %s", name, a.v(factors[k]), a.v(op.x), a.v(op.d))
	}
}

// tileFactors are the factors in memory.
func (a *asm) tileFactors() {
	for _, f := range []struct {
		k    int
		bits uint32
	}{{2, 0x40000000}, {4, 0x40800000}, {5, 0x40a00000}, {8, 0x41000000}} {
		a.p("DATA factor%d<>+0(SB)/4, $0x%08x", f.k, f.bits)
		a.p("GLOBL factor%d<>(SB), RODATA|NOPTR, $4", f.k)
	}
}

// tileRows are the kernels of the transformations.
func (a *neon) tileRows() {
	src := []string{"R4", "R5", "R6", "R7", "R8", "R9"}
	dst := []string{"R10", "R11", "R12", "R13", "R14", "R16"}
	for _, t := range tiles {
		a.fn(t.name, 0, "dst:R10", "dstStride:R1", "src:R4", "srcStride:R3", "n:R2")
		var pointers []pointer
		for i := range 6 {
			if i > 0 {
				a.o("ADD R3, %s, %s", src[i-1], src[i])
				a.o("ADD R1, %s, %s", dst[i-1], dst[i])
			}
			pointers = append(pointers, pointer{src[i], 4}, pointer{dst[i], 4})
		}
		for _, k := range []int{2, 4, 5, 8} {
			a.o("FMOVS $%d.0, F%d", k, factors[k])
			a.o("VDUP V%d.S[0], V%d.S4", factors[k], factors[k])
		}
		a.overlap("R2", pointers, func() {
			for range 4 {
				for i := range t.inputs {
					a.ld(src[i], i, 1)
				}
				for _, op := range t.ops {
					a.tileOp(op, func(row, reg int) { a.st(reg, 1, dst[row]) })
				}
			}
		})
		a.o("RET")
	}
}

func (a *neon) tileOp(op tileOp, store func(row, reg int)) {
	switch op.op {
	case "store":
		store(op.d, op.x)
	case "add":
		a.w("fadd", op.d, op.x, op.y)
	case "sub":
		a.w("fsub", op.d, op.x, op.y)
	case "fma":
		if op.d != op.y {
			a.mov(op.d, op.y)
		}
		if op.k < 0 {
			a.o("VFMLS V%d.S4, V%d.S4, V%d.S4", op.x, factors[-op.k], op.d)
		} else {
			a.fmla(op.d, op.x, factors[op.k])
		}
	}
}
