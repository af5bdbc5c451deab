package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestProduct compares every level with the definition, to the bit, on tiles of
// all widths and heights, in two halves of the depth.
func TestProduct(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, width := range []int{1, 10, 16, 17, 32, 64, 80, 96, 112, 130} {
		for _, high := range []int{1, 2, 3, 4, 5, 6, 7, 8, 10, 13, 32, 40} {
			const depth = 37
			o := operands(r, width, high, depth)
			want := make([]float32, high*(width+3))
			for i := range high {
				for j := range width {
					var sum float32
					for k := range depth {
						sum = FMA(o.A[(o.Rows.bytes[i]+o.Depth.bytes[k])/4], o.B[j/Panel*o.Apart+Panel*k+j%Panel], sum)
					}
					want[i*(width+3)+j] = sum
				}
			}
			for _, l := range machine {
				old, err := SetLevel(l)
				require.NoError(t, err)
				got := make([]float32, len(want))
				o.Product(got, width+3, width, 0, high, 0, 20, false)
				o.Product(got, width+3, width, 0, high, 20, depth, true)
				_, _ = SetLevel(old)
				assert.Equal(t, want, got, "%v: %d by %d", l, high, width)
			}
		}
	}
}

// operands are operands whose rows and depths lie anywhere.
func operands(r *rand.Rand, width, high, depth int) *Operands {
	o := &Operands{A: make([]float32, 500), Apart: Panel*depth + 16, B: make([]float32, (width+Panel-1)/Panel*(Panel*depth+16))}
	for i := range o.A {
		o.A[i] = r.Float32() - 0.5
	}
	for i := range o.B {
		o.B[i] = r.Float32() - 0.5
	}
	places := func(n, most int) *Taps {
		at := make([]int, n)
		for i := range at {
			at[i] = r.IntN(most)
		}
		return NewTaps(at)
	}
	o.Rows, o.Depth = places(high, 200), places(depth, 300)
	return o
}

// BenchmarkProduct multiplies so many rows with 256 columns, 256 deep, which is
// what lies in the second-level cache.
func BenchmarkProduct(b *testing.B) {
	const width, n = 256, 256
	r := rand.New(rand.NewPCG(3, 4))
	for _, high := range []int{96, 66, 32, 10, 7, 2, 1} {
		for _, l := range machine[1:] {
			b.Run(fmt.Sprintf("%d/%v", high, l), func(b *testing.B) {
				old, err := SetLevel(l)
				require.NoError(b, err)
				defer func() { _, _ = SetLevel(old) }()
				o := operands(r, width, high, n)
				o.A = make([]float32, high*n)
				rows, depth := make([]int, high), make([]int, n)
				for i := range rows {
					rows[i] = i * n
				}
				for i := range depth {
					depth[i] = i
				}
				o.Rows, o.Depth = NewTaps(rows), NewTaps(depth)
				c := make([]float32, high*width)
				for b.Loop() {
					o.Product(c, width, width, 0, high, 0, n, false)
				}
				b.ReportMetric(float64(high*width*n)/(b.Elapsed().Seconds()/float64(b.N))/1e9, "GFMA/s")
			})
		}
	}
}
