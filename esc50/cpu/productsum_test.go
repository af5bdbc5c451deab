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

// TestSumsOfProductsAreOne adds transposed products, of which one step is left,
// and compares with the definition. A product that is read twice stays.
func TestSumsOfProductsAreOne(t *testing.T) {
	const terms, m, n, k = 5, 70, 50, 33
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(25, 26))
	for _, twice := range []bool{false, true} {
		bl := newBuilder(b.(*Backend), "test")
		f := bl.Main()
		var inputs []compute.Buffer
		want := make([]float64, n*m)
		parameter := func(dims ...int) (compute.Value, []float32) {
			shape, values := shapes.Make(dtypes.Float32, dims...), noise(r, size(dims))
			v, err := f.Parameter("x", shape, nil)
			require.NoError(t, err)
			in, err := b.BufferFromFlatData(0, values, shape)
			require.NoError(t, err)
			inputs = append(inputs, in)
			return v, values
		}
		var sum, first compute.Value
		for i := range terms {
			x, xs := parameter(k, m)
			y, ys := parameter(n, k)
			dot, err := f.DotGeneral(x, []int{0}, nil, y, []int{1}, nil, compute.DotGeneralConfig{})
			require.NoError(t, err)
			turned, err := f.Transpose(dot, 1, 0)
			require.NoError(t, err)
			for j := range n {
				for i := range m {
					for d := range k {
						want[j*m+i] += float64(xs[d*m+i]) * float64(ys[j*k+d])
					}
				}
			}
			if i == 0 {
				sum, first = turned, turned
				continue
			}
			sum, err = f.Add(sum, turned)
			require.NoError(t, err)
		}
		outputs := []compute.Value{sum}
		if twice {
			outputs = append(outputs, first)
		}
		require.NoError(t, f.Return(outputs, nil))
		e, err := bl.Compile()
		require.NoError(t, err)
		var steps []string
		for _, s := range e.(*program).steps {
			steps = append(steps, s.what)
		}
		if twice {
			assert.NotContains(t, steps, "sum of products")
		} else {
			assert.Equal(t, []string{"sum of products", "copy"}, steps)
		}
		out, err := e.Execute(inputs, nil, 0)
		require.NoError(t, err)
		for i, v := range out[0].(*buffer).flat.([]float32) {
			assert.InDelta(t, want[i], v, 1e-4)
		}
	}
}
