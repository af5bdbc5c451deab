package dsp_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/reprodl/reprodl/esc50/internal/dsp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// same runs f with and without the assembler and compares the results' bits.
func same(t *testing.T, f func() []float32) {
	if !dsp.Vector() {
		t.Skip("no assembler for this processor")
	}
	bits := func(x []float32) (b []uint32) {
		for _, v := range x {
			b = append(b, math.Float32bits(v))
		}
		return b
	}
	got := bits(f())
	dsp.WithoutVector(func() { assert.Equal(t, bits(f()), got) })
}

func TestVectorSameBits(t *testing.T) {
	t.Run("power", func(t *testing.T) {
		for _, n := range []int{4, 8, 16, 20, 40, 100, 400, 512} {
			same(t, func() []float32 {
				plan, err := dsp.NewPlan(noise(n, 3))
				require.NoError(t, err)
				dst := make([]float32, 4*plan.Bins())
				plan.Power4(dst, noise(4*n, 4), n/2, plan.NewScratch())
				return dst
			})
		}
	})
	t.Run("pcm16", func(t *testing.T) {
		same(t, func() []float32 {
			src, dst := make([]byte, 2*65536+6), make([]float32, 65536+3)
			for i := range dst {
				binary.LittleEndian.PutUint16(src[2*i:], uint16(i*7919))
			}
			dsp.PCM16(dst, src)
			return dst
		})
	})
	t.Run("dot8", func(t *testing.T) {
		for _, n := range []int{4, 8, 68, 72} {
			same(t, func() []float32 {
				taps, x := make([]float64, n), make([]float64, 7*11+n)
				dsp.Widen(taps, noise(n, 5))
				dsp.Widen(x, noise(len(x), 6))
				var out [8]float32
				dsp.Dot8(&out, taps, x, 11)
				return out[:]
			})
		}
	})
	t.Run("bank", func(t *testing.T) {
		same(t, func() []float32 {
			var b dsp.Bank
			for i := range 20 {
				b.Add(i, noise(i%7, uint64(i)))
			}
			dst := make([]float32, 20*9)
			b.Apply(dst, 9, noise(4*40, 8))
			return dst
		})
	})
	t.Run("decibels", func(t *testing.T) {
		same(t, func() []float32 {
			x := powers()
			dsp.Decibels(x)
			return x
		})
	})
}

func powers() []float32 {
	x := []float32{0, math.SmallestNonzeroFloat32, 1e-10, 1, 2, 0.5, math.MaxFloat32, 0.70710677, 0.70710678, 1.4142135, 1.4142136}
	for i := range 3000 {
		x = append(x, math.Float32frombits(uint32(i*700_001)))
	}
	return x
}

func TestDecibels(t *testing.T) {
	both(t, func(t *testing.T) {
		x := powers()
		got := append([]float32(nil), x...)
		dsp.Decibels(got)
		for i, v := range x {
			want := 10 * math.Log10(math.Max(float64(v), float64(float32(1e-10))))
			assert.InDelta(t, want, got[i], 1e-11+math.Abs(want)*6e-8, "%v", v)
		}
	})
}

func TestDot8(t *testing.T) {
	both(t, func(t *testing.T) {
		taps, x := []float64{1, 2, 3, 4}, make([]float64, 20)
		for i := range x {
			x[i] = float64(i)
		}
		var out [8]float32
		dsp.Dot8(&out, taps, x, 2)
		for k, v := range out {
			assert.Equal(t, float32(20+10*2*k), v)
		}
	})
}

func TestBank(t *testing.T) {
	both(t, func(t *testing.T) {
		var b dsp.Bank
		b.Add(1, []float32{1, 10})
		b.Add(0, nil)
		assert.Equal(t, 2, b.Bands())
		dst := make([]float32, 10)
		b.Apply(dst, 6, []float32{9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8})
		assert.Equal(t, []float32{51, 62, 73, 84, 0, 0, 0, 0, 0, 0}, dst)
	})
}
