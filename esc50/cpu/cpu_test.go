package cpu_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/compute/support/backendtest"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// TestCompliance runs the suite of package compute for what the backend claims.
func TestCompliance(t *testing.T) {
	backendtest.RunAll(t, cpu.Default(), nil)
}

// TestNaNShows requires that a training gone wrong does not look well.
func TestNaNShows(t *testing.T) {
	w := newWorkload(t, cpu.Default(), 4, 2, 32, 40, 5)
	tensors.MustMutableFlatData(w.x, func(x []float32) { x[7] = float32(math.NaN()) })
	loss, err := w.step.Call1(w.x, w.y)
	require.NoError(t, err)
	assert.True(t, math.IsNaN(float64(tensors.ToScalar[float32](loss))))
}

// TestRefusesClearly names what is missing.
func TestRefusesClearly(t *testing.T) {
	main := cpu.Default().Builder("test").Main()
	x, err := main.Parameter("x", shapes.Make(dtypes.Float32, 3), nil)
	require.NoError(t, err)
	_, err = main.AllReduce([]compute.Value{x}, compute.ReduceOpSum, nil)
	assert.ErrorIs(t, err, compute.ErrNotImplemented)
	assert.ErrorContains(t, err, "backend reprodl has no AllReduce")
	_, err = main.Parameter("c", shapes.Make(dtypes.F8E5M2, 3), nil)
	assert.ErrorIs(t, err, compute.ErrNotImplemented)
	assert.ErrorContains(t, err, "F8E5M2")
}
