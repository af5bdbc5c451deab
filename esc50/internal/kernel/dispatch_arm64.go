package kernel

func conv(out []float32, stride int, in []float32, taps *Taps, w []float32, tiles int) {
	if level == Generic {
		convGeneric(out, stride, in, taps, w, tiles)
		return
	}
	convNEON(&out[0], 4*stride, &in[0], &taps.bytes[0], taps.Len(), &w[0], tiles)
}

func dw(out, dy []float32, stride int, in []float32, taps *Taps, chunks int) {
	if level == Generic {
		dwGeneric(out, dy, stride, in, taps, chunks)
		return
	}
	dwNEON(&out[0], &dy[0], 4*stride, &in[0], &taps.bytes[0], taps.Len()/Columns, chunks)
}

func bnReLU(dst, y []float32, p *Norm) {
	if level == Generic || len(dst) < Lanes {
		bnReLUGeneric(dst, y, p)
		return
	}
	bnReLUNEON(&dst[0], &y[0], p, len(dst))
}

func bnGrad(dst, da, y []float32, p *Norm) {
	if level == Generic || len(dst) < Lanes {
		bnGradGeneric(dst, da, y, p)
		return
	}
	bnGradNEON(&dst[0], &da[0], &y[0], p, len(dst))
}

func bnReLUPool(dst, y0, y1 []float32, p *Norm) {
	if level == Generic || len(dst) < Lanes {
		bnReLUPoolGeneric(dst, y0, y1, p)
		return
	}
	bnReLUPoolNEON(&dst[0], &y0[0], &y1[0], p, len(dst))
}

func bnReLUUnpool(dst0, dst1, dp, y0, y1 []float32, p *Norm) {
	if level == Generic || len(dp) < Lanes {
		bnReLUUnpoolGeneric(dst0, dst1, dp, y0, y1, p)
		return
	}
	bnReLUUnpoolNEON(&dst0[0], &dst1[0], &dp[0], &y0[0], &y1[0], p, len(dp))
}

// whole is how many of n elements the kernels without masks can do; portable Go
// does the few others, which start again at lane 0.
func whole(n int) int {
	if level == Generic {
		return 0
	}
	return n / Lanes * Lanes
}

func sum(s *Sum16, x []float32) {
	n := whole(len(x))
	if n > 0 {
		sumNEON(s, &x[0], n)
	}
	sumGeneric(s, x[n:])
}

func biasStats(dst, src []float32, bias float32, m *Moments) {
	n := whole(len(dst))
	if n > 0 {
		biasStatsNEON(&dst[0], &src[0], &bias, m, n)
	}
	biasStatsGeneric(dst[n:], src[n:], bias, m)
}

func gradStats(m *Moments, da, y []float32, p *Norm) {
	if level == Generic {
		gradStatsGeneric(m, da, y, p)
		return
	}
	n := whole(len(da))
	if n > 0 {
		gradStatsNEON(m, &da[0], &y[0], p, n)
	}
	if n < len(da) { // gradients of zero for the rest, since [FMA] is slow
		var restDA, restY [Lanes]float32
		copy(restDA[:], da[n:])
		copy(restY[:], y[n:len(da)])
		gradStatsNEON(m, &restDA[0], &restY[0], p, Lanes)
	}
}

func binary(op Op, mode int, dst, x, y []float32) {
	n := whole(len(dst))
	if n > 0 {
		binaryNEON[op][mode](&dst[0], &x[0], &y[0], n)
	}
	if mode != xScalar {
		x = x[n:]
	}
	if mode != yScalar {
		y = y[n:]
	}
	binaryGeneric(op, dst[n:], x, y)
}

// tileFuncs are those of the level, nil for portable Go.
func tileFuncs() *[tileKinds]tileFunc {
	if level == Generic {
		return nil
	}
	return &tileNEON
}

// tileHeights are the heights of the tiles of products.
func tileHeights() *heights { return heightsAny }

// tilePanels is how many of the panels that are left a tile of so many rows takes:
// zero if there is no such tile.
func tilePanels(high, _ int) int {
	if level == Generic || high != High {
		return 0
	}
	return 1
}

// product runs the tile of so many rows and panels.
func product(_, _ int, t *block) { product6x1NEON(t) }

// columns are the kernels of the level for so many columns, nil for portable Go.
func columns(n int) *columnFuncs {
	if level == Generic || n < Lanes {
		return nil
	}
	return columnsNEON
}

func unary(f function, dst, x []float32) {
	n := whole(len(dst))
	if n > 0 {
		unaryNEON[f](&dst[0], &x[0], n)
	}
	unaryGeneric(f, dst[n:], x[n:])
}

// wholeChannels is how many of n channels the depthwise kernels take.
func wholeChannels(n int) int { return whole(n) }

func depthwise(t *deep) { depthwiseNEON(t) }

func depthwiseGrad(t *deep) { depthwiseGradNEON(t) }

func scatterMax(t *scattering) { scatterMaxNEON(t) }

// turn is done in Go.
func turn(_, _ []float32, _ *[Panel]int64, _ int) bool { return false }

// pack is done in Go.
func pack([]float32, int, []float32, []int64) bool { return false }
