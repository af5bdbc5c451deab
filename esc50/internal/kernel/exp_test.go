package kernel

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unaries are the functions with their peers of package math.
var unaries = []struct {
	name string
	do   func(dst, x []float32)
	want func(x float64) float64
}{
	{"exp", Exp, math.Exp},
	{"logistic", Logistic, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	{"tanh", Tanh, math.Tanh},
	{"log", Log, math.Log},
	{"sin", Sin, math.Sin},
	{"cos", Cos, math.Cos},
}

// exponents are numbers on which the functions turn: around the halves of the
// reduction, the bounds, zero, and what is no number.
func exponents() []float32 {
	var x []float32
	around := func(v float64) {
		f := float32(v)
		for _, to := range []float32{float32(math.Inf(-1)), float32(math.Inf(1))} {
			for i, g := 0, f; i < 4; i++ {
				x = append(x, g, -g)
				g = math.Nextafter32(g, to)
			}
		}
	}
	for k := range 300 {
		around((float64(k) + 0.5) * math.Ln2)
		around((float64(k) + 0.5) * math.Ln2 / 2)
	}
	for k := range 60 {
		around(float64(k) * math.Pi / 8)
	}
	for e := -150; e < 128; e++ { // and powers of two and of their roots
		around(math.Ldexp(1, e))
		around(math.Ldexp(math.Sqrt2, e))
	}
	for _, v := range []float64{0, 0x1p-149, 0x1p-126, 0x1p-30, 0x1p-12, 0x1p-13, 9, 20, 87.33654, 88.72284, 103.97208, 200, 745, 1e10, math.MaxFloat32, math.Inf(1)} {
		around(v)
	}
	for _, bits := range []uint32{0x7fc00000, 0xffc00000, 0x7fc12345, 0xffe54321} {
		x = append(x, math.Float32frombits(bits))
	}
	return x
}

// TestExpSameBits compares the levels bit for bit, payloads of what is not a
// number too, in place and not.
func TestExpSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	x := exponents()
	for range 20000 {
		x = append(x, math.Float32frombits(r.Uint32()), float32(r.NormFloat64()), float32(40*r.NormFloat64()))
	}
	old := Current()
	defer func() { _, _ = SetLevel(old) }()
	for _, u := range unaries {
		_, err := SetLevel(Generic)
		require.NoError(t, err)
		want := make([]float32, len(x))
		u.do(want, x)
		for _, l := range machine[1:] {
			_, err := SetLevel(l)
			require.NoError(t, err)
			got := append([]float32(nil), x...)
			for lo, n := 0, 1; lo < len(x); lo, n = lo+n, n%67+1 {
				hi := min(len(x), lo+n)
				u.do(got[lo:hi], got[lo:hi])
			}
			for i := range x {
				if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
					t.Fatalf("%s, %v: of %x (%x) %x, want %x", u.name, l, x[i], math.Float32bits(x[i]), math.Float32bits(got[i]), math.Float32bits(want[i]))
				}
			}
		}
	}
}

// TestExpIsExact holds the kernels against package math, to less than a unit
// in the last place.
func TestExpIsExact(t *testing.T) {
	x := exponents()
	got := make([]float32, len(x))
	for _, u := range unaries {
		u.do(got, x)
		for i, v := range x {
			want := u.want(float64(v))
			if want != want {
				assert.True(t, got[i] != got[i])
				continue
			}
			if math.Abs(want) < math.MaxFloat32 {
				ulp := float64(math.Nextafter32(float32(math.Abs(want)), float32(math.Inf(1)))) - math.Abs(float64(float32(want)))
				most := 0.501 * ulp
				if u.name == "sin" || u.name == "cos" { // π has as many bits as it has
					most += 0x1p-52 * math.Abs(float64(v))
				}
				assert.LessOrEqual(t, math.Abs(float64(got[i])-want), most, "%s of %v: %v, want %v", u.name, v, got[i], want)
			} else {
				assert.Equal(t, float32(want), got[i], "%s of %v", u.name, v)
			}
		}
	}
}

func BenchmarkExp(b *testing.B) {
	x, dst := make([]float32, 1024), make([]float32, 1024)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for _, u := range unaries {
		for _, l := range machine {
			b.Run(u.name+"/"+l.String(), func(b *testing.B) {
				old, _ := SetLevel(l)
				defer func() { _, _ = SetLevel(old) }()
				b.SetBytes(4096)
				for b.Loop() {
					u.do(dst, x)
				}
			})
		}
	}
}
