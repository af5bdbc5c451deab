package cpu

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTransposedProducts compares products between transpositions and reshapes
// with the same operations in computations of their own, to the bit.
func TestTransposedProducts(t *testing.T) {
	b := Default().(*Backend)
	random := rand.New(rand.NewPCG(1, 2))
	run := func(in []compute.Buffer, f func(f compute.Function, in []compute.Value) (compute.Value, error)) (compute.Buffer, []string) {
		return executed(t, b, in, f)
	}
	folded := 0
	for range 200 {
		// Axes of the left operand, the right one and the result, by letters.
		sizes := map[byte]int{'b': 2, 'c': 1 + random.IntN(3), 'm': 5, 'n': 7, 'p': 6 + 11*random.IntN(2), 'q': 1 + random.IntN(4), 'k': 8, 'l': 9}
		dims := func(axes string) (d []int) {
			for _, a := range []byte(axes) {
				d = append(d, sizes[a])
			}
			return d
		}
		shuffled := func(axes string) (string, []int) {
			permutation := random.Perm(len(axes))
			if random.IntN(3) == 0 {
				slices.Sort(permutation)
			}
			var s []byte
			for _, i := range permutation {
				s = append(s, axes[i])
			}
			return string(s), permutation
		}
		operand := func(axes string) compute.Buffer {
			shape := shapes.Make(dtypes.Float32, dims(axes)...)
			flat := make([]float32, shape.Size())
			for i := range flat {
				flat[i] = float32(random.NormFloat64())
			}
			made, err := b.BufferFromFlatData(0, flat, shape)
			require.NoError(t, err)
			return made
		}
		from := [2]string{"bcmnkl", "bcpqkl"}
		var permutations [3][]int
		var axes [2]string
		var in []compute.Buffer
		for i := range from {
			from[i], _ = shuffled(from[i])
			axes[i], permutations[i] = shuffled(from[i])
			in = append(in, operand(from[i]))
		}
		_, permutations[2] = shuffled("bcmnpq")
		split := random.IntN(2) == 0
		pick := func(axes string, letters ...byte) (at []int) {
			for _, l := range letters {
				at = append(at, slices.Index([]byte(axes), l))
			}
			return at
		}
		free := func(axes string, letters string) string {
			var s []byte
			for _, a := range []byte(axes) {
				if slices.Contains([]byte(letters), a) {
					s = append(s, a)
				}
			}
			return string(s)
		}
		result := dims("bc" + free(axes[0], "mn") + free(axes[1], "pq"))
		transpose := func(i int) func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return func(f compute.Function, in []compute.Value) (compute.Value, error) {
				return f.Transpose(in[0], permutations[i]...)
			}
		}
		dot := func(f compute.Function, in []compute.Value) (compute.Value, error) {
			v, err := f.DotGeneral(in[0], pick(axes[0], 'k', 'l'), pick(axes[0], 'b', 'c'), in[1], pick(axes[1], 'k', 'l'), pick(axes[1], 'b', 'c'),
				compute.DotGeneralConfig{})
			if err != nil || !split {
				return v, err
			}
			if v, err = f.Reshape(v, result[0]*result[1], result[2]*result[3], result[4], 1, result[5]); err != nil {
				return v, err
			}
			return f.Reshape(v, result...)
		}
		left, _ := run(in[:1], transpose(0))
		right, _ := run(in[1:], transpose(1))
		middle, _ := run([]compute.Buffer{left, right}, dot)
		want, _ := run([]compute.Buffer{middle}, transpose(2))
		got, steps := run(in, func(f compute.Function, in []compute.Value) (compute.Value, error) {
			l, err := transpose(0)(f, in[:1])
			require.NoError(t, err)
			r, err := transpose(1)(f, in[1:])
			require.NoError(t, err)
			m, err := dot(f, []compute.Value{l, r})
			require.NoError(t, err)
			return transpose(2)(f, []compute.Value{m})
		})
		if !slices.Contains(steps, compute.OpTypeTranspose.String()) {
			folded++
		}
		assert.Equal(t, want.(*buffer).flat, got.(*buffer).flat, "%v %v %v %v", from, axes, permutations, sizes)
	}
	assert.Greater(t, folded, 20)
}

// executed runs a computation of one function and returns its result, and what
// its steps are.
func executed(t *testing.T, b *Backend, in []compute.Buffer, f func(f compute.Function, in []compute.Value) (compute.Value, error)) (compute.Buffer, []string) {
	bl := b.Builder("product")
	main := bl.Main()
	var values []compute.Value
	for _, given := range in {
		v, err := main.Parameter("x", given.(*buffer).shape, nil)
		require.NoError(t, err)
		values = append(values, v)
	}
	v, err := f(main, values)
	require.NoError(t, err)
	require.NoError(t, main.Return([]compute.Value{v}, nil))
	e, err := bl.Compile()
	require.NoError(t, err)
	out, err := e.Execute(in, nil, 0)
	require.NoError(t, err)
	var steps []string
	for _, s := range e.(*program).steps {
		steps = append(steps, s.what)
	}
	return out[0], steps
}

// TestTransposedProductsOfBlocks writes a product's columns in blocks apart, as
// the gates of a recurrent network, to the bit as a transposition does.
func TestTransposedProductsOfBlocks(t *testing.T) {
	b := Default().(*Backend)
	r := rand.New(rand.NewPCG(5, 6))
	for _, width := range []int{16, 21, 48} {
		var in []compute.Buffer
		for _, dims := range [][]int{{37, 40}, {3, width, 40}} {
			made, err := b.BufferFromFlatData(0, noise(r, size(dims)), shapes.Make(dtypes.Float32, dims...))
			require.NoError(t, err)
			in = append(in, made)
		}
		dot := func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.DotGeneral(in[0], []int{1}, nil, in[1], []int{2}, nil, compute.DotGeneralConfig{})
		}
		transpose := func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.Transpose(in[0], 1, 0, 2)
		}
		plain, _ := executed(t, b, in, dot)
		want, _ := executed(t, b, []compute.Buffer{plain}, transpose)
		got, steps := executed(t, b, in, func(f compute.Function, in []compute.Value) (compute.Value, error) {
			v, err := dot(f, in)
			require.NoError(t, err)
			return transpose(f, []compute.Value{v})
		})
		assert.Equal(t, want.(*buffer).flat, got.(*buffer).flat, width)
		if 37*40*3*width > smallProduct {
			assert.NotContains(t, steps, compute.OpTypeTranspose.String())
		}
	}
}
