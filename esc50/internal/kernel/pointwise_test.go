package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFromUint32 converts numbers that are halfway between two, and the largest.
func TestFromUint32(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var x []uint32
	for i := range 4000 {
		x = append(x, r.Uint32()>>(i%32), 1<<(i%32), 1<<(i%32)-1, (r.Uint32()|1<<24)&^0x7f|0x80, ^uint32(i))
	}
	levels(t, func() []float32 {
		out := make([]float32, len(x))
		FromUint32(out, x)
		for i, v := range x {
			require.Equal(t, float32(v), out[i], "%d", v)
		}
		return out
	})
}

// TestExtremes has the pairs on which processors' instructions differ.
func TestExtremes(t *testing.T) {
	inf, nan, zero := float32(math.Inf(1)), float32(math.NaN()), float32(math.Copysign(0, -1))
	special := []float32{0, zero, 1, -1, inf, -inf, nan, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}
	var x, y []float32
	for _, a := range special {
		for _, b := range special {
			x, y = append(x, a), append(y, b)
		}
	}
	levels(t, func() []float32 {
		out := make([]float32, 5*len(x))
		Binary(Max, out[:len(x)], x, y)
		Binary(Min, out[len(x):2*len(x)], x, y)
		for i, f := range []func(dst, x []float32){Sign, Abs, Neg} {
			f(out[(2+i)*len(x):][:len(x)], x)
		}
		return out
	})
}
