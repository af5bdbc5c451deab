package detmath_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/stretchr/testify/assert"
)

// near reports whether got is within n units in the last place of want, or
// within 4e-15 in absolute terms, the rounding of π*x in the reference.
func near(got, want, n float64) bool {
	d := math.Abs(got - want)
	return d <= 4e-15 || d <= n*math.Abs(want)*0x1p-52
}

func TestAgreesWithMath(t *testing.T) {
	for i := -4000; i <= 4000; i++ {
		x := float64(i) * 0.00173
		assert.True(t, near(detmath.SinPi(x), math.Sin(math.Pi*x), 64), "SinPi(%v) = %v", x, detmath.SinPi(x))
		assert.True(t, near(detmath.CosPi(x), math.Cos(math.Pi*x), 64), "CosPi(%v) = %v", x, detmath.CosPi(x))
		assert.True(t, near(detmath.Exp(20*x), math.Exp(20*x), 2), "Exp(%v)", 20*x)
		assert.True(t, near(detmath.Exp10(x), math.Pow(10, x), 16), "Exp10(%v)", x)
		y := math.Exp(5 * x)
		assert.True(t, near(detmath.Log(y), math.Log(y), 2), "Log(%v)", y)
		assert.True(t, near(detmath.Log10(y), math.Log10(y), 3), "Log10(%v)", y)
	}
}

func TestSpecialValues(t *testing.T) {
	assert.Equal(t, 0.0, detmath.SinPi(0))
	assert.Equal(t, 1.0, detmath.SinPi(0.5))
	assert.Equal(t, 0.0, detmath.SinPi(1e9))
	assert.Equal(t, -1.0, detmath.CosPi(1))
	assert.Equal(t, 0.0, detmath.CosPi(0.5))
	assert.True(t, math.IsNaN(detmath.SinPi(math.Inf(1))))
	assert.Equal(t, 1.0, detmath.Exp(0))
	assert.True(t, math.IsInf(detmath.Exp(710), 1))
	assert.Equal(t, 0.0, detmath.Exp(-800))
	assert.True(t, math.IsNaN(detmath.Exp(math.NaN())))
	assert.Equal(t, 0.0, detmath.Log(1))
	assert.True(t, math.IsInf(detmath.Log(0), -1))
	assert.True(t, math.IsNaN(detmath.Log(-1)))
	assert.True(t, math.IsInf(detmath.Log(math.Inf(1)), 1))
}

// TestSameBits pins every function's bits: the constant is the same on amd64
// and, under qemu, on arm64.
func TestSameBits(t *testing.T) {
	h := sha256.New()
	put := func(v float64) { _ = binary.Write(h, binary.LittleEndian, math.Float64bits(v)) }
	for i := -3000; i <= 3000; i++ {
		x := float64(i) * 0.0037
		for _, f := range []func(float64) float64{detmath.SinPi, detmath.CosPi, detmath.Exp, detmath.Exp10} {
			put(f(x))
		}
		put(detmath.Log(float64(i*i) + 0.3))
		put(detmath.Log10(float64(i*i) + 0.3))
	}
	assert.Equal(t, "b88af668a03e5cdf", fmt.Sprintf("%x", h.Sum(nil))[:16])
}
