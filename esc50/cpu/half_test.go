package cpu

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestToFloat16 has all numbers, and those half way between two and around it.
func TestToFloat16(t *testing.T) {
	value := func(bits int) float64 {
		m, e := bits&0x3ff, bits>>10&0x1f
		if e == 0 {
			return math.Ldexp(float64(m), -24)
		}
		return math.Ldexp(float64(m|0x400), e-25)
	}
	for bits := range 0x7c00 {
		v := float32(value(bits))
		require.Equal(t, v, float16.Float16(bits).Float32())
		middle := float32((value(bits) + value(bits+1)) / 2)
		even := bits + bits&1
		for _, c := range []struct {
			x    float32
			want int
		}{
			{v, bits},
			{middle, even},
			{math.Nextafter32(middle, 0), bits},
			{math.Nextafter32(middle, math.MaxFloat32), bits + 1},
		} {
			require.Equal(t, float16.Float16(c.want), toFloat16(c.x), "%v", c.x)
			require.Equal(t, float16.Float16(c.want|0x8000), toFloat16(float32(math.Copysign(float64(c.x), -1))), "-%v", c.x)
		}
	}
}

// TestToHalfKeepsNaN has a payload in the bits that are cut off.
func TestToHalfKeepsNaN(t *testing.T) {
	for _, bits := range []uint32{0x7f800001, 0x7fc00000, 0xff800001, 0xffc12345} {
		x := math.Float32frombits(bits)
		assert.True(t, math.IsNaN(float64(toFloat16(x).Float32())), "%x", bits)
		assert.True(t, math.IsNaN(float64(toBFloat16(x).Float32())), "%x", bits)
	}
	assert.Equal(t, bfloat16.FromFloat32(1.5), toBFloat16(1.5))
}
