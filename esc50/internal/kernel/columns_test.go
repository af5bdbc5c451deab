package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 3, 7, 8, 9, 15, 16} {
		const rows, stride = 11, 19
		y, g := random(r, rows*stride), random(r, rows*stride)
		p := new(ColumnNorm)
		for i, v := range random(r, 6*Lanes) {
			[]*[Lanes]float32{&p.Mean, &p.Scale, &p.Offset, &p.K1, &p.K2, &p.K3}[i/Lanes][i%Lanes] = v
		}
		levels(t, func() []float32 {
			var m, k Moments
			m.AddColumns(y, stride, rows, n)
			k.AddColumnGrads(g, y, p, stride, rows, n)
			out := make([]float32, 2*rows*stride)
			ColumnsNorm(out[:rows*stride], y, p, stride, rows, n)
			ColumnsNormGrad(out[rows*stride:], g, y, p, stride, rows, n)
			for i := range n {
				for _, v := range []float64{m[0][i], m[1][i], k[0][i], k[1][i]} {
					out = append(out, float32(v))
				}
			}
			return out
		})
	}
}
