package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// tiled are the three transformations and their numbers of rows.
var tiled = []struct {
	do       func(dst []float32, dstStride int, src []float32, srcStride, n int)
	to, from int
}{{TileIn, 6, 6}, {TileOut, 4, 6}, {TileGrad, 6, 4}}

func TestTilesSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, n := range []int{1, 7, 15, 16, 17, 31, 33, 100, 203} {
		for _, tr := range tiled {
			src := random(r, tr.from*(n+3))
			levels(t, func() []float32 {
				dst := make([]float32, tr.to*(n+5))
				tr.do(dst, n+5, src, n+3, n)
				return dst
			})
		}
	}
}

// TestTilesFilter checks the whole of F(4,3) against a filter of three taps,
// and the gradients against their definitions.
func TestTilesFilter(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	const n = 20
	for range 50 {
		d, dy, g := random(r, 6*n), random(r, 4*n), random(r, 3)
		taps := [3]float32(g)
		var points, grads [6 * n]float32
		TileIn(points[:], n, d, n, n)
		TileGrad(grads[:], n, dy, n, n)
		filter := TileFilter(taps)
		var products [6 * n]float32
		var sums [6]float32
		for i := range 6 {
			for p := range n {
				products[i*n+p] = points[i*n+p] * filter[i]
				sums[i] += points[i*n+p] * grads[i*n+p]
			}
		}
		var out [4 * n]float32
		TileOut(out[:], n, products[:], n, n)
		for row := range 4 {
			for p := range n {
				want, size := 0.0, 0.0
				for k := range 3 {
					want += float64(d[(row+k)*n+p]) * float64(g[k])
				}
				for k := range 6 {
					size = max(size, math.Abs(float64(d[k*n+p])))
				}
				assert.InDelta(t, want, out[row*n+p], 1e-5*size*float64(max(abs(g[0]), abs(g[1]), abs(g[2]))))
			}
		}
		for k, got := range TileFilterGrad(sums) {
			want, size := 0.0, 0.0
			for row := range 4 {
				for p := range n {
					v := float64(d[(row+k)*n+p]) * float64(dy[row*n+p])
					want, size = want+v, size+math.Abs(v)
				}
			}
			assert.InDelta(t, want, got, 1e-5*size)
		}
	}
}

func abs(v float32) float32 { return float32(math.Abs(float64(v))) }

func TestTilesShortSlicesPanic(t *testing.T) {
	f := func(n int) []float32 { return make([]float32, n) }
	for _, tr := range tiled {
		assert.Panics(t, func() { tr.do(f(tr.to*20-1), 20, f(tr.from*20), 20, 20) })
		assert.Panics(t, func() { tr.do(f(tr.to*20), 20, f(tr.from*20-1), 20, 20) })
		assert.Panics(t, func() { tr.do(f(tr.to*20), 19, f(tr.from*20), 20, 20) }, "rows overlap")
	}
}
