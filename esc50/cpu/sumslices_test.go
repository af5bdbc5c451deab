package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSlicesOfSumsAreSums multiplies slices of a sum with one another, and compares
// with the definition. The sum is no step of its own, unless all of it is read too.
func TestSlicesOfSumsAreSums(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(29, 30))
	for _, bias := range [][]int{{3, 1, 70}, {1, 40, 70}, {1, 1, 70}, {3, 1, 1}, {3, 40, 70}} {
		for _, whole := range []bool{false, true} {
			dims := []int{3, 40, 70}
			out, in, steps := compiled(t, b.(*Backend), r, [][]int{dims, bias}, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				sum, err := f.Add(in[0], in[1])
				require.NoError(t, err)
				var v compute.Value
				for i := range 3 {
					gate, err := f.Slice(sum, []int{i, 0, 0}, []int{i + 1, 40, 70}, []int{1, 1, 1})
					require.NoError(t, err)
					if i == 0 {
						v = gate
						continue
					}
					v, err = f.Mul(v, gate)
					require.NoError(t, err)
				}
				if whole {
					v, err = f.Mul(v, sum)
				}
				return v, err
			})
			if !whole {
				assert.NotContains(t, steps, "Add", bias)
			}
			step := strides(bias)
			for i, d := range bias {
				if d == 1 {
					step[i] = 0
				}
			}
			at := func(i, j, k int) float32 {
				return in[0][(i*40+j)*70+k] + in[1][i*step[0]+j*step[1]+k*step[2]]
			}
			for i := range out {
				g, j, k := i/(40*70), i/70%40, i%70
				want := at(0, j, k) * at(1, j, k) * at(2, j, k)
				if whole {
					want *= at(g, j, k)
				}
				require.Equal(t, want, out[i], "%v %v: element %d", bias, whole, i)
			}
		}
	}
}
