package kernel

import (
	"math"
	"testing"
)

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
		out := make([]float32, 3*len(x))
		Binary(Max, out[:len(x)], x, y)
		Binary(Min, out[len(x):2*len(x)], x, y)
		Sign(out[2*len(x):], x)
		return out
	})
}
