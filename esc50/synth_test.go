package esc50_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/reprodl/reprodl/esc50"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hashSet is the SHA-256 of the metadata and all clips.
func hashSet(t *testing.T, dir string) string {
	h := sha256.New()
	meta, err := os.ReadFile(filepath.Join(dir, "meta", "esc50.csv"))
	require.NoError(t, err)
	h.Write(meta)
	entries, err := os.ReadDir(filepath.Join(dir, "audio"))
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, "audio", e.Name()))
		require.NoError(t, err)
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The bytes are the same on every machine; a change of the constant changes
// everybody's default data set and belongs in the changelog.
func TestSynthesizeSameBits(t *testing.T) {
	dir, done := t.TempDir(), 0
	opts := &esc50.SynthOptions{Classes: 12, ClipsPerFold: 1, Seconds: 1, Progress: func(n, total int) {
		done++
		assert.Equal(t, done, n)
		assert.Equal(t, 60, total)
	}}
	require.NoError(t, esc50.Synthesize(context.Background(), dir, opts))
	assert.Equal(t, 60, done)
	assert.Equal(t, "4a7225f3daef1f31", hashSet(t, dir)[:16])

	d, err := esc50.Open(os.DirFS(dir))
	require.NoError(t, err)
	assert.Len(t, d.Clips, 60)
	assert.Equal(t, []int{1, 2, 3, 4, 5}, d.Folds())
	assert.Len(t, d.Classes(), 12)
}

// A second call repairs what is damaged and leaves the rest alone.
func TestSynthesizeAgain(t *testing.T) {
	dir, opts := t.TempDir(), &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.2}
	require.NoError(t, esc50.Synthesize(context.Background(), dir, opts))
	want := hashSet(t, dir)
	clip := filepath.Join(dir, "audio", "3-300000-A-0.wav")
	before, err := os.Stat(filepath.Join(dir, "audio", "3-301000-A-1.wav"))
	require.NoError(t, err)
	require.NoError(t, os.Truncate(clip, 100))
	require.NoError(t, esc50.Synthesize(context.Background(), dir, opts))
	assert.Equal(t, want, hashSet(t, dir))
	after, err := os.Stat(filepath.Join(dir, "audio", "3-301000-A-1.wav"))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after))
}

func TestSynthesizeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	require.ErrorIs(t, esc50.Synthesize(ctx, dir, nil), context.Canceled)
	_, err := esc50.OpenPath(dir)
	assert.ErrorIs(t, err, esc50.ErrDataset, "without metadata it isn't taken for a data set")
}

func TestSynthesizeRefuses(t *testing.T) {
	for _, opts := range []esc50.SynthOptions{{Classes: 1}, {Classes: 13}, {ClipsPerFold: -1}, {Seconds: -1}, {Seconds: 1e9}} {
		assert.Error(t, esc50.Synthesize(context.Background(), t.TempDir(), &opts), "%+v", opts)
	}
}

func BenchmarkSynthesize(b *testing.B) {
	for b.Loop() {
		require.NoError(b, esc50.Synthesize(context.Background(), b.TempDir(), nil))
	}
}
