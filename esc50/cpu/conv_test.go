package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
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

// gradAxes are those of a gradient by the weights.
var gradAxes = compute.ConvolveAxesConfig{
	InputBatch: 1, InputChannels: 0, InputSpatial: []int{2, 3},
	KernelInputChannels: 0, KernelOutputChannels: 1, KernelSpatial: []int{2, 3},
	OutputBatch: 1, OutputChannels: 0, OutputSpatial: []int{2, 3},
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
		{"low planes", []int{2, 8, 2, 20}, []int{8, 8, 3, 3}, planarAxes, [][2]int{{1, 1}, {1, 1}}, nil},
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
			newFastConv(conv).run(x, outputOf(conv, got), planes{in, c.in[1], c.in[2], c.in[3]}, w, false)
			for i := range want {
				require.Equal(t, math.Float32bits(want[i]), math.Float32bits(got[i]), "element %d: %v, want %v", i, got[i], want[i])
			}
		})
	}
}

// TestFastWeightsIsTheDefinition allows for rounding: the order of a sum over a
// batch is not that of the plain loops.
func TestFastWeightsIsTheDefinition(t *testing.T) {
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
			conv := describe(t, c.in, c.grad, gradAxes, c.pads, nil)
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

// reference is a convolution or a gradient by weights in double precision, and
// the sums of the absolute values that its elements add up.
func reference(c *convolution, in, w []float32) (want, scale []float64) {
	x := newRun(new(Backend))
	sum := func(of func(float64) float64) []float64 {
		wide := func(v []float32) []float64 {
			to := make([]float64, len(v))
			for i, f := range v {
				to[i] = of(float64(f))
			}
			return to
		}
		out := make([]float64, size(c.out))
		convolve(x, c, out, wide(in), wide(w), math.FMA)
		return out
	}
	return sum(func(v float64) float64 { return v }), sum(math.Abs)
}

// TestWinogradAgainstDoublePrecision goes over heights that tiles don't divide,
// widths around the vectors', channels around the blocks' and uneven padding.
//
// An element may err by a part of the sum of its terms' sizes: the tile mixes
// it with its neighbours, whose terms may be larger, by factors up to 8, which
// float32's 6e-8 is multiplied with.
func TestWinogradAgainstDoublePrecision(t *testing.T) {
	const tolerance = 3e-6
	check := func(t *testing.T, got []float32, want, scale []float64) {
		t.Helper()
		largest := slices.Max(scale)
		for i := range got {
			if d := math.Abs(float64(got[i]) - want[i]); !(d <= tolerance*largest) {
				t.Fatalf("element %d: %v, want %v", i, got[i], want[i])
			}
		}
	}
	r := rand.New(rand.NewPCG(5, 6))
	x := newRun(new(Backend))
	for _, height := range []int{3, 4, 5, 7, 8, 9, 70} {
		for _, c := range []struct {
			width, inputs, outputs int
			pads                   [2][2]int
		}{
			{1, 8, 8, [2][2]int{{1, 1}, {1, 1}}},
			{49, 9, 17, [2][2]int{{1, 1}, {1, 1}}},
			{20, 16, 8, [2][2]int{{2, 0}, {0, 2}}},
			{13, 24, 11, [2][2]int{{2, 2}, {2, 2}}},
		} {
			t.Run(fmt.Sprintf("%dx%d,%d to %d", height, c.width, c.inputs, c.outputs), func(t *testing.T) {
				inDims, wDims := []int{2, c.inputs, height, c.width}, []int{c.outputs, c.inputs, 3, 3}
				conv := describe(t, inDims, wDims, planarAxes, c.pads[:], nil)
				in, w := noise(r, size(inDims)), noise(r, size(wDims))
				fast := newFastConv(conv)
				require.NotNil(t, fast.tiled)
				got := make([]float32, size(conv.out))
				fast.run(x, outputOf(conv, got), planes{in, c.inputs, height, c.width}, w, false)
				want, scale := reference(conv, in, w)
				check(t, got, want, scale)

				gradDims := []int{2, c.outputs, conv.out[2], conv.out[3]}
				weights := describe(t, inDims, gradDims, gradAxes, c.pads[:], nil)
				grad := noise(r, size(gradDims))
				fastGrad := newFastWeights(weights)
				require.NotNil(t, fastGrad.tiled)
				got = make([]float32, size(weights.out))
				fastGrad.run(x, got, planes{in, c.inputs, height, c.width}, planes{grad, c.outputs, conv.out[2], conv.out[3]})
				want, scale = reference(weights, in, grad)
				check(t, got, want, scale)
			})
		}
	}
}

func outputOf(c *convolution, data []float32) output {
	return output{to: planes{data, c.out[1], c.out[2], c.out[3]}}
}
