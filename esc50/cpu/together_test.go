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

// TestRowsRunTogether has a softmax and a normalisation of rows, whose steps run
// together, to the same bits as one by one: with operands that all rows read, with
// rows of an odd number of elements, and with buffers that are given away.
func TestRowsRunTogether(t *testing.T) {
	b, err := New("workers=3")
	require.NoError(t, err)
	defer b.Finalize()
	r := rand.New(rand.NewPCG(29, 30))
	for _, s := range []struct{ rows, n int }{{300, 40}, {7, 1001}, {64, 128}, {5000, 3}} {
		x, scale := noise(r, s.rows*s.n), noise(r, s.n)
		run := func(together, donate bool) ([]string, [][]float32) {
			bl := newBuilder(b.(*Backend), "test")
			f := bl.Main()
			value := func(v compute.Value, err error) compute.Value {
				require.NoError(t, err)
				return v
			}
			shape, last := shapes.Make(dtypes.Float32, s.rows, s.n), shapes.Make(dtypes.Float32, 1, s.n)
			in, factor := value(f.Parameter("x", shape, nil)), value(f.Parameter("scale", last, nil))
			column := func(v compute.Value) compute.Value { return value(f.Reshape(v, s.rows, 1)) }
			e := value(f.Exp(value(f.Sub(in, column(value(f.ReduceMax(in, 1)))))))
			soft := value(f.Div(e, column(value(f.ReduceSum(e, 1)))))
			centred := value(f.Sub(in, column(value(f.ReduceSum(soft, 1)))))
			square := value(f.ReduceSum(value(f.Mul(centred, centred)), 1))
			scaled := value(f.Mul(value(f.Div(centred, column(value(f.Sqrt(square))))), factor))
			// What all rows make together, and every row reads.
			total := value(f.Reshape(value(f.ReduceSum(scaled, 0)), 1, s.n))
			require.NoError(t, f.Return([]compute.Value{value(f.Add(scaled, total)), soft, value(f.ReduceMax(scaled, 1))}, nil))
			made, err := bl.Compile()
			require.NoError(t, err)
			p := made.(*program)
			if !together {
				var apart []step
				for _, s := range p.steps {
					if s.joined == nil {
						apart = append(apart, s)
					}
					apart = append(apart, s.joined...)
				}
				p.steps = apart
			}
			var steps []string
			for _, s := range p.steps {
				steps = append(steps, s.what)
			}
			var inputs []compute.Buffer
			for i, flat := range [][]float32{x, scale} {
				in, err := b.BufferFromFlatData(0, flat, []shapes.Shape{shape, last}[i])
				require.NoError(t, err)
				inputs = append(inputs, in)
			}
			buffers, err := p.Execute(inputs, []bool{donate, donate}, 0)
			require.NoError(t, err)
			var out [][]float32
			for _, v := range buffers {
				out = append(out, v.(*buffer).flat.([]float32))
			}
			return steps, out
		}
		_, want := run(false, false)
		for _, donate := range []bool{false, true} {
			steps, got := run(true, donate)
			assert.Contains(t, steps, "rows")
			assert.Less(t, len(steps), 6, "%v", steps)
			assert.Equal(t, want, got, "%d rows of %d", s.rows, s.n)
		}
	}
}
