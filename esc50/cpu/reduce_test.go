package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/stretchr/testify/assert"
)

// TestExtremes compares maxima and minima of long runs with those taken one by
// one, with zeros of both signs and what is not a number among them.
func TestExtremes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	x := &run{workers: 1, crew: newCrew(1)}
	for _, n := range []int{1, 16, 31, 32, 33, 47, 100, 511, 512, 513, 1100} {
		for round := range 20 {
			src := make([]float32, 3*n)
			for i := range src {
				src[i] = float32(random.NormFloat64())
				if round%2 == 1 {
					src[i] = float32(math.Copysign(0, float64(src[i])))
				}
			}
			if round%5 == 4 {
				src[random.IntN(len(src))] = float32(math.NaN())
			}
			for op, f := range map[compute.OpType]func(a, b float32) float32{
				compute.OpTypeReduceMax: func(a, b float32) float32 { return max(a, b) },
				compute.OpTypeReduceMin: func(a, b float32) float32 { return min(a, b) },
			} {
				got := make([]float32, 3)
				reduceOn(op, dtypes.Float32)(x, newReduction([]int{3, n}, []int{1}), got, src)
				for i, v := range got {
					want := src[i*n]
					for _, w := range src[i*n : (i+1)*n] {
						want = f(want, w)
					}
					if want != want {
						assert.True(t, v != v, "%v of %d", op, n)
						continue
					}
					assert.Equal(t, math.Float32bits(want), math.Float32bits(v), "%v of %d", op, n)
				}
			}
		}
	}
}
