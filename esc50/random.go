package esc50

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// random is a stream of random numbers. Streams are named by the seed, what
// they are for and any number of indices (epoch, clip), not drawn from one
// another: so the numbers for clip 7 in epoch 3 are the same whether or not the
// training was interrupted, and whoever computes them.
//
// Only the PCG generator is taken from the standard library; everything made
// of its numbers is here, where no new Go version changes it.
type random struct{ pcg rand.PCG }

func newRandom(seed int64, purpose string, index ...int) *random {
	h := fnv.New64a()
	h.Write([]byte(purpose))
	key := h.Sum64()
	for _, i := range index {
		key = mix(key ^ mix(uint64(i)+0x9e3779b97f4a7c15))
	}
	r := new(random)
	r.pcg.Seed(uint64(seed), key)
	return r
}

// mix is the finisher of splitmix64: a bijection that spreads every bit.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// float is uniform in [0, 1), a multiple of 2^-53.
func (r *random) float() float64 { return float64(r.pcg.Uint64()>>11) * 0x1p-53 }

// between is uniform in [a, b).
func (r *random) between(a, b float64) float64 { return a + float64((b-a)*r.float()) }

// intN is uniform in [0, n), n >= 1. The bias is below n/2^64.
func (r *random) intN(n int) int { return int(r.pcg.Uint64() % uint64(n)) }

// shuffle permutes x.
func (r *random) shuffle(x []int) {
	for i := len(x) - 1; i > 0; i-- {
		j := r.intN(i + 1)
		x[i], x[j] = x[j], x[i]
	}
}

// normal has mean 0 and variance 1 (Box-Muller).
func (r *random) normal() float64 {
	u, v := 1-r.float(), r.float()
	return float64(math.Sqrt(-2*detmath.Log(u)) * detmath.CosPi(2*v))
}

// gamma has shape a > 0 and scale 1 (Marsaglia and Tsang, with the boost for
// a < 1).
func (r *random) gamma(a float64) float64 {
	if a < 1 {
		u := 1 - r.float()
		return float64(r.gamma(a+1) * detmath.Exp(detmath.Log(u)/a))
	}
	d := a - 1./3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.normal()
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = float64(v * v * v)
		u := 1 - r.float()
		if detmath.Log(u) < float64(0.5*x*x)+float64(d*float64(1-v+detmath.Log(v))) {
			return float64(d * v)
		}
	}
}

// beta is Beta(a, a), the mixing weight of mixup.
func (r *random) beta(a float64) float64 {
	x, y := r.gamma(a), r.gamma(a)
	if x+y == 0 {
		return 0.5
	}
	return x / (x + y)
}
