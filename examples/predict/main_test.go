package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

func TestPredict(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	require.NoError(t, esc50.Synthesize(ctx, dir, &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.5}))
	data, err := esc50.OpenPath(dir)
	require.NoError(t, err)
	defer data.Close()
	features, err := esc50.Extract(ctx, data, &esc50.ExtractOptions{Front: esc50.FrontConfig{Seconds: 0.5, Mel: esc50.MelConfig{Mels: 16}}})
	require.NoError(t, err)
	result, err := esc50.Train(ctx, nil, features, esc50.Config{BaseFilters: 2, Classes: 2, MaxEpochs: 1}, nil)
	require.NoError(t, err)
	model := filepath.Join(dir, "m.model")
	require.NoError(t, result.Model.Save(model))

	clip := filepath.Join(dir, "audio", data.Clips[0].File)
	var out strings.Builder
	require.NoError(t, run(ctx, []string{"-model", model, clip}, &out))
	lines := strings.Split(out.String(), "\n")
	assert.Len(t, lines, 5)
	assert.Contains(t, lines[0], "weights ")
	assert.Equal(t, clip, lines[1])

	err = run(ctx, []string{"-model", model, filepath.Join(dir, "meta", "esc50.csv")}, &out)
	require.ErrorIs(t, err, esc50.ErrWAV)
	assert.ErrorContains(t, err, "esc50.csv: ")
}
