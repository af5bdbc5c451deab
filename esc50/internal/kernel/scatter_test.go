package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScatterMaxSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	for n := 1; n < 70; n++ {
		places := NewTaps([]int{0, n, 100, 100 + n, 7, 230, 300}[:1+r.IntN(7)])
		src, grad := awkward(r, places.Reach()+n), awkward(r, n)
		for i := range src {
			if r.IntN(3) == 0 { // so that there are equal ones
				src[i] = 1
			}
		}
		levels(t, func() []float32 {
			dst := make([]float32, len(src))
			for range 2 {
				ScatterMax(dst, src, places, grad)
			}
			return dst
		})
	}
}

func TestScatterMaxTakesTheFirst(t *testing.T) {
	nan := float32(math.NaN())
	const n = 18
	for _, c := range []struct {
		values []float32
		first  int
	}{
		{[]float32{1, 1, 1}, 0}, {[]float32{1, 2, 2}, 1}, {[]float32{-3, -2, -1}, 2},
		{[]float32{nan, 5, 6}, 0}, {[]float32{1, nan, 2}, 2}, {[]float32{0, float32(math.Copysign(0, -1)), -1}, 0},
	} {
		src, dst, grad := make([]float32, 3*n), make([]float32, 3*n), make([]float32, n)
		for i := range src {
			src[i], dst[i], grad[i%n] = c.values[i/n], 10, float32(1+i%n)
		}
		ScatterMax(dst, src, NewTaps([]int{0, n, 2 * n}), grad)
		for i, got := range dst {
			want := float32(10)
			if i/n == c.first {
				want += grad[i%n]
			}
			assert.Equal(t, want, got, "%v: %d", c.values, i)
		}
	}
}
