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

// TestSlicesByChains pads what chains compute: they write it where it belongs,
// all slices at once, whether or not the slices fill the sum, are read besides,
// or have one beside them that no chain computes.
func TestSlicesByChains(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(31, 32))
	const rows, columns = 7, 300
	for _, c := range []struct {
		name        string
		empty       int // columns of zeros at the end
		read, plain bool
		steps       []string
	}{
		{name: "whole", steps: []string{"chain"}},
		{name: "zeros", empty: 5, steps: []string{"zeros", "chain"}},
		{name: "read besides", read: true, steps: []string{"chain", "Concatenate"}},
		{name: "another", plain: true, steps: []string{"chain", "sum of slices"}},
		{name: "another and zeros", empty: 5, plain: true, steps: []string{"zeros", "chain", "sum of slices"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			width := 3*columns + c.empty
			out, in, steps := compiled(t, b.(*Backend), r, [][]int{{rows, columns}, {rows, columns}, {rows, columns}},
				func(f compute.Function, in []compute.Value) (compute.Value, error) {
					zero, err := f.Constant([]float32{0})
					require.NoError(t, err)
					both, err := f.Mul(in[0], in[1])
					require.NoError(t, err)
					negative, err := f.Neg(both)
					require.NoError(t, err)
					parts := []compute.Value{both, negative, in[2]}
					if !c.plain {
						parts[2], err = f.Abs(in[2])
						require.NoError(t, err)
					}
					var sum compute.Value
					for i, v := range parts {
						padded, err := f.Pad(v, zero, compute.PadAxis{}, compute.PadAxis{Start: i * columns, End: width - (i+1)*columns})
						require.NoError(t, err)
						if i == 0 {
							sum = padded
							continue
						}
						sum, err = f.Add(sum, padded)
						require.NoError(t, err)
					}
					if !c.read {
						return sum, nil
					}
					return f.Concatenate(1, sum, negative)
				})
			assert.Equal(t, c.steps, steps)
			for i := range rows {
				for j := range columns {
					k := i*columns + j
					both := in[0][k] * in[1][k]
					row := out[i*len(out)/rows:]
					require.Equal(t, both, row[j])
					require.Equal(t, 0-both, row[columns+j])
					last := in[2][k]
					if !c.plain {
						last = max(last, -last)
					}
					require.Equal(t, last, row[2*columns+j])
					if c.read {
						require.Equal(t, -both, row[width+j])
					}
				}
				for _, v := range out[i*len(out)/rows+3*columns:][:c.empty] {
					require.Zero(t, v)
				}
			}
		})
	}
}
