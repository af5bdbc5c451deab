package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

// TestRun trains a little on both backends: the losses fall, agree, and on ours
// repeat to the bit.
func TestRun(t *testing.T) {
	t.Chdir(t.TempDir())
	losses := func(backend, dir string) (values []float64) {
		require.NoError(t, run(backend, dir, 3, new(bytes.Buffer)))
		for p, err := range live.Points(os.DirFS(dir), "train/loss") {
			require.NoError(t, err)
			values = append(values, p.Value)
		}
		return values
	}
	ours := losses("reprodl", "ours")
	require.Len(t, ours, 3)
	assert.Less(t, ours[2], ours[0])
	assert.Equal(t, ours, losses("reprodl:workers=1", "again"))
	assert.InDeltaSlice(t, losses("go", "theirs"), ours, 1e-3)
}
