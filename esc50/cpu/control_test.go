package cpu_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

func ints(g *graph.Graph, name string) *graph.Node {
	return graph.Parameter(g, name, shapes.Make(dtypes.Int32))
}

// TestWhile counts Fibonacci numbers; the body reads a value outside of it.
func TestWhile(t *testing.T) {
	fibonacci := graph.MustNewExec(cpu.Default(), func(n *graph.Node) []*graph.Node {
		g := n.Graph()
		state := func() []*graph.Node {
			return []*graph.Node{ints(g, "i"), ints(g, "a"), ints(g, "b")}
		}
		test := graph.NewClosure(g, func(*graph.Graph) []*graph.Node {
			return []*graph.Node{graph.LessThan(state()[0], n)}
		})
		body := graph.NewClosure(g, func(*graph.Graph) []*graph.Node {
			s := state()
			return []*graph.Node{graph.AddScalar(s[0], 1), s[2], graph.Add(s[1], s[2])}
		})
		return graph.While(test, body, graph.Const(g, int32(0)), graph.Const(g, int32(0)), graph.Const(g, int32(1)))
	})
	for n, want := range []int32{0, 1, 1, 2, 3, 5, 8, 13} {
		got := fibonacci.MustCall(int32(n))
		assert.Equal(t, want, got[1].Value(), "number %d", n)
	}
}

// TestIf takes both branches, which read the same value outside and one each.
func TestIf(t *testing.T) {
	either := graph.MustNewExec(cpu.Default(), func(c, x, y *graph.Node) []*graph.Node {
		yes := graph.NewClosure(c.Graph(), func(*graph.Graph) []*graph.Node {
			return []*graph.Node{graph.Neg(x), x}
		})
		no := graph.NewClosure(c.Graph(), func(*graph.Graph) []*graph.Node {
			return []*graph.Node{graph.Mul(x, y), y}
		})
		return graph.If(c, yes, no)
	})
	x, y := []float32{1, 2}, []float32{10, 20}
	got := either.MustCall(true, x, y)
	assert.Equal(t, []float32{-1, -2}, got[0].Value())
	assert.Equal(t, []float32{1, 2}, got[1].Value())
	got = either.MustCall(false, x, y)
	assert.Equal(t, []float32{10, 40}, got[0].Value())
	assert.Equal(t, []float32{10, 20}, got[1].Value())
}

// TestNestedClosures reads main's values two functions further in, which is
// done through the backend: GoMLX makes every closure one of main.
func TestNestedClosures(t *testing.T) {
	b := cpu.Default().Builder("nested")
	main := b.Main()
	scalar := shapes.Make(dtypes.Float32)
	x, err := main.Parameter("x", scalar, nil)
	require.NoError(t, err)
	c, err := main.Parameter("c", shapes.Make(dtypes.Bool), nil)
	require.NoError(t, err)
	two, err := main.Constant([]float32{2})
	require.NoError(t, err)
	branch := func(outer compute.Function, of func(f compute.Function) (compute.Value, error)) compute.Function {
		f, err := outer.Closure()
		require.NoError(t, err)
		v, err := of(f)
		require.NoError(t, err)
		require.NoError(t, f.Return([]compute.Value{v}, nil))
		return f
	}
	outer := branch(main, func(f compute.Function) (compute.Value, error) {
		squared, err := f.Mul(x, x)
		require.NoError(t, err)
		v, err := f.If(c,
			branch(f, func(f compute.Function) (compute.Value, error) { return f.Add(x, squared) }),
			branch(f, func(f compute.Function) (compute.Value, error) { return f.Mul(squared, two) }))
		return v[0], err
	})
	v, err := main.If(c, outer, outer)
	require.NoError(t, err)
	require.NoError(t, main.Return(v, nil))
	program, err := b.Compile()
	require.NoError(t, err)
	for c, want := range map[bool]float32{true: 12, false: 18} {
		in, err := cpu.Default().BufferFromFlatData(0, []float32{3}, scalar)
		require.NoError(t, err)
		condition, err := cpu.Default().BufferFromFlatData(0, []bool{c}, shapes.Make(dtypes.Bool))
		require.NoError(t, err)
		out, err := program.Execute([]compute.Buffer{in, condition}, nil, 0)
		require.NoError(t, err)
		got, err := out[0].Data()
		require.NoError(t, err)
		assert.Equal(t, []float32{want}, got)
	}
}

func TestCall(t *testing.T) {
	twice := graph.MustNewExec(cpu.Default(), func(x *graph.Node) *graph.Node {
		half := graph.NewFunction(x.Graph(), "half", func(g *graph.Graph) []*graph.Node {
			return []*graph.Node{graph.MulScalar(graph.Parameter(g, "x", shapes.Make(dtypes.Float32, 2)), 0.5)}
		})
		return half.Call(half.Call(x)[0])[0]
	})
	assert.Equal(t, []float32{1, 2}, twice.MustCall1([]float32{4, 8}).Value())
}

// TestSort orders rows and columns by a plain comparison and by a closure that
// reads a value outside, on several numbers of workers.
func TestSort(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 8} {
		b, err := cpu.New(fmt.Sprintf("workers=%d", workers))
		require.NoError(t, err)
		sort := graph.MustNewExec(b, func(x, centre *graph.Node) []*graph.Node {
			g := x.Graph()
			distance := graph.NewClosure(g, func(*graph.Graph) []*graph.Node {
				l := graph.Parameter(g, "l", shapes.Make(dtypes.Float32))
				r := graph.Parameter(g, "r", shapes.Make(dtypes.Float32))
				return []*graph.Node{graph.LessThan(graph.Abs(graph.Sub(l, centre)), graph.Abs(graph.Sub(r, centre)))}
			})
			values, places := graph.TopK(graph.ConvertDType(x, dtypes.BFloat16), 2, 1)
			return []*graph.Node{graph.Sort(x, 0, true), graph.Sort(x, 1, false), values, places, graph.SortFunc(distance, 1, true, x)[0]}
		})
		got := sort.MustCall([][]float32{{3, 1, 2, 3}, {2, 5, 0, 4}}, float32(2))
		assert.Equal(t, [][]float32{{2, 1, 0, 3}, {3, 5, 2, 4}}, got[0].Value())
		assert.Equal(t, [][]float32{{3, 3, 2, 1}, {5, 4, 2, 0}}, got[1].Value())
		assert.Equal(t, [][]bfloat16.BFloat16{{bfloat16.FromFloat32(3), bfloat16.FromFloat32(3)}, {bfloat16.FromFloat32(5), bfloat16.FromFloat32(4)}}, got[2].Value())
		assert.Equal(t, [][]int32{{0, 3}, {1, 3}}, got[3].Value())
		assert.Equal(t, [][]float32{{2, 3, 1, 3}, {2, 0, 4, 5}}, got[4].Value())
		b.Finalize()
	}
}

// TestBarrier returns parameters, which are not the callee's memory.
func TestBarrier(t *testing.T) {
	main := cpu.Default().Builder("test").Main()
	_, err := main.OptimizationBarrier()
	assert.ErrorContains(t, err, "no operands")
	double := graph.MustNewExec(cpu.Default(), func(x, y *graph.Node) []*graph.Node {
		y = graph.OptimizationBarrier(y)
		return []*graph.Node{y, graph.Add(graph.OptimizationBarrier(x), y)}
	})
	got := double.MustCall(float32(1), float32(2))
	assert.Equal(t, float32(2), got[0].Value())
	assert.Equal(t, float32(3), got[1].Value())
}

// TestFunctionsRefuse names what does not fit.
func TestFunctionsRefuse(t *testing.T) {
	b := cpu.Default().Builder("test")
	main := b.Main()
	x, err := main.Parameter("x", shapes.Make(dtypes.Float32), nil)
	require.NoError(t, err)
	c, err := main.Parameter("c", shapes.Make(dtypes.Bool), nil)
	require.NoError(t, err)
	open, err := main.Closure()
	require.NoError(t, err)
	_, err = main.If(c, open, open)
	assert.ErrorContains(t, err, "If: the branch for true has no Return yet")
	_, err = main.If(x, open, open)
	assert.ErrorContains(t, err, "the condition is (Float32), not a scalar bool")
	f, err := b.NewFunction("f")
	require.NoError(t, err)
	_, err = f.Neg(x)
	assert.ErrorContains(t, err, "not of this computation")
	_, err = b.NewFunction("f")
	assert.ErrorContains(t, err, `a second function named "f"`)
	p, err := f.Parameter("p", shapes.Make(dtypes.Float32, 2), nil)
	require.NoError(t, err)
	require.NoError(t, f.Return([]compute.Value{p}, nil))
	_, err = main.Call(f, x)
	assert.ErrorContains(t, err, "(Float32)[2] as value 0, not (Float32)")
	other, err := cpu.Default().Builder("other").NewFunction("f")
	require.NoError(t, err)
	_, err = main.Call(other)
	assert.ErrorContains(t, err, "not a function of this computation")
}
