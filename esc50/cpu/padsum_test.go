package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSumsOfSlices adds tensors surrounded by zeros, which meet or do not, and
// compares with the definition.
func TestSumsOfSlices(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(29, 30))
	dims := []int{60, 9, 70}
	for _, rows := range []int{5, 7} { // of each slice; they begin five apart
		var params [][]int
		for start := 0; start < dims[0]; start += 5 {
			params = append(params, []int{min(rows, dims[0]-start), 9, 70})
		}
		out, in, steps := compiled(t, b.(*Backend), r, params, func(f compute.Function, in []compute.Value) (sum compute.Value, err error) {
			zero, err := f.Constant([]float32{0})
			require.NoError(t, err)
			for i, v := range in {
				padded, err := f.Pad(v, zero, compute.PadAxis{Start: 5 * i, End: dims[0] - 5*i - params[i][0]}, compute.PadAxis{}, compute.PadAxis{})
				require.NoError(t, err)
				if i == 0 {
					sum = padded
					continue
				}
				sum, err = f.Add(sum, padded)
				require.NoError(t, err)
			}
			return sum, nil
		})
		assert.Equal(t, []string{"sum of slices"}, steps)
		want := make([]float32, size(dims))
		for i, x := range in {
			for j, v := range x {
				want[5*i*9*70+j] += v
			}
		}
		assert.Equal(t, want, out)
	}
}
