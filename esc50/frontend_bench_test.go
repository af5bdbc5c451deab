package esc50

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkExtract measures clips per second on real clips, from the files to
// decibels, and torchaudio's in the same run when REPRODL_TORCH_MEL names the
// script and REPRODL_TORCH_PYTHON the interpreter that has torch; both use
// GOMAXPROCS threads.
func BenchmarkExtract(b *testing.B) {
	dir := esc10(b)
	d, err := Open(os.DirFS(dir))
	require.NoError(b, err)
	best := 0.0
	for b.Loop() {
		start := time.Now()
		_, err := Extract(context.Background(), d, nil)
		require.NoError(b, err)
		best = max(best, float64(len(d.Clips))/time.Since(start).Seconds())
	}
	b.ReportMetric(best, "clips/s")
	if peer := torchClips(b, dir); peer > 0 {
		b.ReportMetric(peer, "torch-clips/s")
		b.ReportMetric(best/peer, "x-torch")
	}
}

// torchClips returns the best of torchaudio's rounds.
func torchClips(b *testing.B, dir string) float64 {
	script, python := os.Getenv("REPRODL_TORCH_MEL"), os.Getenv("REPRODL_TORCH_PYTHON")
	if script == "" || python == "" {
		return 0
	}
	abs, err := filepath.Abs(dir)
	require.NoError(b, err)
	out, err := exec.Command(python, script, abs, strconv.Itoa(runtime.GOMAXPROCS(0))).Output()
	require.NoError(b, err)
	best := 0.0
	for _, m := range regexp.MustCompile(`= ([0-9.]+) clips/s`).FindAllSubmatch(bytes.TrimSpace(out), -1) {
		v, err := strconv.ParseFloat(string(m[1]), 64)
		require.NoError(b, err)
		best = max(best, v)
	}
	return best
}

// BenchmarkFrontEnd measures the parts on one clip.
func BenchmarkFrontEnd(b *testing.B) {
	clips, err := filepath.Glob(filepath.Join(esc10(b), "audio", "*.wav"))
	require.NoError(b, err)
	file, err := os.ReadFile(clips[0])
	require.NoError(b, err)
	r, err := NewResampler(44_100, 8000)
	require.NoError(b, err)
	mel, err := NewMel(MelConfig{})
	require.NoError(b, err)
	x, _, err := decodeWAV(nil, file)
	require.NoError(b, err)
	y := r.Resample(nil, x)
	out := mel.LogMel(nil, y)
	b.Run("wav", func(b *testing.B) {
		for b.Loop() {
			x, _, _ = decodeWAV(x, file)
		}
	})
	b.Run("resample", func(b *testing.B) {
		for b.Loop() {
			y = r.Resample(y, x)
		}
	})
	b.Run("power", func(b *testing.B) {
		for b.Loop() {
			out = mel.Power(out, y)
		}
	})
	b.Run("logmel", func(b *testing.B) {
		for b.Loop() {
			out = mel.LogMel(out, y)
		}
	})
}
