package rfft_test

import (
	"math"
	"math/rand/v2"
	"testing"

	dsp "github.com/mjibson/go-dsp/fft"
	"github.com/reprodl/reprodl/esc50/internal/rfft"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/dsp/fourier"
)

func frame(n int) (x, window []float32, product []float64) {
	r := rand.New(rand.NewPCG(1, 1))
	for range n {
		a, w := float32(r.NormFloat64()), float32(r.Float64())
		x, window, product = append(x, a), append(window, w), append(product, float64(a)*float64(w))
	}
	return x, window, product
}

// go-dsp is the reference for every supported length.
func TestPowerAgreesWithGoDSP(t *testing.T) {
	for _, n := range []int{4, 6, 8, 10, 12, 18, 50, 64, 400, 480, 512, 1000, 1024} {
		plan, err := rfft.NewPlan(n)
		require.NoError(t, err)
		x, window, product := frame(n)
		got := make([]float32, plan.Bins())
		plan.Power(got, x, window, plan.NewScratch())
		want := dsp.FFTReal(product)
		for k := range got {
			p := real(want[k])*real(want[k]) + imag(want[k])*imag(want[k])
			assert.InDelta(t, p, float64(got[k]), 1e-7*p+1e-12*float64(n), "n %d bin %d", n, k)
		}
	}
}

func TestPureTone(t *testing.T) {
	plan, err := rfft.NewPlan(400)
	require.NoError(t, err)
	x, window := make([]float32, 400), make([]float32, 400)
	for i := range x {
		x[i], window[i] = float32(math.Cos(2*math.Pi*float64(i)*25/400)), 1
	}
	got := make([]float32, plan.Bins())
	plan.Power(got, x, window, plan.NewScratch())
	for k, p := range got {
		want := 0.0
		if k == 25 {
			want = 200 * 200
		}
		assert.InDelta(t, want, p, 0.01, "bin %d", k)
	}
}

func TestNewPlanRefuses(t *testing.T) {
	for _, n := range []int{-2, 0, 2, 7, 401, 14, 22} {
		_, err := rfft.NewPlan(n)
		assert.Error(t, err, "%d", n)
	}
}

func TestPowerDoesNotAllocate(t *testing.T) {
	plan, err := rfft.NewPlan(400)
	require.NoError(t, err)
	x, window, _ := frame(400)
	dst, s := make([]float32, plan.Bins()), plan.NewScratch()
	assert.Zero(t, testing.AllocsPerRun(10, func() { plan.Power(dst, x, window, s) }))
}

func BenchmarkPower400(b *testing.B) {
	plan, _ := rfft.NewPlan(400)
	x, window, _ := frame(400)
	dst, s := make([]float32, plan.Bins()), plan.NewScratch()
	for b.Loop() {
		plan.Power(dst, x, window, s)
	}
}

func BenchmarkGonum400(b *testing.B) {
	_, _, product := frame(400)
	plan := fourier.NewFFT(400)
	c, dst := make([]complex128, 201), make([]float32, 201)
	for b.Loop() {
		plan.Coefficients(c, product)
		for k, v := range c {
			dst[k] = float32(real(v)*real(v) + imag(v)*imag(v))
		}
	}
}

func BenchmarkGoDSP400(b *testing.B) {
	_, _, product := frame(400)
	dst := make([]float32, 201)
	for b.Loop() {
		for k, v := range dsp.FFTReal(product)[:201] {
			dst[k] = float32(real(v)*real(v) + imag(v)*imag(v))
		}
	}
}
