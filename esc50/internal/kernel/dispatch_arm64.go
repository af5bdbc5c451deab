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

func sqrt(dst, x []float32) {
	n := whole(len(dst))
	if n > 0 {
		sqrtNEON(&dst[0], &x[0], n)
	}
	sqrtGeneric(dst[n:], x[n:])
}

// tileFuncs are those of the level, nil for portable Go.
func tileFuncs() *[tileKinds]tileFunc {
	if level == Generic {
		return nil
	}
	return &tileNEON
}

// panelWidths are the numbers of panels that a tile can take.
func panelWidths() []int { return wide1 }

var wide1 = []int{1}

// product runs a tile of one panel, and tells whether it did.
func product(_ int, t *block) bool {
	if level == Generic {
		return false
	}
	product1NEON(t)
	return true
}

// columns are the kernels of the level for so many columns, nil for portable Go.
func columns(n int) *columnFuncs {
	if level == Generic || n < Lanes {
		return nil
	}
	return columnsNEON
}

func sign(dst, x []float32) {
	n := whole(len(dst))
	if n > 0 {
		signNEON(&dst[0], &x[0], n)
	}
	signGeneric(dst[n:], x[n:])
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
