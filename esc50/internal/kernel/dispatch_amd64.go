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

// Heights of the tiles of products, and how their times compare: those of few
// rows wait for what they read.
var (
	heights512 = newHeights(map[int]float64{8: 8, 6: 6.1, 4: 4.5, 2: 3, 1: 2})
	heights2   = newHeights(map[int]float64{6: 6, 4: 4.2, 2: 2.5, 1: 2})
)

// tileHeights are those of the level.
func tileHeights() *heights {
	switch level {
	case AVX512:
		return heights512
	case AVX2:
		return heights2
	}
	return heightsAny
}

// tilePanels is how many of the panels that are left a tile of so many rows takes:
// zero if there is no such tile.
func tilePanels(high, left int) int {
	var most int
	switch {
	case level == AVX512 && high == 8 && left == 4:
		return 2 // of one panel, eight accumulators would wait for each other
	case level == AVX512 && high == 8:
		return min(left, 3)
	case level == AVX512:
		most = 4
	case level == AVX2 && high <= 2:
		most = 2
	case level == AVX2:
		most = 1
	default:
		return 0
	}
	for most > left {
		most /= 2
	}
	if most == 2 && level == AVX512 && high <= 2 {
		most = 1
	}
	return most
}

// product runs the tile of so many rows and panels.
func product(high, panels int, t *block) {
	if level == AVX2 {
		switch 10*high + panels {
		case 61:
			product6x1AVX2(t)
		case 41:
			product4x1AVX2(t)
		case 22:
			product2x2AVX2(t)
		case 21:
			product2x1AVX2(t)
		case 12:
			product1x2AVX2(t)
		case 11:
			product1x1AVX2(t)
		}
		return
	}
	switch 10*high + panels {
	case 83:
		product8x3AVX512(t)
	case 82:
		product8x2AVX512(t)
	case 81:
		product8x1AVX512(t)
	case 64:
		product6x4AVX512(t)
	case 62:
		product6x2AVX512(t)
	case 61:
		product6x1AVX512(t)
	case 44:
		product4x4AVX512(t)
	case 42:
		product4x2AVX512(t)
	case 41:
		product4x1AVX512(t)
	case 24:
		product2x4AVX512(t)
	case 21:
		product2x1AVX512(t)
	case 14:
		product1x4AVX512(t)
	case 11:
		product1x1AVX512(t)
	}
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

func scatterMax(t *scattering) {
	if level == AVX512 {
		scatterMaxAVX512(t)
	} else {
		scatterMaxAVX2(t)
	}
}

// turn does whole groups of [turnHigh] elements, and tells whether it did.
func turn(dst, src []float32, columns *[Panel]int64, n int) bool {
	if level == Generic {
		return false
	}
	turnAVX2(&dst[0], &src[0], &columns[0], n) // of AVX-512 too: see gen
	turnAVX2(&dst[turnHigh], &src[0], &columns[turnHigh], n)
	return true
}

// pack tells whether it did.
func pack(dst []float32, apart int, src []float32, depth []int64) bool {
	switch level {
	case AVX512:
		packAVX512(&dst[0], 4*apart, &src[0], &depth[0], len(depth))
	case AVX2:
		packAVX2(&dst[0], 4*apart, &src[0], &depth[0], len(depth))
	default:
		return false
	}
	return true
}
