package cpu_test

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// donation is a program of tensors x and y, of donatedSize elements.
func donation(t *testing.T, b compute.Backend, build func(f compute.Function, x, y compute.Value) []compute.Value) compute.Executable {
	shape := shapes.Make(dtypes.Float32, donatedSize)
	builder := b.Builder("donated")
	main := builder.Main()
	x, err := main.Parameter("x", shape, nil)
	require.NoError(t, err)
	y, err := main.Parameter("y", shape, nil)
	require.NoError(t, err)
	require.NoError(t, main.Return(build(main, x, y), nil))
	program, err := builder.Compile()
	require.NoError(t, err)
	return program
}

const donatedSize = 5000

// counted is a buffer of numbers that go up by one.
func counted(t *testing.T, b compute.Backend, from float32) compute.Buffer {
	flat := make([]float32, donatedSize)
	for i := range flat {
		flat[i] = from + float32(i)
	}
	buf, err := b.BufferFromFlatData(0, flat, shapes.Make(dtypes.Float32, donatedSize))
	require.NoError(t, err)
	return buf
}

func dataOf(t *testing.T, buf compute.Buffer) []float32 {
	flat, err := buf.Data()
	require.NoError(t, err)
	return flat.([]float32)
}

// TestDonated adds y to x twice, with reversals between, with x given away: its
// memory is used again within the run, unless it is y's too.
func TestDonated(t *testing.T) {
	b, err := cpu.New("workers=2")
	require.NoError(t, err)
	defer b.Finalize()
	program := donation(t, b, func(f compute.Function, x, y compute.Value) []compute.Value {
		for range 2 {
			x = must(f.Reverse(must(f.Add(x, y)), 0))
		}
		return []compute.Value{x}
	})
	own, other := counted(t, b, 0), counted(t, b, 7)
	memory := &dataOf(t, own)[0]
	for _, c := range []struct {
		name   string
		x, y   compute.Buffer
		donate []bool
		valid  bool
	}{
		{"kept", own, other, nil, true},
		{"given twice", counted(t, b, 0), nil, []bool{true, false}, false},
		{"given away", own, other, []bool{true, false}, false},
	} {
		if c.y == nil {
			c.y = c.x
		}
		a, add := append([]float32(nil), dataOf(t, c.x)...), append([]float32(nil), dataOf(t, c.y)...)
		out, err := program.Execute([]compute.Buffer{c.x, c.y}, c.donate, 0)
		require.NoError(t, err, c.name)
		for i, got := range dataOf(t, out[0]) {
			require.Equal(t, a[i]+add[i]+add[len(add)-1-i], got, "%s: element %d", c.name, i)
		}
		_, err = c.x.Data()
		assert.Equal(t, c.valid, err == nil, c.name)
		if c.name == "given away" {
			assert.Same(t, memory, &dataOf(t, out[0])[0])
		}
		require.NoError(t, out[0].Finalize())
	}
}

// TestWrittenOver has two results of one pass, x+y and (x+y)*x: the second takes
// the memory of x if that is given away, which the first may not. It goes the
// same way with z, which is computed.
func TestWrittenOver(t *testing.T) {
	b, err := cpu.New("workers=2")
	require.NoError(t, err)
	defer b.Finalize()
	program := donation(t, b, func(f compute.Function, x, y compute.Value) []compute.Value {
		z := must(f.Reverse(x, 0))
		sum, other := must(f.Add(x, y)), must(f.Sub(z, y))
		return []compute.Value{must(f.Reverse(z, 0)), other, must(f.Mul(other, z)), sum, must(f.Mul(sum, x))}
	})
	for _, donate := range []bool{false, true} {
		x, y := counted(t, b, 1), counted(t, b, 3)
		memory := &dataOf(t, x)[0]
		out, err := program.Execute([]compute.Buffer{x, y}, []bool{donate, false}, 0)
		require.NoError(t, err)
		for i := range donatedSize {
			x, y, z := float32(i+1), float32(i+3), float32(donatedSize-i)
			for k, want := range []float32{x, z - y, (z - y) * z, x + y, (x + y) * x} {
				require.Equal(t, want, dataOf(t, out[k])[i], "result %d, element %d", k, i)
			}
		}
		assert.Equal(t, float32(3), dataOf(t, y)[0])
		assert.Equal(t, donate, memory == &dataOf(t, out[4])[0])
	}
}

func must(v compute.Value, err error) compute.Value {
	if err != nil {
		panic(err)
	}
	return v
}
