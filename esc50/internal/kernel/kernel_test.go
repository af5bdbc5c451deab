package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// random returns n values of mixed sign and scale.
func random(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(9)-4)))
	}
	return v
}

// levels runs f at each level of this machine and requires equal bits.
func levels(t *testing.T, f func() []float32) {
	t.Helper()
	old := Current()
	defer func() { _, _ = SetLevel(old) }()
	_, err := SetLevel(Generic)
	require.NoError(t, err)
	want := f()
	for _, l := range machine[1:] {
		_, err := SetLevel(l)
		require.NoError(t, err)
		got := f()
		require.Len(t, got, len(want))
		for i := range want {
			if math.Float32bits(want[i]) != math.Float32bits(got[i]) && (want[i] == want[i] || got[i] == got[i]) {
				t.Fatalf("%v: element %d is %v, want %v", l, i, got[i], want[i])
			}
		}
	}
}

func TestFMARoundsOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	exact := func(a, b, c float32) float32 {
		x := new(big.Float).SetPrec(1000).SetFloat64(float64(a))
		x.Mul(x, new(big.Float).SetPrec(1000).SetFloat64(float64(b)))
		x.Add(x, new(big.Float).SetPrec(1000).SetFloat64(float64(c)))
		f, _ := x.Float32()
		return f
	}
	check := func(a, b, c float32) {
		t.Helper()
		if want, got := exact(a, b, c), FMA(a, b, c); want != got {
			t.Fatalf("FMA(%x, %x, %x) = %x, want %x", a, b, c, got, want)
		}
	}
	// A sum just beside the middle of two float32: rounding twice goes wrong.
	check(1+0x1p-23, 0x1p-25*(1-0x1p-23), 1)
	check(0x1.000002p0, 0x1.fffffep-26, 0x1.000002p0)
	for range 200000 {
		a, b := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		e := r.IntN(60) - 30
		c := float32(math.Ldexp(1+float64(r.IntN(1<<23))/(1<<23), e))
		if r.IntN(2) == 0 { // comparable scales
			a = float32(math.Ldexp(1+float64(r.IntN(1<<23))/(1<<23), r.IntN(30)-30))
			b = float32(math.Ldexp(1+float64(r.IntN(4))/4, e-r.IntN(30)))
		}
		if a != a || b != b || math.IsInf(float64(a*b), 0) || math.IsInf(float64(a), 0) || math.IsInf(float64(b), 0) {
			continue
		}
		check(a, b, c)
		check(a, -b, c)
	}
	for range 20000 { // subnormal results
		a := float32(math.Ldexp(1+r.Float64(), -70))
		b := float32(math.Ldexp(1+r.Float64(), -70-r.IntN(12)))
		c := math.Float32frombits(r.Uint32N(1 << 20))
		check(a, b, c)
		check(-a, b, c)
	}
}

func TestConvSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, tiles := range []int{1, 2, 5} {
		taps := NewTaps([]int{0, 1, 2, 53, 54, 55, 300, 301, 17})
		stride := Pixels*tiles + 3
		in := random(r, taps.Reach()+Pixels*tiles)
		w := random(r, Channels*taps.Len())
		levels(t, func() []float32 {
			out := make([]float32, 7*stride+Pixels*tiles)
			Conv(out, stride, in, taps, w, tiles)
			return out
		})
	}
}

func TestWeightsSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, chunks := range []int{1, 3, 10} {
		taps := NewTaps([]int{0, 1, 2, 53, 54, 55, 300, 301, 17, 9, 9, 9})
		stride := Lanes*chunks + 5
		in, dy := random(r, taps.Reach()+Lanes*chunks), random(r, 3*stride+Lanes*chunks)
		levels(t, func() []float32 {
			out := make([]float32, Rows*taps.Len())
			for i := range out {
				out[i] = float32(i)
			}
			Weights(out, dy, stride, in, taps, chunks)
			return out
		})
	}
}

// round returns coarse values, with many ties and zeros.
func round(v []float32) []float32 {
	for i := range v {
		v[i] = float32(math.Round(float64(v[i])))
	}
	return v
}

func TestRowsSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 7, 15, 16, 17, 31, 32, 33, 50, 100, 201} {
		for _, coarse := range []bool{false, true} {
			y, da := random(r, 4*n), random(r, n)
			p := Norm{0.25, 1.5, -0.125, 0.75, -1e-3, 3e-4}
			if coarse {
				y, p = round(y), Norm{0, 1, 0, 1, 0, 0}
				y[0], y[n/2] = float32(math.NaN()), float32(math.Inf(-1))
			}
			levels(t, func() []float32 {
				out := make([]float32, 8*n)
				BNReLU(out[:n], y, &p)
				BNGrad(out[n:2*n], da, y, &p)
				BNReLUPool(out[2*n:3*n], y[:2*n], y[2*n:], &p)
				BNReLUUnpool(out[3*n:5*n], out[5*n:7*n], da, y[:2*n], y[2*n:], &p)
				var m Moments
				m.AddBias(out[7*n:], y, 0.3)
				m.AddGrad(da, y, &p)
				m[0].Add(da)
				for i := range m {
					for _, v := range m[i] {
						out = append(out, float32(v), float32(v-float64(float32(v))))
					}
				}
				return out
			})
		}
	}
}

func TestPointwiseSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, n := range []int{1, 2, 15, 16, 33, 100} {
		x, y := random(r, n), random(r, n)
		levels(t, func() []float32 {
			var out []float32
			for op := Add; op < opCount; op++ {
				for _, xy := range [][2][]float32{{x, y}, {x, y[:1]}, {x[:1], y}} {
					dst := make([]float32, n)
					Binary(op, dst, xy[0], xy[1])
					out = append(out, dst...)
				}
			}
			root := make([]float32, n)
			Binary(Mul, root, x, x)
			Sqrt(root, root)
			return append(out, root...)
		})
	}
}

func TestShortSlicesPanic(t *testing.T) {
	taps := NewTaps([]int{0, 1, 2, 3, 4, 5})
	f := func(n int) []float32 { return make([]float32, n) }
	assert.Panics(t, func() { Conv(f(8*48-1), 48, f(53), taps, f(48), 1) })
	assert.Panics(t, func() { Conv(f(8*48), 48, f(52), taps, f(48), 1) })
	assert.Panics(t, func() { Conv(f(8*48), 48, f(53), taps, f(47), 1) })
	assert.Panics(t, func() { Weights(f(24), f(63), 16, f(21), taps, 1) })
	assert.Panics(t, func() { Weights(f(24), f(64), 16, f(20), taps, 1) })
	assert.Panics(t, func() { BNReLU(f(16), f(15), new(Norm)) })
	assert.Panics(t, func() { BNGrad(f(16), f(16), f(15), new(Norm)) })
	assert.Panics(t, func() { BNReLUPool(f(16), f(32), f(31), new(Norm)) })
	assert.Panics(t, func() { Binary(Add, f(16), f(16), f(2)) })
	assert.Panics(t, func() { NewTaps([]int{-1}) })
}

func BenchmarkConv(b *testing.B) {
	for _, l := range machine[1:] {
		b.Run(l.String(), func(b *testing.B) {
			old, _ := SetLevel(l)
			defer func() { _, _ = SetLevel(old) }()
			var offsets []int
			for c := range 64 {
				for i := range 9 {
					offsets = append(offsets, c*1040+i/3*102+i%3)
				}
			}
			taps := NewTaps(offsets)
			in, w := make([]float32, taps.Reach()+816), make([]float32, 8*576)
			out := make([]float32, 8*816)
			for b.Loop() {
				Conv(out, 816, in, taps, w, 17)
			}
			b.ReportMetric(2*8*816*576*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}

func BenchmarkWeights(b *testing.B) {
	for _, l := range machine[1:] {
		b.Run(l.String(), func(b *testing.B) {
			old, _ := SetLevel(l)
			defer func() { _, _ = SetLevel(old) }()
			var offsets []int
			for c := range 64 {
				for i := range 9 {
					offsets = append(offsets, c*1040+i/3*102+i%3)
				}
			}
			taps := NewTaps(offsets)
			in, dy := make([]float32, taps.Reach()+816), make([]float32, 4*816)
			out := make([]float32, 4*576)
			for b.Loop() {
				Weights(out, dy, 816, in, taps, 51)
			}
			b.ReportMetric(2*4*816*576*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
		})
	}
}
