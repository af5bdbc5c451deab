package kernel

// BNReLU sets dst to max(z, 0) of y. What is not a number stays so.
func BNReLU(dst, y []float32, p *Norm) {
	n := len(dst)
	need(len(y), n)
	bnReLU(dst, y, p)
}

// BNGrad sets dst to the gradient of y, given that of max(z, 0) in da.
func BNGrad(dst, da, y []float32, p *Norm) {
	n := len(dst)
	need(len(da), n)
	need(len(y), n)
	bnGrad(dst, da, y, p)
}

// BNReLUPool sets dst to the maxima of max(z, 0) over squares of two elements
// of y0 and two of y1.
func BNReLUPool(dst, y0, y1 []float32, p *Norm) {
	n := len(dst)
	need(len(y0), 2*n)
	need(len(y1), 2*n)
	bnReLUPool(dst, y0, y1, p)
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
	bnReLUUnpool(dst0, dst1, dp, y0, y1, p)
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
	sum(s, x)
}

// Moments are a sum and a sum of products.
type Moments [2]Sum16

// AddBias sets dst to src plus bias, and adds the elements of dst and their
// squares to m.
func (m *Moments) AddBias(dst, src []float32, bias float32) {
	n := len(dst)
	need(len(src), n)
	biasStats(dst, src, bias, m)
}

// AddGrad adds, for the gradient g of z, which is zero where z is zero or less
// and da elsewhere, g and g*(y-Mean) to m.
func (m *Moments) AddGrad(da, y []float32, p *Norm) {
	n := len(da)
	need(len(y), n)
	gradStats(m, da, y, p)
}
