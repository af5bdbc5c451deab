package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

func noise(r *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// describe builds the convolution of a graph.
func describe(t *testing.T, in, w []int, axes compute.ConvolveAxesConfig, pads [][2]int, dilate []int) *convolution {
	f := newBuilder(new(Backend), "test").Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Float32, in...), nil)
	require.NoError(t, err)
	k, err := f.Parameter("w", shapes.Make(dtypes.Float32, w...), nil)
	require.NoError(t, err)
	y, err := f.ConvGeneral(x, k, axes, nil, pads, nil, dilate, 1, 1)
	require.NoError(t, err)
	return y.(*value).node.attr.(*convolution)
}

var planarAxes = compute.ConvolveAxesConfig{
	InputBatch: 0, InputChannels: 1, InputSpatial: []int{2, 3},
	KernelOutputChannels: 0, KernelInputChannels: 1, KernelSpatial: []int{2, 3},
	OutputBatch: 0, OutputChannels: 1, OutputSpatial: []int{2, 3},
}

// TestFastConvIsTheDefinition requires the bits of the plain loops.
func TestFastConvIsTheDefinition(t *testing.T) {
	swapped := planarAxes
	swapped.KernelInputChannels, swapped.KernelOutputChannels = 0, 1
	for _, c := range []struct {
		name   string
		in, w  []int
		axes   compute.ConvolveAxesConfig
		pads   [][2]int
		dilate []int
	}{
		{"same", []int{2, 3, 9, 20}, []int{10, 3, 3, 3}, planarAxes, [][2]int{{1, 1}, {1, 1}}, nil},
		{"no padding", []int{1, 2, 7, 5}, []int{3, 2, 2, 3}, planarAxes, nil, nil},
		{"large window", []int{1, 1, 12, 40}, []int{8, 1, 11, 11}, planarAxes, [][2]int{{5, 5}, {5, 5}}, nil},
		{"window larger than input", []int{1, 1, 2, 2}, []int{1, 1, 5, 5}, planarAxes, [][2]int{{4, 3}, {2, 4}}, nil},
		{"dilated", []int{2, 2, 11, 13}, []int{4, 2, 3, 3}, planarAxes, [][2]int{{2, 1}, {0, 3}}, []int{2, 3}},
		{"one by one", []int{2, 5, 4, 4}, []int{9, 5, 1, 1}, planarAxes, nil, nil},
		{"gradient", []int{2, 6, 9, 17}, []int{6, 4, 3, 3}, swapped, [][2]int{{1, 1}, {1, 1}}, nil},
		{"many strips", []int{1, 16, 100, 60}, []int{2, 16, 3, 3}, planarAxes, [][2]int{{1, 1}, {1, 1}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conv := describe(t, c.in, c.w, c.axes, c.pads, c.dilate)
			require.True(t, conv.planar())
			r := rand.New(rand.NewPCG(1, 2))
			in, w := noise(r, size(c.in)), noise(r, size(c.w))
			x := newRun(new(Backend))
			want, got := make([]float32, size(conv.out)), make([]float32, size(conv.out))
			convolve(x, conv, want, in, w, kernel.FMA)
			newFastConv(conv).run(x, got, planes{in, c.in[1], c.in[2], c.in[3]}, w, nil, false)
			for i := range want {
				require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), "element %d: %v, want %v", i, got[i], want[i])
			}
		})
	}
}

// TestFastWeightsIsTheDefinition allows for rounding: the order of a sum over a
// batch is not that of the plain loops.
func TestFastWeightsIsTheDefinition(t *testing.T) {
	axes := compute.ConvolveAxesConfig{
		InputBatch: 1, InputChannels: 0, InputSpatial: []int{2, 3},
		KernelInputChannels: 0, KernelOutputChannels: 1, KernelSpatial: []int{2, 3},
		OutputBatch: 1, OutputChannels: 0, OutputSpatial: []int{2, 3},
	}
	for _, c := range []struct {
		name     string
		in, grad []int
		pads     [][2]int
	}{
		{"same", []int{2, 3, 9, 20}, []int{2, 5, 9, 20}, [][2]int{{1, 1}, {1, 1}}},
		{"no padding", []int{3, 2, 8, 9}, []int{3, 4, 6, 7}, nil},
		{"large window", []int{1, 1, 12, 40}, []int{1, 8, 12, 40}, [][2]int{{5, 5}, {5, 5}}},
		{"uneven padding", []int{1, 2, 6, 6}, []int{1, 2, 6, 7}, [][2]int{{2, 0}, {1, 3}}},
		{"many strips", []int{2, 16, 70, 50}, []int{2, 6, 70, 50}, [][2]int{{1, 1}, {1, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conv := describe(t, c.in, c.grad, axes, c.pads, nil)
			require.True(t, conv.weightGradient())
			r := rand.New(rand.NewPCG(3, 4))
			in, grad := noise(r, size(c.in)), noise(r, size(c.grad))
			x := newRun(new(Backend))
			want, got := make([]float32, size(conv.out)), make([]float32, size(conv.out))
			convolve(x, conv, want, in, grad, kernel.FMA)
			newFastWeights(conv).run(x, got, planes{in, c.in[1], c.in[2], c.in[3]}, planes{grad, c.grad[1], c.grad[2], c.grad[3]})
			assert.InDeltaSlice(t, want, got, 1e-3)
		})
	}
}
