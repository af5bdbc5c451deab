package kernel

func conv(out []float32, stride int, in []float32, taps *Taps, w []float32, tiles int) {
	switch level {
	case AVX512:
		convAVX512(&out[0], 4*stride, &in[0], &taps.bytes[0], taps.Len(), &w[0], tiles)
	case AVX2:
		convAVX2(&out[0], 4*stride, &in[0], &taps.bytes[0], taps.Len(), &w[0], tiles)
	default:
		convGeneric(out, stride, in, taps, w, tiles)
	}
}

func dw(out, dy []float32, stride int, in []float32, taps *Taps, chunks int) {
	switch level {
	case AVX512:
		dwAVX512(&out[0], &dy[0], 4*stride, &in[0], &taps.bytes[0], taps.Len()/Columns, chunks)
	case AVX2:
		dwAVX2(&out[0], &dy[0], 4*stride, &in[0], &taps.bytes[0], taps.Len()/Columns, chunks)
	default:
		dwGeneric(out, dy, stride, in, taps, chunks)
	}
}

func bnReLU(dst, y []float32, p *Norm) {
	n := len(dst)
	switch {
	case level == Generic || n < Lanes:
		bnReLUGeneric(dst, y, p)
	case level == AVX512:
		bnReLUAVX512(&dst[0], &y[0], p, n)
	default:
		bnReLUAVX2(&dst[0], &y[0], p, n)
	}
}

func bnGrad(dst, da, y []float32, p *Norm) {
	n := len(dst)
	switch {
	case level == Generic || n < Lanes:
		bnGradGeneric(dst, da, y, p)
	case level == AVX512:
		bnGradAVX512(&dst[0], &da[0], &y[0], p, n)
	default:
		bnGradAVX2(&dst[0], &da[0], &y[0], p, n)
	}
}

func bnReLUPool(dst, y0, y1 []float32, p *Norm) {
	n := len(dst)
	switch {
	case level == Generic || n < Lanes:
		bnReLUPoolGeneric(dst, y0, y1, p)
	case level == AVX512:
		bnReLUPoolAVX512(&dst[0], &y0[0], &y1[0], p, n)
	default:
		bnReLUPoolAVX2(&dst[0], &y0[0], &y1[0], p, n)
	}
}

func bnReLUUnpool(dst0, dst1, dp, y0, y1 []float32, p *Norm) {
	n := len(dp)
	switch {
	case level == Generic || n < Lanes:
		bnReLUUnpoolGeneric(dst0, dst1, dp, y0, y1, p)
	case level == AVX512:
		bnReLUUnpoolAVX512(&dst0[0], &dst1[0], &dp[0], &y0[0], &y1[0], p, n)
	default:
		bnReLUUnpoolAVX2(&dst0[0], &dst1[0], &dp[0], &y0[0], &y1[0], p, n)
	}
}

func sum(s *Sum16, x []float32) {
	switch {
	case len(x) == 0:
	case level == Generic:
		sumGeneric(s, x)
	case level == AVX512:
		sumAVX512(s, &x[0], len(x))
	default:
		sumAVX2(s, &x[0], len(x))
	}
}

func biasStats(dst, src []float32, bias float32, m *Moments) {
	n := len(dst)
	switch {
	case n == 0:
	case level == Generic:
		biasStatsGeneric(dst, src, bias, m)
	case level == AVX512:
		biasStatsAVX512(&dst[0], &src[0], &bias, m, n)
	default:
		biasStatsAVX2(&dst[0], &src[0], &bias, m, n)
	}
}

func gradStats(m *Moments, da, y []float32, p *Norm) {
	n := len(da)
	switch {
	case n == 0:
	case level == Generic:
		gradStatsGeneric(m, da, y, p)
	case level == AVX512:
		gradStatsAVX512(m, &da[0], &y[0], p, n)
	default:
		gradStatsAVX2(m, &da[0], &y[0], p, n)
	}
}

func binary(op Op, mode int, dst, x, y []float32) {
	switch level {
	case AVX512:
		binaryAVX512[op][mode](&dst[0], &x[0], &y[0], len(dst))
	case AVX2:
		binaryAVX2[op][mode](&dst[0], &x[0], &y[0], len(dst))
	default:
		binaryGeneric(op, dst, x, y)
	}
}

func sqrt(dst, x []float32) {
	n := len(dst)
	switch {
	case n == 0:
	case level == AVX512:
		sqrtAVX512(&dst[0], &x[0], n)
	case level == AVX2:
		sqrtAVX2(&dst[0], &x[0], n)
	default:
		sqrtGeneric(dst, x)
	}
}

// tileFuncs are those of the level, nil for portable Go.
func tileFuncs() *[tileKinds]tileFunc {
	switch level {
	case AVX512:
		return &tileAVX512
	case AVX2:
		return &tileAVX2
	}
	return nil
}

// panelWidths are the numbers of panels that a tile can take, the most first.
func panelWidths() []int {
	if level == AVX512 {
		return wide512
	}
	return wide1
}

var wide512, wide1 = []int{4, 2, 1}, []int{1}

// product runs a tile of so many panels, and tells whether it did.
func product(panels int, t *block) bool {
	switch {
	case level == AVX2:
		product1AVX2(t)
	case level != AVX512:
		return false
	case panels == 1:
		product1AVX512(t)
	case panels == 2:
		product2AVX512(t)
	default:
		product4AVX512(t)
	}
	return true
}

// columns are the kernels of the level, nil for portable Go.
func columns(int) *columnFuncs {
	switch level {
	case AVX512:
		return columnsAVX512
	case AVX2:
		return columnsAVX2
	}
	return nil
}

func sign(dst, x []float32) {
	n := len(dst)
	switch {
	case n == 0:
	case level == AVX512:
		signAVX512(&dst[0], &x[0], n)
	case level == AVX2:
		signAVX2(&dst[0], &x[0], n)
	default:
		signGeneric(dst, x)
	}
}

func unary(f function, dst, x []float32) {
	n := len(dst)
	switch {
	case n == 0:
	case level == AVX512:
		unaryAVX512[f](&dst[0], &x[0], n)
	case level == AVX2:
		unaryAVX2[f](&dst[0], &x[0], n)
	default:
		unaryGeneric(f, dst, x)
	}
}

// wholeChannels is how many of n channels the depthwise kernels take.
func wholeChannels(n int) int {
	if level == Generic {
		return 0
	}
	return n
}

func depthwise(t *deep) {
	if level == AVX512 {
		depthwiseAVX512(t)
	} else {
		depthwiseAVX2(t)
	}
}

func depthwiseGrad(t *deep) {
	if level == AVX512 {
		depthwiseGradAVX512(t)
	} else {
		depthwiseGradAVX2(t)
	}
}
