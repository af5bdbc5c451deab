package cpu

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConvolutionsOfChannelsAreOne concatenates convolutions of the channels of
// two operands, which become one, unless one of them is of another channel.
func TestConvolutionsOfChannelsAreOne(t *testing.T) {
	const channels = 3
	axes := compute.ConvolveAxesConfig{
		InputBatch: 0, InputSpatial: []int{1}, InputChannels: 2,
		KernelSpatial: []int{0}, KernelOutputChannels: 1, KernelInputChannels: 2,
		OutputBatch: 0, OutputSpatial: []int{1}, OutputChannels: 2,
	}
	for _, swapped := range []bool{false, true} {
		f := newBuilder(new(Backend), "test").Main()
		parameter := func(name string, dims ...int) compute.Value {
			v, err := f.Parameter(name, shapes.Make(dtypes.Float32, dims...), nil)
			require.NoError(t, err)
			return v
		}
		x, w := parameter("x", 2, 9, channels), parameter("w", 4, 1, channels)
		var parts []compute.Value
		for i := range channels {
			at := i
			if swapped {
				at = channels - 1 - i
			}
			xi, err := f.Slice(x, []int{0, 0, i}, []int{2, 9, i + 1}, nil)
			require.NoError(t, err)
			wi, err := f.Slice(w, []int{0, 0, at}, []int{4, 1, at + 1}, nil)
			require.NoError(t, err)
			wi, err = f.Reverse(wi, 0)
			require.NoError(t, err)
			y, err := f.ConvGeneral(xi, wi, axes, nil, nil, nil, nil, 1, 1)
			require.NoError(t, err)
			parts = append(parts, y)
		}
		y, err := f.Concatenate(2, parts...)
		require.NoError(t, err)
		in := y.(*value).node.in
		if swapped {
			assert.Len(t, in, channels)
		} else {
			assert.Equal(t, []*value{x.(*value), w.(*value)}, in)
		}
	}
}
