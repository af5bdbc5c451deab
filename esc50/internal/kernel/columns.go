package kernel

import "math"

// ColumnNorm are the parameters of [Norm] for sixteen channels that are columns.
type ColumnNorm struct {
	Mean, Scale, Offset, K1, K2, K3 [Lanes]float32
}

// columnFuncs are the kernels over columns, strides in bytes.
type columnFuncs struct {
	moments  func(acc *Moments, x *float32, stride, rows, n int)
	grads    func(acc *Moments, g, y *float32, p *ColumnNorm, stride, rows, n int)
	norm     func(dst, y *float32, p *ColumnNorm, stride, rows, n int)
	normGrad func(dst, g, y *float32, p *ColumnNorm, stride, rows, n int)
}

// reach is the number of elements that so many rows of n columns take.
func reach(stride, rows, n int) int { return (rows-1)*stride + n }

// AddColumns adds, for n columns of so many rows a stride apart, the elements
// and their squares to m, a lane a column.
func (m *Moments) AddColumns(x []float32, stride, rows, n int) {
	if rows == 0 {
		return
	}
	need(len(x), reach(stride, rows, n))
	if f := columns(n); f != nil {
		f.moments(m, &x[0], 4*stride, rows, n)
		return
	}
	for r := range rows {
		for i, v := range x[r*stride:][:n] {
			m[0][i] += float64(v)
			m[1][i] = math.FMA(float64(v), float64(v), m[1][i])
		}
	}
}

// AddColumnGrads adds, likewise, g and g*(y-Mean).
func (m *Moments) AddColumnGrads(g, y []float32, p *ColumnNorm, stride, rows, n int) {
	if rows == 0 {
		return
	}
	need(min(len(g), len(y)), reach(stride, rows, n))
	if f := columns(n); f != nil {
		f.grads(m, &g[0], &y[0], p, 4*stride, rows, n)
		return
	}
	for r := range rows {
		for i, v := range g[r*stride:][:n] {
			m[0][i] += float64(v)
			m[1][i] = math.FMA(float64(v), float64(y[r*stride+i]-p.Mean[i]), m[1][i])
		}
	}
}

// ColumnsNorm sets dst to y normalised, column by column.
func ColumnsNorm(dst, y []float32, p *ColumnNorm, stride, rows, n int) {
	if rows == 0 {
		return
	}
	need(min(len(dst), len(y)), reach(stride, rows, n))
	if f := columns(n); f != nil {
		f.norm(&dst[0], &y[0], p, 4*stride, rows, n)
		return
	}
	for r := range rows {
		for i, v := range y[r*stride:][:n] {
			dst[r*stride+i] = FMA(v-p.Mean[i], p.Scale[i], p.Offset[i])
		}
	}
}

// ColumnsNormGrad sets dst to the gradient of y given that of the normalised
// value.
func ColumnsNormGrad(dst, g, y []float32, p *ColumnNorm, stride, rows, n int) {
	if rows == 0 {
		return
	}
	need(min(len(dst), len(g), len(y)), reach(stride, rows, n))
	if f := columns(n); f != nil {
		f.normGrad(&dst[0], &g[0], &y[0], p, 4*stride, rows, n)
		return
	}
	for r := range rows {
		for i, v := range y[r*stride:][:n] {
			dst[r*stride+i] = FMA(g[r*stride+i], p.K1[i], FMA(v-p.Mean[i], p.K2[i], p.K3[i]))
		}
	}
}
