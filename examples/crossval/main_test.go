package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

func TestRun(t *testing.T) {
	ctx, data, dir := context.Background(), t.TempDir(), t.TempDir()
	require.NoError(t, esc50.Synthesize(ctx, data, &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.5}))
	args := []string{"-data", data, "-dir", dir, "-folds", "2,5", "-seeds", "1", "-recipe", "improved", "-set", "base_filters: 1, max_epochs: 1"}
	var first, second strings.Builder
	require.NoError(t, run(ctx, args, &first))
	assert.Contains(t, first.String(), "seed 1 fold 5: accuracy")
	assert.Contains(t, first.String(), "mean over 2 trainings")
	report, err := os.ReadFile(filepath.Join(dir, "report.csv"))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(report), "class,precision"))

	require.NoError(t, run(ctx, args, &second))
	assert.NotContains(t, second.String(), "epoch 1:", "everything is done already")
	assert.Contains(t, second.String(), "mean over 2 trainings")
}

func TestRunRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"not a complete ESC-50 data set": {"-data", t.TempDir()},
		"course or improved":             {"-recipe", "best"},
		"field lrr not found":            {"-set", "lrr: 1"},
		"-folds":                         {"-folds", "x"},
		"-seeds":                         {"-seeds", "x"},
	} {
		assert.ErrorContains(t, run(context.Background(), args, new(strings.Builder)), want)
	}
}
