package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// awkward returns zeros of both signs, subnormals, and values of all scales
// whose products and sums stay finite.
func awkward(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		sign := r.Uint32() << 31
		switch r.IntN(4) {
		case 0:
			v[i] = math.Float32frombits(sign)
		case 1:
			v[i] = math.Float32frombits(sign | r.Uint32N(1<<23))
		case 2:
			v[i] = math.Float32frombits(sign | (0x3f800000 - 80<<23) | r.Uint32N(130<<23))
		default:
			v[i] = float32(r.NormFloat64())
		}
	}
	return v
}

func TestAwkwardTilesSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	taps := NewTaps([]int{0, 1, 2, 53, 54, 55, 300, 301, 17, 9, 9, 9})
	for range 20 {
		const chunks, tiles = 7, 3
		in := awkward(r, taps.Reach()+Pixels*tiles)
		w, dy := awkward(r, Channels*taps.Len()), awkward(r, Rows*Lanes*chunks)
		sums := awkward(r, Rows*taps.Len())
		levels(t, func() []float32 {
			out := make([]float32, Channels*Pixels*tiles)
			Conv(out, Pixels*tiles, in, taps, w, tiles)
			dw := append([]float32(nil), sums...)
			Weights(dw, dy, Lanes*chunks, in, taps, chunks)
			return append(out, dw...)
		})
	}
}

func TestAwkwardRowsSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for n := 1; n < 100; n++ {
		y, da, p := awkward(r, 4*n), awkward(r, n), awkward(r, 6)
		for _, norm := range []Norm{{p[0], p[1], p[2], p[3], p[4], p[5]}, {Scale: 1, K1: 1}} {
			levels(t, func() []float32 {
				out := make([]float32, 8*n)
				BNReLU(out[:n], y, &norm)
				BNGrad(out[n:2*n], da, y, &norm)
				BNReLUPool(out[2*n:3*n], y[:2*n], y[2*n:], &norm)
				BNReLUUnpool(out[3*n:5*n], out[5*n:7*n], da, y[:2*n], y[2*n:], &norm)
				var m Moments
				m.AddBias(out[7*n:], y, p[0])
				m.AddGrad(da, y, &norm)
				m[0].Add(da)
				return append(out, words(m)...)
			})
		}
	}
}

// words returns the bits of the accumulators, in three floats for each.
func words(m Moments) []float32 {
	var v []float32
	for _, s := range m {
		for _, x := range s {
			bits := math.Float64bits(x)
			v = append(v, float32(bits>>48), float32(bits>>24&0xffffff), float32(bits&0xffffff))
		}
	}
	return v
}

// TestAnyBitsPointwise has infinities and what is not a number among them.
func TestAnyBitsPointwise(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for n := 1; n < 100; n++ {
		x, y := awkward(r, n), make([]float32, n)
		for i := range y {
			y[i] = math.Float32frombits(r.Uint32())
		}
		levels(t, func() []float32 {
			var out []float32
			for op := Add; op < opCount; op++ {
				for _, xy := range [][2][]float32{{x, y}, {y, x}, {x, y[:1]}, {x[:1], y}} {
					dst := append([]float32(nil), xy[0]...)
					if len(dst) == n { // in place
						Binary(op, dst, dst, xy[1])
					} else {
						dst = append([]float32(nil), y...)
						Binary(op, dst, xy[0], dst)
					}
					out = append(out, dst...)
				}
			}
			roots := make([]float32, 2*n)
			Sqrt(roots[:n], x)
			Sqrt(roots[n:], y)
			return append(out, roots...)
		})
	}
}
