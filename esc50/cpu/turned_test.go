package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTurnedWeights convolves with weights that an operation before turns: they
// are read as they lie, without that operation.
func TestTurnedWeights(t *testing.T) {
	b := &Backend{workers: 2}
	xShape, wShape := shapes.Make(dtypes.Float32, 2, 9, 8, 5), shapes.Make(dtypes.Float32, 3, 2, 5, 7)
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3,
		KernelSpatial: []int{0, 1}, KernelInputChannels: 2, KernelOutputChannels: 3,
		OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
	}
	convolve := func(turns int) ([]float32, []string) {
		builder := b.Builder("turned")
		f := builder.Main()
		x, err := f.Parameter("x", xShape, nil)
		require.NoError(t, err)
		w, err := f.Parameter("w", wShape, nil)
		require.NoError(t, err)
		for range turns {
			w, err = f.Reverse(w, 1, 0)
			require.NoError(t, err)
		}
		y, err := f.ConvGeneral(x, w, axes, []int{2, 1}, [][2]int{{1, 1}, {0, 1}}, nil, nil, 1, 1)
		require.NoError(t, err)
		require.NoError(t, f.Return([]compute.Value{y}, nil))
		compiled, err := builder.Compile()
		require.NoError(t, err)
		flat := make([]float32, wShape.Size())
		for i := range flat {
			flat[i] = float32(i%23) - 11
		}
		if turns == 0 {
			flat = turnedFlat(flat, 3, 2, 35)
		}
		in := make([]float32, xShape.Size())
		s := rand.New(rand.NewPCG(3, 4))
		for i := range in {
			in[i] = s.Float32()
		}
		xb, err := b.BufferFromFlatData(0, in, xShape)
		require.NoError(t, err)
		wb, err := b.BufferFromFlatData(0, flat, wShape)
		require.NoError(t, err)
		out, err := compiled.Execute([]compute.Buffer{xb, wb}, nil, 0)
		require.NoError(t, err)
		data, err := out[0].Data()
		require.NoError(t, err)
		var steps []string
		for _, s := range compiled.(*program).steps {
			steps = append(steps, s.what)
		}
		return data.([]float32), steps
	}
	want, _ := convolve(0)
	got, steps := convolve(1)
	assert.Equal(t, want, got)
	assert.NotContains(t, steps, "Reverse")
}

// turnedFlat reverses the first two axes of weights.
func turnedFlat(flat []float32, h, w, rest int) []float32 {
	out := make([]float32, 0, len(flat))
	for i := h*w - 1; i >= 0; i-- {
		out = append(out, flat[i*rest:(i+1)*rest]...)
	}
	return out
}
