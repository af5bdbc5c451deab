package esc50_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/reprodl/reprodl/esc50"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// synthetic opens a small synthetic set.
func synthetic(t testing.TB, opts esc50.SynthOptions) *esc50.Dataset {
	dir := t.TempDir()
	require.NoError(t, esc50.Synthesize(context.Background(), dir, &opts))
	d, err := esc50.Open(os.DirFS(dir))
	require.NoError(t, err)
	return d
}

// The features of the synthetic clips have the same bits on every machine and
// with any number of workers; they go through every part of the front end. A
// change of the constant belongs in the changelog.
func TestExtractSameBits(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 12, ClipsPerFold: 1, Seconds: 1})
	for _, workers := range []int{1, 3} {
		name := filepath.Join(t.TempDir(), "features")
		require.NoError(t, esc50.ExtractFile(context.Background(), d, name, &esc50.ExtractOptions{
			Workers: workers,
			Front:   esc50.FrontConfig{Seconds: 1},
		}))
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		sum := sha256.Sum256(data)
		assert.Equal(t, "35abbb6316fe9dec", hex.EncodeToString(sum[:8]), "%d workers", workers)
	}
}

func TestExtractFileEqualsMemory(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.5})
	ctx, name, done := context.Background(), filepath.Join(t.TempDir(), "features"), 0
	memory, err := esc50.Extract(ctx, d, &esc50.ExtractOptions{Progress: func(n, total int) {
		done++
		assert.Equal(t, done, n)
		assert.Equal(t, 10, total)
	}})
	require.NoError(t, err)
	assert.Equal(t, 10, done)
	require.NoError(t, memory.Close())
	require.NoError(t, esc50.ExtractFile(ctx, d, name, nil))
	file, err := esc50.OpenFeatures(name)
	require.NoError(t, err)
	defer file.Close()

	assert.Equal(t, 128, file.Bands)
	assert.Equal(t, 201, file.Frames, "padded to 5 s")
	assert.Equal(t, d.Clips, file.Clips)
	assert.Equal(t, memory.Classes, file.Classes)
	assert.Equal(t, memory.Front, file.Front)
	a, b := make([]float32, file.Size()), make([]float32, file.Size())
	for i := range file.Len() {
		require.NoError(t, memory.Read(a, i))
		require.NoError(t, file.Read(b, i))
		assert.Equal(t, a, b, "clip %d", i)
	}
}

func TestExtractNamesTheBadFile(t *testing.T) {
	fsys := tree(header+"a.wav,1,0,dog,True,7,A\nb.wav,1,0,dog,True,7,A\n", "a.wav", "b.wav")
	fsys["audio/b.wav"] = &fstest.MapFile{Data: fsys["audio/b.wav"].Data[:50]}
	d, err := esc50.Open(fsys)
	require.NoError(t, err)
	_, err = esc50.Extract(context.Background(), d, nil)
	require.ErrorIs(t, err, esc50.ErrWAV)
	assert.ErrorContains(t, err, "b.wav")

	name := filepath.Join(t.TempDir(), "features")
	require.Error(t, esc50.ExtractFile(context.Background(), d, name, nil))
	assert.NoFileExists(t, name)
}

func TestExtractCancelled(t *testing.T) {
	d, err := esc50.Open(tree(header+"a.wav,1,0,dog,True,7,A\n", "a.wav"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = esc50.Extract(ctx, d, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestExtractRefuses(t *testing.T) {
	d, err := esc50.Open(tree(header+"a.wav,1,0,dog,True,7,A\n", "a.wav"))
	require.NoError(t, err)
	for _, c := range []esc50.FrontConfig{
		{Seconds: -1}, {Seconds: 0.01}, {Seconds: 1e12},
		{Mel: esc50.MelConfig{FFT: 7}}, {Mel: esc50.MelConfig{Hop: -1}}, {Mel: esc50.MelConfig{Mels: -1}},
		{Mel: esc50.MelConfig{TopDB: -1}}, {Mel: esc50.MelConfig{SampleRate: -1}},
	} {
		_, err := esc50.Extract(context.Background(), d, &esc50.ExtractOptions{Front: c})
		assert.Error(t, err, "%+v", c)
	}
}

func TestOpenFeaturesRefuses(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.2})
	name := filepath.Join(t.TempDir(), "features")
	require.NoError(t, esc50.ExtractFile(context.Background(), d, name, &esc50.ExtractOptions{Front: esc50.FrontConfig{Seconds: 0.2}}))
	good, err := os.ReadFile(name)
	require.NoError(t, err)
	for _, n := range []int{0, 5, 40, len(good) - 1} {
		require.NoError(t, os.WriteFile(name, good[:n], 0o666))
		_, err := esc50.OpenFeatures(name)
		assert.ErrorContains(t, err, name, "%d bytes", n)
	}
	damaged := append([]byte(nil), good...)
	damaged[60] ^= 1
	require.NoError(t, os.WriteFile(name, damaged, 0o666))
	_, err = esc50.OpenFeatures(name)
	assert.ErrorContains(t, err, "checksum")

	damaged[60] ^= 1
	damaged[len(good)-20] ^= 1
	require.NoError(t, os.WriteFile(name, damaged, 0o666))
	f, err := esc50.OpenFeatures(name)
	require.NoError(t, err)
	defer f.Close()
	x := make([]float32, f.Size())
	assert.NoError(t, f.Read(x, 0))
	assert.ErrorContains(t, f.Read(x, f.Len()-1), "checksum")
}
