package cpu_test

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

func complexNoise(n int) []complex128 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	z := make([]complex128, n)
	for i := range z {
		z[i] = complex(r.NormFloat64(), r.NormFloat64())
	}
	return z
}

// near compares with a tolerance relative to the larger of one and the value.
func near(t *testing.T, want, got []complex128, tolerance float64) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		if d := cmplx.Abs(want[i] - got[i]); !(d <= tolerance*max(1, cmplx.Abs(want[i]))) {
			t.Fatalf("element %d: %v, want %v", i, got[i], want[i])
		}
	}
}

func TestComplexFunctions(t *testing.T) {
	x, y := append(complexNoise(100), 1, -1, 1i, -1i, 1e-9, 3e-5i), append(complexNoise(106)[:105], 2)
	for name, c := range map[string]struct {
		ours func(x, y *graph.Node) *graph.Node
		want func(x, y complex128) complex128
	}{
		"Add":   {graph.Add, func(x, y complex128) complex128 { return x + y }},
		"Sub":   {graph.Sub, func(x, y complex128) complex128 { return x - y }},
		"Mul":   {graph.Mul, func(x, y complex128) complex128 { return x * y }},
		"Div":   {graph.Div, func(x, y complex128) complex128 { return x / y }},
		"Pow":   {graph.Pow, cmplx.Pow},
		"Exp":   {func(x, _ *graph.Node) *graph.Node { return graph.Exp(x) }, func(x, _ complex128) complex128 { return cmplx.Exp(x) }},
		"Log":   {func(x, _ *graph.Node) *graph.Node { return graph.Log(x) }, func(x, _ complex128) complex128 { return cmplx.Log(x) }},
		"Expm1": {func(x, _ *graph.Node) *graph.Node { return graph.Expm1(x) }, func(x, _ complex128) complex128 { return cmplx.Exp(x) - 1 }},
		"Log1p": {func(x, _ *graph.Node) *graph.Node {
			return graph.Log1P(graph.Add(x, graph.Const(x.Graph(), complex128(2))))
		}, func(x, _ complex128) complex128 { return cmplx.Log(x + 3) }},
		"Sqrt":  {func(x, _ *graph.Node) *graph.Node { return graph.Sqrt(x) }, func(x, _ complex128) complex128 { return cmplx.Sqrt(x) }},
		"Rsqrt": {func(x, _ *graph.Node) *graph.Node { return graph.Rsqrt(x) }, func(x, _ complex128) complex128 { return 1 / cmplx.Sqrt(x) }},
		"Neg":   {func(x, _ *graph.Node) *graph.Node { return graph.Neg(x) }, func(x, _ complex128) complex128 { return -x }},
		"Conj":  {func(x, _ *graph.Node) *graph.Node { return graph.Conj(x) }, func(x, _ complex128) complex128 { return cmplx.Conj(x) }},
		"Abs": {func(x, _ *graph.Node) *graph.Node { return graph.ConvertDType(graph.Abs(x), dtypes.Complex128) },
			func(x, _ complex128) complex128 { return complex(cmplx.Abs(x), 0) }},
		"parts": {func(x, y *graph.Node) *graph.Node { return graph.Complex(graph.Imag(x), graph.Real(y)) },
			func(x, y complex128) complex128 { return complex(imag(x), real(y)) }},
	} {
		t.Run(name, func(t *testing.T) {
			want := make([]complex128, len(x))
			for i := range x {
				want[i] = c.want(x[i], y[i])
			}
			got := graph.MustNewExec(cpu.Default(), c.ours).MustCall1(x, y)
			near(t, want, tensors.MustCopyFlatData[complex128](got), 1e-13)
			single := graph.MustNewExec(cpu.Default(), func(x, y *graph.Node) *graph.Node {
				if name == "Log1p" || name == "Abs" {
					return graph.ConvertDType(c.ours(x, y), dtypes.Complex64)
				}
				return c.ours(graph.ConvertDType(x, dtypes.Complex64), graph.ConvertDType(y, dtypes.Complex64))
			}).MustCall1(x, y)
			wide := make([]complex128, len(x))
			for i, v := range tensors.MustCopyFlatData[complex64](single) {
				wide[i] = complex128(v)
			}
			near(t, want, wide, 2e-4)
		})
	}
}

// TestComplexTensors reduces, multiplies and moves complex numbers.
func TestComplexTensors(t *testing.T) {
	z := [][]complex64{{1 + 1i, 2}, {3i, -1 - 1i}}
	got := graph.MustNewExec(cpu.Default(), func(z *graph.Node) []*graph.Node {
		return []*graph.Node{
			graph.ReduceSum(z, 0), graph.ReduceMultiply(z, 1), graph.Dot(z, z).MatMul(), graph.Transpose(z, 0, 1),
			graph.Equal(z, graph.Conj(z)), graph.Iota(z.Graph(), z.Shape(), 1),
		}
	}).MustCall(z)
	assert.Equal(t, []complex64{1 + 4i, 1 - 1i}, got[0].Value())
	assert.Equal(t, []complex64{2 + 2i, 3 - 3i}, got[1].Value())
	assert.Equal(t, [][]complex64{{8i, 0}, {0, 8i}}, got[2].Value())
	assert.Equal(t, [][]complex64{{1 + 1i, 3i}, {2, -1 - 1i}}, got[3].Value())
	assert.Equal(t, [][]bool{{false, true}, {false, false}}, got[4].Value())
	assert.Equal(t, [][]complex64{{0, 1}, {0, 1}}, got[5].Value())
}

// slowDFT is the definition.
func slowDFT(z []complex128, sign float64) []complex128 {
	out := make([]complex128, len(z))
	for k := range out {
		for j, v := range z {
			out[k] += v * cmplx.Rect(1, sign*2*math.Pi*float64(k*j%len(z))/float64(len(z)))
		}
	}
	return out
}

func TestFFT(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 30, 64, 97, 100, 243} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			z := complexNoise(2 * n)
			want := append(slowDFT(z[:n], -1), slowDFT(z[n:], -1)...)
			rows := tensors.FromFlatDataAndDimensions(z, 2, n)
			got := graph.MustNewExec(cpu.Default(), func(z *graph.Node) []*graph.Node {
				f := graph.FFT(z)
				r := graph.RealFFT(graph.Real(z))
				return []*graph.Node{f, graph.InverseFFT(f), r, graph.InverseRealFFT(r, n)}
			}).MustCall(rows)
			scale := math.Sqrt(float64(n))
			near(t, want, tensors.MustCopyFlatData[complex128](got[0]), 1e-14*scale)
			near(t, z, tensors.MustCopyFlatData[complex128](got[1]), 1e-14*scale)
			half := tensors.MustCopyFlatData[complex128](got[2])
			reals := make([]complex128, 2*n)
			for i, v := range z {
				reals[i] = complex(real(v), 0)
			}
			for row := range 2 {
				near(t, slowDFT(reals[row*n:(row+1)*n], -1)[:n/2+1], half[row*(n/2+1):(row+1)*(n/2+1)], 1e-14*scale)
			}
			for i, v := range tensors.MustCopyFlatData[float64](got[3]) {
				assert.InDelta(t, real(z[i]), v, 1e-13*scale)
			}
		})
	}
}

// TestFFTOfTwoAxes is a transform of the rows, then of the columns.
func TestFFTOfTwoAxes(t *testing.T) {
	z := complexNoise(15)
	want := make([]complex128, 15)
	for row := range 3 {
		copy(want[row*5:], slowDFT(z[row*5:(row+1)*5], -1))
	}
	for column := range 5 {
		v := slowDFT([]complex128{want[column], want[5+column], want[10+column]}, -1)
		want[column], want[5+column], want[10+column] = v[0], v[1], v[2]
	}
	got := graph.MustNewExec(cpu.Default(), func(z *graph.Node) *graph.Node { return graph.FFT(z, 3, 5) }).
		MustCall1(tensors.FromFlatDataAndDimensions(z, 3, 5))
	near(t, want, tensors.MustCopyFlatData[complex128](got), 1e-13)
}
