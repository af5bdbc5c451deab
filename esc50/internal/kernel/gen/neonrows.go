//go:build ignore

package main

// Registers that hold broadcast parameters in the row kernels of NEON.
const (
	nMean = 16 + iota
	nScale
	nOffset
	nK1
	nK2
	nK3
)

// normal turns reg, a y, into y-mean in d and (y-mean)*scale+offset in reg.
func (a *neon) normal(reg, d int) {
	a.w("fsub", d, reg, nMean)
	a.mov(reg, nOffset)
	a.fmla(reg, d, nScale)
}

// positive clears value where test is zero or less: what is not a number stays.
func (a *neon) positive(test, value, mask int) {
	a.w("fcmle0", mask, test)
	a.w("bic", value, value, mask)
}

// larger sets d to x where it is more than y, and to y elsewhere.
func (a *neon) larger(d, x, y int) {
	a.w("fcmgt", d, x, y)
	a.o("VBSL V%d.B16, V%d.B16, V%d.B16", y, x, d)
}

// rows are the kernels along one row.
func (a *neon) rows() {
	a.fn("bnReLU", 0, "dst:R0", "y:R1", "p:R2", "n:R3")
	a.broadcast("R2", nMean, 3)
	a.overlap("R3", []pointer{{"R0", 4}, {"R1", 4}}, func() {
		a.ld("R1", 0, 4)
		for i := range 4 {
			a.normal(i, 4+i)
			a.positive(i, i, 4+i)
		}
		a.st(0, 4, "R0")
	})
	a.o("RET")

	a.fn("bnGrad", 0, "dst:R0", "da:R1", "y:R2", "p:R3", "n:R4")
	a.broadcast("R3", nMean, 6)
	a.overlap("R4", []pointer{{"R0", 4}, {"R1", 4}, {"R2", 4}}, func() {
		a.ld("R2", 0, 4)
		a.ld("R1", 4, 4)
		for i := range 4 {
			y, g, d, dy := i, 4+i, 8+i, 12+i
			a.normal(y, d)
			a.positive(y, g, y)
			a.mov(dy, nK3)
			a.fmla(dy, d, nK2)
			a.fmla(dy, g, nK1)
		}
		a.st(12, 4, "R0")
	})
	a.o("RET")
}

// pools are the kernels of max-pooling 2x2 after normalisation and ReLU.
func (a *neon) pools() {
	a.fn("bnReLUPool", 0, "dst:R0", "y0:R1", "y1:R2", "p:R3", "n:R4")
	a.broadcast("R3", nMean, 3)
	a.overlap("R4", []pointer{{"R0", 4}, {"R1", 8}, {"R2", 8}}, func() {
		for range 4 {
			a.squares("R1", "R2")
			a.st(4, 1, "R0")
		}
	})
	a.o("RET")

	a.fn("bnReLUUnpool", 0, "dst0:R0", "dst1:R1", "dp:R2", "y0:R3", "y1:R4", "p:R5", "n:R6")
	a.broadcast("R5", nMean, 3)
	a.overlap("R6", []pointer{{"R0", 8}, {"R1", 8}, {"R2", 4}, {"R3", 8}, {"R4", 8}}, func() {
		for range 4 {
			a.squares("R3", "R4")
			a.ld("R2", 5, 1)
			a.first()
			a.o("VST2.P %s, 32(R0)", list(0, 2))
			a.o("VST2.P %s, 32(R1)", list(2, 2))
		}
	})
	a.o("RET")
}

// squares loads four squares of two elements of each of two rows, normalised
// and rectified, to registers 0 to 3, and their largest to register 4.
func (a *neon) squares(row0, row1 string) {
	a.o("VLD2.P 32(%s), %s", row0, list(0, 2))
	a.o("VLD2.P 32(%s), %s", row1, list(2, 2))
	for i := range 4 {
		a.normal(i, 4+i)
		a.positive(i, i, 4+i)
	}
	a.larger(5, 0, 1)
	a.larger(6, 2, 3)
	a.larger(4, 5, 6)
}

// first sets the first of registers 0 to 3 that equals register 4 to register
// 5 and the others to zero, lane by lane.
func (a *neon) first() {
	a.w("fcmeq", 6, 0, 4) // 6: lanes already chosen
	a.o("VAND V5.B16, V6.B16, V0.B16")
	for r := 1; r < 4; r++ {
		a.w("fcmeq", 7, r, 4)
		a.w("bic", r, 7, 6)
		a.o("VORR V7.B16, V6.B16, V6.B16")
		a.o("VAND V5.B16, V%d.B16, V%d.B16", r, r)
	}
}

// widen converts a register to double precision, in to and to+1.
func (a *neon) widen(from, to int) {
	a.w("fcvtl", to, from)
	a.w("fcvtl2", to+1, from)
}

// moments loads or stores n registers of accumulators, from register 0 on.
func (a *neon) moments(n int, move func(v int)) {
	a.o("MOVD R0, R15")
	for i := 0; i < n; i += 4 {
		move(i)
	}
}

// accumulate emits body between loading n accumulators from R0 and storing
// them, eight per sum.
func (a *neon) accumulate(n int, reg string, body func()) {
	a.moments(n, func(v int) { a.ld("R15", v, 4) })
	a.chunks(reg, body)
	a.moments(n, func(v int) { a.st(v, 4, "R15") })
	a.o("RET")
}

// stats are the kernels that add to sixteen float64 lanes per sum.
func (a *neon) stats() {
	a.fn("sum", 0, "acc:R0", "x:R1", "n:R2")
	a.accumulate(8, "R2", func() {
		a.ld("R1", 16, 4)
		for i := range 4 {
			a.widen(16+i, 20+2*i)
			for pair := range 2 {
				acc := 2*i + pair
				a.w("fadd64", acc, acc, 20+acc)
			}
		}
	})

	a.fn("biasStats", 0, "dst:R3", "src:R1", "bias:R4", "acc:R0", "n:R2")
	a.broadcast("R4", 20, 1)
	a.accumulate(16, "R2", func() {
		a.ld("R1", 16, 4)
		for i := range 4 {
			a.w("fadd", 16+i, 16+i, 20)
			a.widen(16+i, 22+2*i)
			for pair := range 2 {
				acc := 2*i + pair
				a.product(acc, 22+acc, 22+acc)
			}
		}
		a.st(16, 4, "R3")
	})

	a.fn("gradStats", 0, "acc:R0", "da:R1", "y:R3", "p:R4", "n:R2")
	a.broadcast("R4", nMean, 3)
	a.accumulate(16, "R2", func() {
		for i := range 4 {
			const z, g, d = 20, 21, 22
			a.ld("R3", z, 1)
			a.ld("R1", g, 1)
			a.normal(z, d)
			a.positive(z, g, z)
			a.widen(d, 24)
			a.widen(g, 26)
			for pair := range 2 {
				a.product(2*i+pair, 26+pair, 24+pair)
			}
		}
	})
}

// product adds x to accumulator acc of the first sum and x times y to that of
// the second.
func (a *neon) product(acc, x, y int) {
	a.w("fadd64", acc, acc, x)
	a.o("VFMLA V%d.D2, V%d.D2, V%d.D2", x, y, 8+acc)
}

// pointwise are the kernels of arithmetic on whole tensors: dst may be an
// operand. In VS the second operand, in SV the first, is one float.
func (a *neon) pointwise() {
	for _, op := range []string{"add", "sub", "mul", "div", "max", "min"} {
		for _, mode := range []string{"VV", "VS", "SV"} {
			a.fn(op+mode, 0, "dst:R0", "x:R1", "y:R2", "n:R3")
			switch mode {
			case "VS":
				a.broadcast("R2", 16, 1)
			case "SV":
				a.broadcast("R1", 16, 1)
			}
			a.chunks("R3", func() {
				if mode != "SV" {
					a.ld("R1", 0, 4)
				}
				if mode != "VS" {
					a.ld("R2", 4, 4)
				}
				for i := range 4 {
					x, y := i, 4+i
					switch mode {
					case "VS":
						y = 16
					case "SV":
						x = 16
					}
					a.w("f"+op, i, x, y)
				}
				a.st(0, 4, "R0")
			})
			a.o("RET")
		}
	}
	a.fn("sign", 0, "dst:R0", "x:R1", "n:R2")
	a.o("FMOVS $1.0, F20")
	a.o("VDUP V20.S[0], V20.S4")
	a.o("MOVW $0x80000000, R3")
	a.o("VDUP R3, V21.S4")
	a.clear(22, 1)
	a.chunks("R2", func() {
		a.ld("R1", 0, 4)
		for i := range 4 {
			a.o("VAND V21.B16, V%d.B16, V%d.B16", i, 4+i)
			a.o("VORR V20.B16, V%d.B16, V%d.B16", 4+i, 4+i)
			a.w("fcmgt", 8, i, 22)
			a.w("fcmgt", 9, 22, i)
			a.o("VORR V8.B16, V9.B16, V8.B16")
			a.o("VBIT V8.B16, V%d.B16, V%d.B16", 4+i, i)
		}
		a.st(0, 4, "R0")
	})
	a.o("RET")
	for _, k := range []struct{ name, op string }{{"abs", "fabs"}, {"neg", "fneg"}, {"fromUint32", "ucvtf"}} {
		a.fn(k.name, 0, "dst:R0", "x:R1", "n:R2")
		a.chunks("R2", func() {
			a.ld("R1", 0, 4)
			for i := range 4 {
				a.w(k.op, i, i)
			}
			a.st(0, 4, "R0")
		})
		a.o("RET")
	}
	a.fn("sqrt", 0, "dst:R0", "x:R1", "n:R2")
	a.chunks("R2", func() {
		a.ld("R1", 0, 4)
		for i := range 4 {
			a.w("fsqrt", i, i)
		}
		a.st(0, 4, "R0")
	})
	a.o("RET")
}
