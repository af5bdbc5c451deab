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

// TestSumsAreMadeWithPacks has the gradients of a dense layer, of which that of the
// bias is summed as the operand of that of the weights is packed: to the same bits
// as alone, whichever comes first.
func TestSumsAreMadeWithPacks(t *testing.T) {
	const k = 30
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(27, 28))
	for _, s := range []struct{ batch, rows, n int }{{1, 600, 50}, {4, 300, 64}, {1, 90, 80}, {3, 1000, 130}} {
		shape := shapes.Make(dtypes.Float32, s.batch, s.rows, s.n)
		left, err := b.BufferFromFlatData(0, noise(r, s.batch*s.rows*k), shapes.Make(dtypes.Float32, s.batch*s.rows, k))
		require.NoError(t, err)
		right, err := b.BufferFromFlatData(0, noise(r, shape.Size()), shape)
		require.NoError(t, err)
		run := func(bias, weights, biasFirst bool) (steps []string, out [][]float32) {
			bl := newBuilder(b.(*Backend), "test")
			f := bl.Main()
			x, err := f.Parameter("x", shapes.Make(dtypes.Float32, s.batch*s.rows, k), nil)
			require.NoError(t, err)
			g, err := f.Parameter("g", shape, nil)
			require.NoError(t, err)
			var sum, dot compute.Value
			if bias {
				sum, err = f.ReduceSum(g, 0, 1)
				require.NoError(t, err)
			}
			if weights {
				flat, err := f.Reshape(g, s.batch*s.rows, s.n)
				require.NoError(t, err)
				dot, err = f.DotGeneral(x, []int{0}, nil, flat, []int{0}, nil, compute.DotGeneralConfig{})
				require.NoError(t, err)
			}
			results := []compute.Value{sum, dot}
			switch {
			case !weights:
				results = []compute.Value{sum}
			case !bias:
				results = []compute.Value{dot}
			case !biasFirst:
				results = []compute.Value{dot, sum}
			}
			require.NoError(t, f.Return(results, nil))
			e, err := bl.Compile()
			require.NoError(t, err)
			for _, s := range e.(*program).steps {
				steps = append(steps, s.what)
			}
			buffers, err := e.Execute([]compute.Buffer{left, right}, nil, 0)
			require.NoError(t, err)
			for _, v := range buffers {
				out = append(out, v.(*buffer).flat.([]float32))
			}
			return steps, out
		}
		_, sum := run(true, false, false)
		_, dot := run(false, true, false)
		for _, first := range []bool{false, true} {
			steps, both := run(true, true, first)
			assert.Equal(t, []string{"pack and sum", "product"}, steps)
			if !first {
				both[0], both[1] = both[1], both[0]
			}
			assert.Equal(t, sum[0], both[0])
			assert.Equal(t, dot[0], both[1])
		}
	}
}
