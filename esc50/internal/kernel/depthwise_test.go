package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDepthwiseSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	for channels := 1; channels < 70; channels++ {
		for _, n := range []int{1, 3, 4, 9} {
			places := make([]int, n)
			for i := range places {
				places[i] = r.IntN(500)
			}
			pixels := NewTaps(places)
			taps := NewTaps([]int{0, channels, 100, 101, 7, 230, 300}[:1+r.IntN(7)])
			in := awkward(r, pixels.Reach()+taps.Reach()+channels)
			w, grad := awkward(r, taps.Len()*channels), awkward(r, n*channels)
			levels(t, func() []float32 {
				out := make([]float32, n*channels)
				Depthwise(out, in, pixels, taps, n, channels, w)
				sums := append([]float32(nil), w...)
				DepthwiseGrad(sums, in, pixels, taps, n, channels, grad)
				return append(out, sums...)
			})
		}
	}
}

func TestDepthwiseIsItsDefinition(t *testing.T) {
	const channels, n = 19, 5
	pixels, taps := NewTaps([]int{0, 19, 38, 190, 209}), NewTaps([]int{0, 19, 95})
	r := rand.New(rand.NewPCG(21, 22))
	in, w, grad := random(r, 209+95+channels), random(r, 3*channels), random(r, n*channels)
	out, sums := make([]float32, n*channels), make([]float32, 3*channels)
	Depthwise(out, in, pixels, taps, n, channels, w)
	DepthwiseGrad(sums, in, pixels, taps, n, channels, grad)
	at := func(p, t, c int) float32 { return in[[]int{0, 19, 38, 190, 209}[p]+[]int{0, 19, 95}[t]+c] }
	for c := range channels {
		for p := range n {
			var want float32
			for k := range 3 {
				want = FMA(at(p, k, c), w[k*channels+c], want)
			}
			assert.Equal(t, want, out[p*channels+c])
		}
		for k := range 3 {
			var want float32
			for p := range n {
				want = FMA(at(p, k, c), grad[p*channels+c], want)
			}
			assert.Equal(t, want, sums[k*channels+c])
		}
	}
}
