package kernel

// BNReLU sets dst to max(z, 0) of y. What is not a number stays so.
func BNReLU(dst, y []float32, p *Norm) {
	n := len(dst)
	need(len(y), n)
	switch {
	case level == Generic || n < Lanes:
		bnReLUGeneric(dst, y, p)
	case level == AVX512:
		bnReLUAVX512(&dst[0], &y[0], p, n)
	default:
		bnReLUAVX2(&dst[0], &y[0], p, n)
	}
}

// BNGrad sets dst to the gradient of y, given that of max(z, 0) in da.
func BNGrad(dst, da, y []float32, p *Norm) {
	n := len(dst)
	need(len(da), n)
	need(len(y), n)
	switch {
	case level == Generic || n < Lanes:
		bnGradGeneric(dst, da, y, p)
	case level == AVX512:
		bnGradAVX512(&dst[0], &da[0], &y[0], p, n)
	default:
		bnGradAVX2(&dst[0], &da[0], &y[0], p, n)
	}
}

// BNReLUPool sets dst to the maxima of max(z, 0) over squares of two elements
// of y0 and two of y1.
func BNReLUPool(dst, y0, y1 []float32, p *Norm) {
	n := len(dst)
	need(len(y0), 2*n)
	need(len(y1), 2*n)
	switch {
	case level == Generic || n < Lanes:
		bnReLUPoolGeneric(dst, y0, y1, p)
	case level == AVX512:
		bnReLUPoolAVX512(&dst[0], &y0[0], &y1[0], p, n)
	default:
		bnReLUPoolAVX2(&dst[0], &y0[0], &y1[0], p, n)
	}
}

// BNReLUUnpool sets dst0 and dst1 to the gradients of max(z, 0) of y0 and y1
// given those of [BNReLUPool]'s maxima in dp: each goes to the first of the
// largest of its square, the other three get zero.
func BNReLUUnpool(dst0, dst1, dp, y0, y1 []float32, p *Norm) {
	n := len(dp)
	need(len(dst0), 2*n)
	need(len(dst1), 2*n)
	need(len(y0), 2*n)
	need(len(y1), 2*n)
	switch {
	case level == Generic || n < Lanes:
		bnReLUUnpoolGeneric(dst0, dst1, dp, y0, y1, p)
	case level == AVX512:
		bnReLUUnpoolAVX512(&dst0[0], &dst1[0], &dp[0], &y0[0], &y1[0], p, n)
	default:
		bnReLUUnpoolAVX2(&dst0[0], &dst1[0], &dp[0], &y0[0], &y1[0], p, n)
	}
}

// Sum16 are the lanes of a sum in double precision.
type Sum16 [Lanes]float64

// Total adds the lanes in the fixed tree.
func (s *Sum16) Total() float64 {
	t := *s
	for n := Lanes / 2; n > 0; n /= 2 {
		for i := range n {
			t[i] += t[i+n]
		}
	}
	return t[0]
}

// Add adds x, element i to lane i mod 16.
func (s *Sum16) Add(x []float32) {
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

// Moments are a sum and a sum of products.
type Moments [2]Sum16

// AddBias sets dst to src plus bias, and adds the elements of dst and their
// squares to m.
func (m *Moments) AddBias(dst, src []float32, bias float32) {
	n := len(dst)
	need(len(src), n)
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

// AddGrad adds, for the gradient g of z, which is zero where z is zero or less
// and da elsewhere, g and g*(y-Mean) to m.
func (m *Moments) AddGrad(da, y []float32, p *Norm) {
	n := len(da)
	need(len(y), n)
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
