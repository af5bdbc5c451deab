package esc50_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

func resampleInput(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(float64(i*7919%1000)/500 - 1)
	}
	return x
}

// The values in testdata are torchaudio's; testdata/resample.py wrote them. The
// tolerance is the rounding of its float32 sums.
func TestResampleAgreesWithTorchaudio(t *testing.T) {
	var cases []struct {
		From, To, Len int
		Out           []float64
	}
	text, err := os.ReadFile("testdata/resample.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &cases))
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%d to %d", tc.From, tc.To), func(t *testing.T) {
			r, err := esc50.NewResampler(tc.From, tc.To)
			require.NoError(t, err)
			got := r.Resample(nil, resampleInput(700))
			assert.Len(t, got, tc.Len)
			assert.Equal(t, tc.Len, r.Len(700))
			for i, want := range tc.Out {
				assert.InDelta(t, want, got[i], 2e-6, "sample %d", i)
			}
		})
	}
}

func TestResampleOfAlmostNothing(t *testing.T) {
	r, err := esc50.NewResampler(44_100, 8000)
	require.NoError(t, err)
	assert.Empty(t, r.Resample(nil, nil))
	assert.Len(t, r.Resample(nil, []float32{1}), 1)
	assert.Len(t, r.Resample(make([]float32, 0, 99), make([]float32, 442)), 81)
}

func TestNewResamplerRefuses(t *testing.T) {
	for _, rates := range [][2]int{{0, 8000}, {8000, 0}, {-1, 8000}, {1 << 30, 8000}, {767_999, 766_001}} {
		_, err := esc50.NewResampler(rates[0], rates[1])
		assert.Error(t, err, "%d", rates)
	}
}

func TestFrontEndDoesNotAllocate(t *testing.T) {
	r, err := esc50.NewResampler(44_100, 8000)
	require.NoError(t, err)
	mel, err := esc50.NewMel(esc50.MelConfig{})
	require.NoError(t, err)
	x := resampleInput(5 * 44_100)
	var y, power []float32
	run := func() {
		y = r.Resample(y, x)
		power = mel.LogMel(power, y)
	}
	run()
	assert.LessOrEqual(t, testing.AllocsPerRun(3, run), 1.0, "per clip of 201 frames; the pool may be emptied")
}

func TestMelOfTooFewSamplesPanics(t *testing.T) {
	mel, err := esc50.NewMel(esc50.MelConfig{})
	require.NoError(t, err)
	assert.Panics(t, func() { mel.Power(nil, make([]float32, 200)) })
	assert.Len(t, mel.Power(nil, make([]float32, 201)), 128*2)
}
