package dsp_test

import (
	"math"
	"math/rand/v2"
	"testing"

	godsp "github.com/mjibson/go-dsp/fft"
	"github.com/reprodl/reprodl/esc50/internal/dsp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/dsp/fourier"
)

func noise(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// both runs f with the assembler, where there is some, and without.
func both(t *testing.T, f func(t *testing.T)) {
	if dsp.Vector() {
		t.Run("vector", f)
	}
	t.Run("portable", func(t *testing.T) { dsp.WithoutVector(func() { f(t) }) })
}

// go-dsp is the reference for every supported length.
func TestPower4AgreesWithGoDSP(t *testing.T) {
	both(t, func(t *testing.T) {
		for _, n := range []int{4, 6, 8, 10, 12, 16, 18, 20, 40, 50, 64, 400, 480, 512, 1000, 1024} {
			window := noise(n, 7)
			plan, err := dsp.NewPlan(window)
			require.NoError(t, err)
			hop := n/2 + 1
			x := noise(3*hop+n, 1)
			got := make([]float32, 4*plan.Bins())
			plan.Power4(got, x, hop, plan.NewScratch())
			for l := range 4 {
				frame := make([]float64, n)
				for i := range frame {
					frame[i] = float64(x[l*hop+i]) * float64(window[i])
				}
				want := godsp.FFTReal(frame)
				for k := range plan.Bins() {
					p := real(want[k])*real(want[k]) + imag(want[k])*imag(want[k])
					assert.InDelta(t, p, float64(got[4*k+l]), 1e-7*p+1e-12*float64(n), "n %d frame %d bin %d", n, l, k)
				}
			}
		}
	})
}

func TestPower4PureTone(t *testing.T) {
	window, x := make([]float32, 400), make([]float32, 1000)
	for i := range x {
		x[i] = float32(math.Cos(2 * math.Pi * float64(i) * 25 / 400))
	}
	for i := range window {
		window[i] = 1
	}
	plan, err := dsp.NewPlan(window)
	require.NoError(t, err)
	both(t, func(t *testing.T) {
		got := make([]float32, 4*plan.Bins())
		plan.Power4(got, x, 200, plan.NewScratch())
		for i, p := range got {
			want := 0.0
			if i/4 == 25 {
				want = 200 * 200
			}
			assert.InDelta(t, want, p, 0.01, "bin %d", i/4)
		}
	})
}

func TestNewPlanRefuses(t *testing.T) {
	for _, n := range []int{0, 2, 7, 401, 14, 22} {
		_, err := dsp.NewPlan(make([]float32, n))
		assert.Error(t, err, "%d", n)
	}
}

func TestPower4DoesNotAllocate(t *testing.T) {
	plan, err := dsp.NewPlan(noise(400, 7))
	require.NoError(t, err)
	x, dst, s := noise(1000, 1), make([]float32, 4*plan.Bins()), plan.NewScratch()
	assert.Zero(t, testing.AllocsPerRun(10, func() { plan.Power4(dst, x, 200, s) }))
}

// The time is of four frames, as in the other benchmarks.
func BenchmarkPower4(b *testing.B) {
	plan, _ := dsp.NewPlan(noise(400, 7))
	x, dst, s := noise(1000, 1), make([]float32, 4*plan.Bins()), plan.NewScratch()
	for b.Loop() {
		plan.Power4(dst, x, 200, s)
	}
}

func BenchmarkPower4Portable(b *testing.B) {
	dsp.WithoutVector(func() { BenchmarkPower4(b) })
}

func product() []float64 {
	p := make([]float64, 400)
	dsp.Widen(p, noise(400, 1))
	return p
}

func BenchmarkGonum4(b *testing.B) {
	x, plan := product(), fourier.NewFFT(400)
	c, dst := make([]complex128, 201), make([]float32, 201)
	for b.Loop() {
		for range 4 {
			plan.Coefficients(c, x)
			for k, v := range c {
				dst[k] = float32(real(v)*real(v) + imag(v)*imag(v))
			}
		}
	}
}

func BenchmarkGoDSP4(b *testing.B) {
	x, dst := product(), make([]float32, 201)
	for b.Loop() {
		for range 4 {
			for k, v := range godsp.FFTReal(x)[:201] {
				dst[k] = float32(real(v)*real(v) + imag(v)*imag(v))
			}
		}
	}
}
