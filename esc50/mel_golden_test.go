package esc50

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/reprodl/reprodl/esc50/internal/npy"
	"github.com/reprodl/reprodl/internal/golden"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// esc10 returns the directory of the real clips: REPRODL_ESC10, or that beside
// the golden cases or the repository. Without them it skips the test, or fails
// it in CI.
func esc10(t testing.TB) string {
	candidates := []string{os.Getenv("REPRODL_ESC10"), filepath.Join("..", "..", "shared", "esc10")}
	if dir := os.Getenv("REPRODL_GOLDEN"); dir != "" {
		candidates = append(candidates, filepath.Join(dir, "..", "esc10"))
	}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, "meta", "esc50.csv")); dir != "" && err == nil {
			return dir
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no ESC-10 clips in %q", candidates)
	}
	t.Skipf("no ESC-10 clips in %q (set REPRODL_ESC10)", candidates)
	return ""
}

// TestGoldenMel compares every stage with torchaudio 2.11's on real clips.
//
// torchaudio computes in float32 and we in float64 from the same tables, so
// that the difference is torchaudio's rounding noise: a constant part of a
// frame's loudest bin, whatever the cell. A cell's bound is therefore 1e-5 of
// its power plus noise of 3e-7 of the clip's loudest cell; in decibels 1e-3
// within 50 dB of the loudest cell, and 1e-2 for quieter ones.
func TestGoldenMel(t *testing.T) {
	dir := golden.Dir(t, "mel")
	clips := esc10(t)
	paths, err := filepath.Glob(filepath.Join(dir, "*.melpower.npy"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	mel, err := NewMel(MelConfig{})
	require.NoError(t, err)
	var all reached
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".melpower.npy")
		t.Run(name, func(t *testing.T) {
			read := func(stage string) []float32 {
				a, err := npy.ReadFile(filepath.Join(dir, name+"."+stage+".npy"))
				require.NoError(t, err)
				return a.Float32()
			}
			file, err := os.Open(filepath.Join(clips, "audio", name+".wav"))
			require.NoError(t, err)
			defer file.Close()
			x, rate, err := ReadWAV(file)
			require.NoError(t, err)
			r, err := NewResampler(rate, 8000)
			require.NoError(t, err)
			y := r.Resample(nil, x)
			all.samples(t, y, read("resampled"))
			all.power(t, mel.Power(nil, y), read("melpower"))
			all.decibels(t, mel.LogMel(nil, y), read("meldb"))
		})
	}
	t.Logf("largest differences over %d clips: samples %.2g; power %.2g of the clip's largest; power of a cell within 40 dB of it %.2g, median over all cells %.2g; decibels %.2g within 50 dB, %.2g below, %d of %d cells over 1e-3",
		len(paths), all.sample, all.peakPower, all.cellPower, all.median(), all.db, all.quietDB, all.over, len(all.rel))
}

// reached collects the largest differences.
type reached struct {
	sample, peakPower, cellPower, db, quietDB float64
	rel                                       []float64
	over                                      int
}

func (r *reached) samples(t *testing.T, got, want []float32) {
	require.Len(t, got, len(want))
	for i := range want {
		d := math.Abs(float64(got[i]) - float64(want[i]))
		r.sample = max(r.sample, d)
		if !assert.LessOrEqual(t, d, 1e-6, "sample %d", i) {
			return
		}
	}
}

func (r *reached) power(t *testing.T, got, want []float32) {
	require.Len(t, got, len(want))
	peak := 0.0
	for _, w := range want {
		peak = max(peak, float64(w))
	}
	for i := range want {
		w := float64(want[i])
		d := math.Abs(float64(got[i]) - w)
		r.peakPower = max(r.peakPower, d/peak)
		if w > 1e-4*peak {
			r.cellPower = max(r.cellPower, d/w)
		}
		if w > 1e-10 {
			r.rel = append(r.rel, d/w)
		}
		if !assert.LessOrEqual(t, d, 1e-5*w+3e-7*peak, "cell %d: %v, want %v", i, got[i], w) {
			return
		}
	}
}

func (r *reached) decibels(t *testing.T, got, want []float32) {
	require.Len(t, got, len(want))
	peak := math.Inf(-1)
	for _, w := range want {
		peak = max(peak, float64(w))
	}
	for i := range want {
		d, bound := math.Abs(float64(got[i])-float64(want[i])), 1e-3
		if float64(want[i]) >= peak-50 {
			r.db = max(r.db, d)
		} else {
			r.quietDB, bound = max(r.quietDB, d), 1e-2
		}
		if d > 1e-3 {
			r.over++
		}
		if !assert.LessOrEqual(t, d, bound, "cell %d: %v dB, want %v", i, got[i], want[i]) {
			return
		}
	}
}

func (r *reached) median() float64 {
	s := append([]float64(nil), r.rel...)
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[len(s)/2]
}
