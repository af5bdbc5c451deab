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

// compiled makes a computation of one result from float32 parameters of the given
// shapes, runs it, and returns the result and what its steps are.
func compiled(t *testing.T, b *Backend, r *rand.Rand, params [][]int, f func(f compute.Function, in []compute.Value) (compute.Value, error)) (out []float32, in [][]float32, steps []string) {
	bl := b.Builder("test")
	main := bl.Main()
	var values []compute.Value
	var buffers []compute.Buffer
	for _, dims := range params {
		shape, flat := shapes.Make(dtypes.Float32, dims...), noise(r, size(dims))
		v, err := main.Parameter("x", shape, nil)
		require.NoError(t, err)
		buffer, err := b.BufferFromFlatData(0, flat, shape)
		require.NoError(t, err)
		values, buffers, in = append(values, v), append(buffers, buffer), append(in, flat)
	}
	v, err := f(main, values)
	require.NoError(t, err)
	require.NoError(t, main.Return([]compute.Value{v}, nil))
	e, err := bl.Compile()
	require.NoError(t, err)
	for _, s := range e.(*program).steps {
		steps = append(steps, s.what)
	}
	results, err := e.Execute(buffers, nil, 0)
	require.NoError(t, err)
	return results[0].(*buffer).flat.([]float32), in, steps
}

// boxPlaces are those of a box's elements in a tensor, in order.
func boxPlaces(dims, starts, limits, steps []int) []int {
	at := []int{0}
	for axis, by := range strides(dims) {
		var next []int
		for _, p := range at {
			for i := starts[axis]; i < limits[axis]; i += steps[axis] {
				next = append(next, p+i*by)
			}
		}
		at = next
	}
	return at
}

// TestChainsReadSlices adds tensors to slices, and compares with the definition.
// Those of long rows as far apart as one another are no steps of their own.
func TestChainsReadSlices(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(27, 28))
	dims := []int{3, 40, 5, 130}
	one := []int{1, 1, 1, 1}
	for _, c := range []struct {
		starts, limits, steps []int
		copied                bool
	}{
		{[]int{1, 0, 2, 0}, []int{2, 40, 3, 130}, one, false},
		{[]int{0, 7, 1, 33}, []int{1, 40, 2, 130}, one, false},
		{[]int{2, 3, 0, 0}, []int{3, 30, 5, 130}, one, false},
		{[]int{1, 1, 4, 2}, []int{2, 38, 5, 68}, []int{1, 3, 1, 1}, false},
		{[]int{0, 0, 2, 0}, []int{3, 40, 3, 70}, one, false},
		{[]int{0, 1, 4, 0}, []int{3, 38, 5, 130}, one, true},
		{[]int{0, 0, 1, 0}, []int{1, 40, 2, 60}, one, true},
		{[]int{0, 0, 1, 0}, []int{1, 40, 2, 130}, []int{1, 1, 1, 2}, true},
	} {
		at := boxPlaces(dims, c.starts, c.limits, c.steps)
		out, in, steps := compiled(t, b.(*Backend), r, [][]int{dims, {len(at)}}, func(f compute.Function, in []compute.Value) (compute.Value, error) {
			slice, err := f.Slice(in[0], c.starts, c.limits, c.steps)
			require.NoError(t, err)
			flat, err := f.Reshape(slice, len(at))
			require.NoError(t, err)
			return f.Add(in[1], flat)
		})
		if c.copied {
			assert.Equal(t, []string{"Slice", "chain"}, steps, c)
		} else {
			assert.Equal(t, []string{"chain"}, steps, c)
		}
		for i, p := range at {
			require.Equal(t, in[1][i]+in[0][p], out[i], "%v: element %d", c, i)
		}
	}
}
