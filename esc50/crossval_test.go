package esc50_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

func TestCrossValidate(t *testing.T) {
	f, c := tinyFeatures(t), tinyConfig()
	c.MaxEpochs = 1
	epochs, folds := 0, 0
	results, err := esc50.CrossValidate(context.Background(), testBackend(), f, c, &esc50.CrossOptions{
		Folds: []int{2, 4}, Seeds: []int64{7, 8}, Dir: t.TempDir(),
		OnEpoch: func(int, int64, esc50.Epoch) error { epochs++; return nil },
		OnFold:  func(esc50.FoldResult) error { folds++; return nil },
	})
	require.NoError(t, err)
	assert.Equal(t, 4, epochs)
	assert.Equal(t, 4, folds)
	var got [][2]int64
	mean := 0.0
	for _, r := range results {
		got = append(got, [2]int64{r.Seed, int64(r.Fold)})
		mean += r.Test.Accuracy / 4
		for _, file := range r.Test.Files {
			assert.Equal(t, byte('0'+r.Fold), file[0], "tested on the fold that was held out")
		}
	}
	assert.Equal(t, [][2]int64{{7, 2}, {7, 4}, {8, 2}, {8, 4}}, got)
	assert.InDelta(t, mean, results.Mean(), 1e-12)
	all := results.All()
	assert.InDelta(t, mean, all.Accuracy, 1e-12, "the folds are equally large")
	assert.Len(t, all.Files, 4*6)

	c.Patience = 3
	_, err = esc50.CrossValidate(context.Background(), testBackend(), f, c, nil)
	assert.ErrorContains(t, err, "choose the epoch by the test fold")
}

func TestImprovedRecipeIsValid(t *testing.T) {
	assert.NoError(t, esc50.ImprovedRecipe().Validate())
	assert.NoError(t, esc50.Config{}.Validate())
}
