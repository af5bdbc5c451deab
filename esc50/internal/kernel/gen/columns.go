//go:build ignore

package main

// Places of the parameters of sixteen columns, a vector each.
const (
	colMean = 64 * iota
	colScale
	colOffset
	colK1
	colK2
	colK3
)

// columns are the kernels of batch normalisation with channels last: sixteen
// channels at a time, so many rows a stride apart.
func (a *asm) columns() {
	t := []int{0, 1, 2, 3}
	if !a.wide() {
		t = []int{8, 9, 10, 11}
	}
	per, base := 2, a.accBase()
	if !a.wide() {
		per = 4
	}

	a.fn("colMoments", "acc:R9", "x:SI", "stride:R10", "rows:R11", "n:CX")
	a.sums(2, false)
	a.down([]string{"SI"}, func(part int) {
		a.load("SI", part, t[0], func(acc int, load func(to int)) {
			load(t[1])
			a.o("VADDPD %s, %s, %s", a.v(t[1]), a.v(base+acc), a.v(base+acc))
			a.o("VFMADD231PD %s, %s, %s", a.v(t[1]), a.v(t[1]), a.v(base+per+acc))
		})
	})
	a.sums(2, true)
	a.ret()

	a.fn("colGrads", "acc:R9", "dz:DX", "y:SI", "p:R8", "stride:R10", "rows:R11", "n:CX")
	a.sums(2, false)
	a.down([]string{"SI", "DX"}, func(part int) {
		d, g := t[0], t[1]
		a.ld("SI", part, a.v(d))
		a.o("VSUBPS %d(R8), %s, %s", colMean+part*a.width(), a.v(d), a.v(d))
		var widen []func(from, to int)
		a.widen(part, func(_ int, convert func(from, to int)) { widen = append(widen, convert) })
		a.load("DX", part, g, func(acc int, load func(to int)) {
			load(t[2])
			widen[acc%2](d, t[3])
			a.o("VADDPD %s, %s, %s", a.v(t[2]), a.v(base+acc), a.v(base+acc))
			a.o("VFMADD231PD %s, %s, %s", a.v(t[3]), a.v(t[2]), a.v(base+per+acc))
		})
	})
	a.sums(2, true)
	a.ret()

	a.fn("colNorm", "dst:DI", "y:SI", "p:R8", "stride:R10", "rows:R11", "n:CX")
	a.down([]string{"SI", "DI"}, func(part int) {
		at := part * a.width()
		a.ld("SI", part, a.v(0))
		a.o("VSUBPS %d(R8), %s, %s", colMean+at, a.v(0), a.v(0))
		a.o("VMOVUPS %d(R8), %s", colOffset+at, a.v(1))
		a.o("VFMADD231PS %d(R8), %s, %s", colScale+at, a.v(0), a.v(1))
		a.st(a.v(1), "DI", part)
	})
	a.ret()

	a.fn("colNormGrad", "dst:DI", "dz:DX", "y:SI", "p:R8", "stride:R10", "rows:R11", "n:CX")
	a.down([]string{"SI", "DX", "DI"}, func(part int) {
		at := part * a.width()
		a.ld("SI", part, a.v(0))
		a.ld("DX", part, a.v(2))
		a.o("VSUBPS %d(R8), %s, %s", colMean+at, a.v(0), a.v(0))
		a.o("VMOVUPS %d(R8), %s", colK3+at, a.v(1))
		a.o("VFMADD231PS %d(R8), %s, %s", colK2+at, a.v(0), a.v(1))
		a.o("VFMADD231PS %d(R8), %s, %s", colK1+at, a.v(2), a.v(1))
		a.st(a.v(1), "DI", part)
	})
	a.ret()
}

// down emits body for R11 rows of CX columns, at most sixteen, advancing the
// pointers by R10 bytes.
func (a *asm) down(pointers []string, body func(part int)) {
	rest, done := a.next("rest"), a.next("done")
	each := func() {
		top := a.next("row")
		a.p("%s:", top)
		for part := range a.parts {
			body(part)
		}
		for _, p := range pointers {
			a.o("ADDQ R10, %s", p)
		}
		a.o("DECQ R11")
		a.o("JNZ %s", top)
	}
	a.o("XORQ BX, BX")
	a.o("CMPQ CX, $16")
	a.o("JLT %s", rest)
	each()
	a.o("JMP %s", done)
	a.p("%s:", rest)
	a.mask()
	a.tail = true
	each()
	a.tail = false
	a.p("%s:", done)
}

// columns are those of asm; NEON has whole vectors only.
func (a *neon) columns() {
	const x, d, g = 20, 21, 22
	load := func(reg string, v, i int) {
		a.o("ADD $%d, %s, R15", 16*i, reg)
		a.o("VLD1 (R15), %s", list(v, 1))
	}
	parameter := func(reg string, at, v, i int) {
		a.o("ADD $%d, %s, R15", at+16*i, reg)
		a.o("VLD1 (R15), %s", list(v, 1))
	}
	down := func(rows string, stride string, pointers []string, body func(i int)) {
		top := a.next("row")
		a.p("%s:", top)
		for i := range 4 {
			body(i)
		}
		for _, p := range pointers {
			a.o("ADD %s, %s, %s", stride, p, p)
		}
		a.o("SUBS $1, %s, %s", rows, rows)
		a.o("BNE %s", top)
	}

	a.fn("colMoments", 0, "acc:R0", "x:R1", "stride:R2", "rows:R3", "n")
	a.moments(16, func(v int) { a.ld("R15", v, 4) })
	down("R3", "R2", []string{"R1"}, func(i int) {
		load("R1", x, i)
		a.widen(x, 24)
		for pair := range 2 {
			a.product(2*i+pair, 24+pair, 24+pair)
		}
	})
	a.moments(16, func(v int) { a.st(v, 4, "R15") })
	a.o("RET")

	a.fn("colGrads", 0, "acc:R0", "dz:R1", "y:R4", "p:R5", "stride:R2", "rows:R3", "n")
	a.moments(16, func(v int) { a.ld("R15", v, 4) })
	down("R3", "R2", []string{"R1", "R4"}, func(i int) {
		load("R4", d, i)
		parameter("R5", colMean, x, i)
		a.w("fsub", d, d, x)
		load("R1", g, i)
		a.widen(d, 24)
		a.widen(g, 26)
		for pair := range 2 {
			a.product(2*i+pair, 26+pair, 24+pair)
		}
	})
	a.moments(16, func(v int) { a.st(v, 4, "R15") })
	a.o("RET")

	a.fn("colNorm", 0, "dst:R0", "y:R1", "p:R5", "stride:R2", "rows:R3", "n")
	down("R3", "R2", []string{"R0", "R1"}, func(i int) {
		load("R1", d, i)
		parameter("R5", colMean, x, i)
		a.w("fsub", d, d, x)
		parameter("R5", colOffset, g, i)
		parameter("R5", colScale, x, i)
		a.fmla(g, d, x)
		a.o("ADD $%d, R0, R15", 16*i)
		a.o("VST1 %s, (R15)", list(g, 1))
	})
	a.o("RET")

	a.fn("colNormGrad", 0, "dst:R0", "dz:R4", "y:R1", "p:R5", "stride:R2", "rows:R3", "n")
	down("R3", "R2", []string{"R0", "R1", "R4"}, func(i int) {
		load("R1", d, i)
		parameter("R5", colMean, x, i)
		a.w("fsub", d, d, x)
		parameter("R5", colK3, g, i)
		parameter("R5", colK2, x, i)
		a.fmla(g, d, x)
		load("R4", d, i)
		parameter("R5", colK1, x, i)
		a.fmla(g, d, x)
		a.o("ADD $%d, R0, R15", 16*i)
		a.o("VST1 %s, (R15)", list(g, 1))
	})
	a.o("RET")
}
