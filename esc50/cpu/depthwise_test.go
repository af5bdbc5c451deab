package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	timage "github.com/gomlx/gomlx/core/tensors/images"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// TestDepthwiseGradients compares drawn convolutions of every channel by itself,
// and their gradients, with GoMLX's Go backend. Sums are of a few hundred
// numbers near one, in another order.
func TestDepthwiseGradients(t *testing.T) {
	other := goBackend()
	r := rand.New(rand.NewPCG(23, 24))
	for trial := range 25 {
		batch, channels, spatial := 1+r.IntN(5), 1+r.IntN(37), 1+r.IntN(2)
		kernel, stride, dilation := 1+r.IntN(4), 1+r.IntN(3), 1+r.IntN(2)
		if dilation > 1 && stride > 1 { // GoMLX refuses both
			stride = 1
		}
		layout, in, w := timage.ChannelsLast, []int{batch}, []int{}
		first := r.IntN(2) == 0
		for range spatial {
			in, w = append(in, 9+r.IntN(9)), append(w, kernel)
		}
		in, w = append(in, channels), append(w, 1, channels)
		if first {
			layout = timage.ChannelsFirst
			in = append([]int{batch, channels}, in[1:len(in)-1]...)
			w = append([]int{channels, 1}, w[:spatial]...)
		}
		fill := func(n int) []float32 {
			v := make([]float32, n)
			for i := range v {
				v[i] = float32(r.NormFloat64())
			}
			return v
		}
		product := func(dims []int) int {
			n := 1
			for _, d := range dims {
				n *= d
			}
			return n
		}
		x, k := fill(product(in)), fill(product(w))
		same := r.IntN(2) == 0
		t.Run(fmt.Sprintf("%d: %v by %v, stride %d, dilation %d, same %v", trial, in, w, stride, dilation, same), func(t *testing.T) {
			run := func(b compute.Backend) [][]float32 {
				e, err := graph.NewExec(b, func(x, k *graph.Node) []*graph.Node {
					c := graph.Convolve(x, k).ChannelsAxis(layout).Strides(stride).Dilations(dilation).ChannelGroupCount(channels)
					if same {
						c = c.PadSame()
					}
					y := c.Done()
					grads := graph.Gradient(graph.ReduceAllSum(graph.Mul(y, graph.Sin(y))), x, k)
					return append([]*graph.Node{y}, grads...)
				})
				require.NoError(t, err)
				out, err := e.Call(tensors.FromFlatDataAndDimensions(x, in...), tensors.FromFlatDataAndDimensions(k, w...))
				require.NoError(t, err)
				var all [][]float32
				for _, o := range out {
					all = append(all, tensors.MustCopyFlatData[float32](o))
				}
				return all
			}
			want, got := run(other), run(cpu.Default())
			for i := range want {
				assert.InDeltaSlice(t, want[i], got[i], 2e-3, []string{"result", "by the input", "by the weights"}[i])
			}
		})
	}
}
