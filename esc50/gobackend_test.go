//go:build !race

// GoMLX's Go backend converts pointers in a way that -race's checkptr refuses.

package esc50_test

import (
	"context"
	"testing"

	"github.com/gomlx/compute/gobackend"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

// Another backend trains the same way, but for its rounding.
func TestTrainOnGoBackend(t *testing.T) {
	f, c := tinyFeatures(t), tinyConfig()
	c.MaxEpochs = 1
	want, err := esc50.Train(context.Background(), nil, f, c, nil)
	require.NoError(t, err)
	got, err := esc50.Train(context.Background(), gobackend.GetBackend(), f, c, nil)
	require.NoError(t, err)
	assert.InDelta(t, want.Epochs[0].TrainLoss, got.Epochs[0].TrainLoss, 1e-3)
}
