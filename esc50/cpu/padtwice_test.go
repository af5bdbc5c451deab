package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/stretchr/testify/require"
)

// TestPaddedSumReadTwice: a sum of padded slices that more than a further sum reads.
func TestPaddedSumReadTwice(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(29, 30))
	out, in, _ := compiled(t, b.(*Backend), r, [][]int{{10, 70}, {10, 70}, {10, 70}}, func(f compute.Function, in []compute.Value) (compute.Value, error) {
		zero, err := f.Constant([]float32{0})
		require.NoError(t, err)
		var p []compute.Value
		for i, v := range in {
			x, err := f.Pad(v, zero, compute.PadAxis{Start: 10 * i, End: 20 - 10*i}, compute.PadAxis{})
			require.NoError(t, err)
			p = append(p, x)
		}
		two, err := f.Add(p[0], p[1])
		require.NoError(t, err)
		three, err := f.Add(two, p[2])
		require.NoError(t, err)
		return f.Mul(three, two)
	})
	require.Equal(t, in[0][5]*in[0][5], out[5])
	require.Zero(t, out[1500], "beyond the two")
}
