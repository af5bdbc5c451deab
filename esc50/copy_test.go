package esc50_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

func TestCopyOfASubset(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 3, ClipsPerFold: 1, Seconds: 0.1})
	part := d.Subset(func(c esc50.Clip) bool { return c.Fold < 3 })
	dir := t.TempDir()
	calls := 0
	require.NoError(t, part.Copy(context.Background(), dir, func(done, total int) {
		calls++
		assert.Equal(t, calls, done)
		assert.Equal(t, 6, total)
	}))
	assert.Equal(t, 6, calls)

	got, err := esc50.OpenPath(dir)
	require.NoError(t, err)
	assert.Equal(t, part.Clips, got.Clips)
	entries, err := os.ReadDir(filepath.Join(dir, "audio"))
	require.NoError(t, err)
	assert.Len(t, entries, 6)
}

func TestCopyCancelledIsNotADataSet(t *testing.T) {
	d := synthetic(t, esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.1})
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	err := d.Copy(ctx, dir, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)

	_, err = esc50.OpenPath(dir)
	assert.ErrorIs(t, err, esc50.ErrDataset)
}
