package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/core/tensors/images"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// TestFoldedNormalisation has what follows a convolution in inference done as it
// stores its rows, and once more apart from it, which another reader of the
// convolution's result makes necessary: the bits are the same.
func TestFoldedNormalisation(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	draw := func(dims ...int) *tensors.Tensor {
		size := 1
		for _, d := range dims {
			size *= d
		}
		flat := make([]float32, size)
		for i := range flat {
			flat[i] = r.Float32() - .4
		}
		return tensors.FromFlatDataAndDimensions(flat, dims...)
	}
	for _, pooled := range []bool{false, true} {
		for _, c := range []struct{ inputs, outputs, height, width, size int }{
			{1, 5, 7, 9, 3}, {3, 20, 33, 40, 5}, {8, 9, 21, 37, 3}, {16, 32, 64, 50, 3}, {2, 3, 130, 300, 11},
		} {
			for _, bias := range []bool{false, true} {
				t.Run(fmt.Sprint(pooled, c, bias), func(t *testing.T) {
					model := func(apart bool) func(in []*graph.Node) []*graph.Node {
						return func(in []*graph.Node) []*graph.Node {
							y := graph.Convolve(in[0], in[1]).ChannelsAxis(images.ChannelsFirst).PadSame().Done()
							if bias {
								y = graph.Add(y, graph.Reshape(in[2], 1, c.outputs, 1, 1))
							}
							z := graph.InternalBatchNormForInference(y, in[3], in[4], in[5], in[6], 1e-5, 1)
							zero := graph.ScalarZero(z.Graph(), z.DType())
							out := graph.Where(graph.LessOrEqual(z, zero), zero, z)
							if pooled {
								out = graph.MaxPool(out).ChannelsAxis(images.ChannelsFirst).Window(2).Done()
							}
							if apart {
								return []*graph.Node{out, y}
							}
							return []*graph.Node{out}
						}
					}
					in := []any{draw(2, c.inputs, c.height, c.width), draw(c.outputs, c.inputs, c.size, c.size)}
					for range 5 {
						in = append(in, draw(c.outputs))
					}
					variance := make([]float32, c.outputs)
					for i := range variance {
						variance[i] = .5 + r.Float32()
					}
					in[6] = tensors.FromFlatDataAndDimensions(variance, c.outputs)
					together, err := graph.CallOnceN(cpu.Default(), model(false), in...)
					require.NoError(t, err)
					apart, err := graph.CallOnceN(cpu.Default(), model(true), in...)
					require.NoError(t, err)
					require.Equal(t, tensors.MustCopyFlatData[float32](apart[0]), tensors.MustCopyFlatData[float32](together[0]))
				})
			}
		}
	}
}
