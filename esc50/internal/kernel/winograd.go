package kernel

// Sizes of the tiles of Winograd's minimal filtering F(4,3), along one axis: a
// filter of three taps gives four outputs for six multiplications, of six
// linear combinations (points) of six inputs with six of the taps.
//
//	Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015,
//	with the points 0, 1, -1, 2, -2 and infinity.
const (
	TileRows   = 4 // outputs of a tile
	TileTaps   = 3 // of the filter
	TilePoints = 6 // multiplications; inputs of a tile
)

// TileIn sets, for n places p, the points of a tile of inputs: with the rows
// d(k) = src[k*srcStride+p] and t(i) = dst[i*dstStride+p],
//
//	t0 = 4 d0 - 5 d2 + d4
//	t1 = (d4 - 4 d2) + (d3 - 4 d1)
//	t2 = (d4 - 4 d2) - (d3 - 4 d1)
//	t3 = (d4 - d2) + 2 (d3 - d1)
//	t4 = (d4 - d2) - 2 (d3 - d1)
//	t5 = 4 d1 - 5 d3 + d5
//
// dst and src must not overlap.
func TileIn(dst []float32, dstStride int, src []float32, srcStride, n int) {
	tile(tileIn, TilePoints, TilePoints, dst, dstStride, src, srcStride, n)
}

// TileOut sets the outputs of a tile from the products m(i) of its points: as
// in [TileIn],
//
//	o0 = m0 + (m1 + m2) + (m3 + m4)
//	o1 = (m1 - m2) + 2 (m3 - m4)
//	o2 = (m1 + m2) + 4 (m3 + m4)
//	o3 = (m1 - m2) + 8 (m3 - m4) + m5
func TileOut(dst []float32, dstStride int, src []float32, srcStride, n int) {
	tile(tileOut, TileRows, TilePoints, dst, dstStride, src, srcStride, n)
}

// TileGrad sets the points of a tile of gradients of outputs, for the gradient
// of the taps: it is TileOut transposed. As in [TileIn],
//
//	t0 = d0
//	t1 = (d0 + d2) + (d1 + d3)
//	t2 = (d0 + d2) - (d1 + d3)
//	t3 = (d0 + 4 d2) + 2 (d1 + 4 d3)
//	t4 = (d0 + 4 d2) - 2 (d1 + 4 d3)
//	t5 = d3
func TileGrad(dst []float32, dstStride int, src []float32, srcStride, n int) {
	tile(tileGrad, TilePoints, TileRows, dst, dstStride, src, srcStride, n)
}

// TileFilter returns the points of a filter's three taps.
//
// Like [TileFilterGrad] it adds and divides in double precision, which is the
// same everywhere, there being no products to fuse.
func TileFilter(g [TileTaps]float32) [TilePoints]float32 {
	a, b, c := float64(g[0]), float64(g[1]), float64(g[2])
	return [TilePoints]float32{
		float32(a / 4),
		float32((a + b + c) / -6),
		float32((a - b + c) / -6),
		float32(a/24 + b/12 + c/6),
		float32(a/24 - b/12 + c/6),
		float32(c),
	}
}

// TileFilterGrad returns the gradient of a filter's taps given that of its
// points: TileFilter transposed.
func TileFilterGrad(m [TilePoints]float32) [TileTaps]float32 {
	near, far := float64(m[1])+float64(m[2]), float64(m[3])+float64(m[4])
	return [TileTaps]float32{
		float32(float64(m[0])/4 - near/6 + far/24),
		float32((float64(m[2])-float64(m[1]))/6 + (float64(m[3])-float64(m[4]))/12),
		float32(far/6 - near/6 + float64(m[5])),
	}
}

// tileKind is a transformation of the rows of a tile.
type tileKind int

const (
	tileIn tileKind = iota
	tileOut
	tileGrad
	tileKinds
)

// tileFunc is one in assembler, for at least sixteen places and strides in
// bytes.
type tileFunc func(dst *float32, dstStride int, src *float32, srcStride int, n int)

func tile(kind tileKind, to, from int, dst []float32, dstStride int, src []float32, srcStride, n int) {
	if n == 0 {
		return
	}
	need(dstStride, n)
	need(len(dst), (to-1)*dstStride+n)
	need(len(src), (from-1)*srcStride+n)
	if f := tileFuncs(); f != nil && n >= Lanes {
		f[kind](&dst[0], 4*dstStride, &src[0], 4*srcStride, n)
		return
	}
	var d, t [TilePoints]float32
	for p := range n {
		for k := range from {
			d[k] = src[k*srcStride+p]
		}
		switch kind {
		case tileIn:
			tileInGeneric(&t, &d)
		case tileOut:
			tileOutGeneric(&t, &d)
		case tileGrad:
			tileGradGeneric(&t, &d)
		}
		for k := range to {
			dst[k*dstStride+p] = t[k]
		}
	}
}

func tileInGeneric(t, d *[TilePoints]float32) {
	t[0] = FMA(4, d[0], FMA(-5, d[2], d[4]))
	even, odd := FMA(-4, d[2], d[4]), FMA(-4, d[1], d[3])
	t[1], t[2] = even+odd, even-odd
	even, odd = d[4]-d[2], d[3]-d[1]
	t[3], t[4] = FMA(2, odd, even), FMA(-2, odd, even)
	t[5] = FMA(4, d[1], FMA(-5, d[3], d[5]))
}

func tileOutGeneric(o, m *[TilePoints]float32) {
	near, nearOdd := m[1]+m[2], m[1]-m[2]
	far, farOdd := m[3]+m[4], m[3]-m[4]
	o[0] = (m[0] + near) + far
	o[1] = FMA(2, farOdd, nearOdd)
	o[2] = FMA(4, far, near)
	o[3] = FMA(8, farOdd, nearOdd) + m[5]
}

func tileGradGeneric(t, d *[TilePoints]float32) {
	t[0], t[5] = d[0], d[3]
	even, odd := d[0]+d[2], d[1]+d[3]
	t[1], t[2] = even+odd, even-odd
	even, odd = FMA(4, d[2], d[0]), FMA(4, d[3], d[1])
	t[3], t[4] = FMA(2, odd, even), FMA(-2, odd, even)
}
