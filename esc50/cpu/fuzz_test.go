//go:build !race

// GoMLX's Go backend converts pointers in a way that -race's checkptr refuses.

package cpu_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/support/testutil"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// tolerances of results against GoMLX's Go backend, relative to the larger of
// one and the value: float32 sums differ in order, float64 functions are good to
// about single precision, 16 bit floats may round twice. Integers are equal.
var tolerances = map[dtypes.DType]float64{
	dtypes.Float32: 2e-5, dtypes.Float64: 1e-6, dtypes.Float16: 8e-3, dtypes.BFloat16: 6e-2,
}

// trial draws one operation with operands.
type trial struct {
	*rand.Rand
	dtype dtypes.DType
	name  string
	in    []any   // flat
	dims  [][]int // of in
	build func(f compute.Function, in []compute.Value) (compute.Value, error)
}

func (r *trial) shape(least, most int) []int {
	dims := make([]int, least+r.IntN(most-least+1))
	for i := range dims {
		dims[i] = 1 + r.IntN(5)
	}
	return dims
}

// operand draws small numbers, so that integers rarely overflow.
func (r *trial) operand(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	flat := reflect.ValueOf(dtypes.MakeAnySlice(r.dtype, n))
	for i := range n {
		v := float64(r.IntN(2001)-1000) / 250
		e := flat.Index(i)
		switch {
		case r.dtype == dtypes.Float16:
			e.Set(reflect.ValueOf(float16.FromFloat32(float32(v))))
		case r.dtype == dtypes.BFloat16:
			e.Set(reflect.ValueOf(bfloat16.FromFloat32(float32(v))))
		case r.dtype.IsFloat():
			e.SetFloat(v)
		case r.dtype.IsUnsigned():
			e.SetUint(uint64(math.Abs(v)))
		default:
			e.SetInt(int64(v))
		}
	}
	r.in, r.dims = append(r.in, flat.Interface()), append(r.dims, dims)
	return len(r.in) - 1
}

type (
	unaryBuild  = func(f compute.Function, x compute.Value) (compute.Value, error)
	binaryBuild = func(f compute.Function, l, r compute.Value) (compute.Value, error)
)

var (
	fuzzFloat = map[string]unaryBuild{
		"Exp": compute.Function.Exp, "Expm1": compute.Function.Expm1, "Tanh": compute.Function.Tanh, "Sin": compute.Function.Sin,
		"Cos": compute.Function.Cos, "Erf": compute.Function.Erf, "Logistic": compute.Function.Logistic, "Ceil": compute.Function.Ceil,
		"Floor": compute.Function.Floor, "Round": compute.Function.Round,
	}
	fuzzUnary  = map[string]unaryBuild{"Abs": compute.Function.Abs, "Sign": compute.Function.Sign}
	fuzzBinary = map[string]binaryBuild{
		"Add": compute.Function.Add, "Sub": compute.Function.Sub, "Mul": compute.Function.Mul, "Max": compute.Function.Max,
		"Min": compute.Function.Min, "Less": compute.Function.LessThan, "Equal": compute.Function.Equal, "NotEqual": compute.Function.NotEqual,
		"GreaterOrEqual": compute.Function.GreaterOrEqual,
	}
	fuzzInteger = map[string]binaryBuild{
		"And": compute.Function.BitwiseAnd, "Or": compute.Function.BitwiseOr, "Xor": compute.Function.BitwiseXor,
	}
	fuzzReduce = map[string]func(f compute.Function, x compute.Value, axes ...int) (compute.Value, error){
		"ReduceSum": compute.Function.ReduceSum, "ReduceMax": compute.Function.ReduceMax, "ReduceMin": compute.Function.ReduceMin,
	}
)

// one picks an entry of a map, by the generator and not by the map's order.
func one[T any](r *trial, m map[string]T) T {
	names := make([]string, 0, len(m))
	for name := range m {
		i := 0
		for i < len(names) && names[i] < name {
			i++
		}
		names = append(names[:i], append([]string{name}, names[i:]...)...)
	}
	r.name = names[r.IntN(len(names))]
	return m[r.name]
}

func newTrial(seed uint64) *trial {
	r := &trial{Rand: rand.New(rand.NewPCG(seed, 15))}
	types := []dtypes.DType{
		dtypes.Float32, dtypes.Float32, dtypes.Float64, dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64,
		dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64, dtypes.Float16, dtypes.BFloat16,
	}
	r.dtype = types[r.IntN(len(types))]
	switch r.IntN(10) {
	case 0:
		op := one(r, fuzzUnary)
		if r.dtype.IsFloat() {
			op = one(r, fuzzFloat)
		}
		r.operand(r.shape(0, 4))
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) { return op(f, in[0]) }
	case 1:
		op := one(r, fuzzBinary)
		if r.dtype.IsInt() && r.IntN(3) == 0 {
			op = one(r, fuzzInteger)
		}
		dims := r.shape(0, 4)
		other := append([]int{}, dims...)
		for i := range other {
			if r.IntN(3) == 0 {
				other[i] = 1 // broadcast
			}
		}
		r.operand(dims)
		r.operand(other)
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) { return op(f, in[0], in[1]) }
	case 2:
		op := one(r, fuzzReduce)
		dims := r.shape(1, 4)
		var axes []int
		for i := range dims {
			if r.IntN(2) == 0 {
				axes = append(axes, i)
			}
		}
		r.operand(dims)
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) { return op(f, in[0], axes...) }
	case 3:
		r.name = "DotGeneral"
		b, m, n, k := 1+r.IntN(3), 1+r.IntN(20), 1+r.IntN(20), 1+r.IntN(40)
		r.operand([]int{b, m, k})
		r.operand([]int{b, k, n})
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.DotGeneral(in[0], []int{2}, []int{0}, in[1], []int{1}, []int{0}, compute.DotGeneralConfig{})
		}
	case 4:
		r.name = "ConvGeneral"
		in, out, h, w := 1+r.IntN(3), 1+r.IntN(4), 3+r.IntN(6), 3+r.IntN(6)
		stride, dilate, pad := 1+r.IntN(2), 1+r.IntN(2), r.IntN(3)
		r.operand([]int{2, h + 2, w + 2, in})
		r.operand([]int{2, 3, in, out})
		r.build = func(f compute.Function, v []compute.Value) (compute.Value, error) {
			return f.ConvGeneral(v[0], v[1], compute.ConvolveAxesConfig{
				InputBatch: 0, InputSpatial: []int{1, 2}, InputChannels: 3, KernelSpatial: []int{0, 1}, KernelInputChannels: 2,
				KernelOutputChannels: 3, OutputBatch: 0, OutputSpatial: []int{1, 2}, OutputChannels: 3,
			}, []int{stride, stride}, [][2]int{{pad, 1}, {0, pad}}, nil, []int{dilate, 1}, 1, 1)
		}
	case 5:
		r.name = "ReduceWindow"
		size, stride := 1+r.IntN(3), 1+r.IntN(3)
		kind := []compute.ReduceOpType{compute.ReduceOpMax, compute.ReduceOpMin, compute.ReduceOpSum}[r.IntN(3)]
		r.operand([]int{2, 3 + r.IntN(6), 3 + r.IntN(6)})
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.ReduceWindow(in[0], kind, []int{1, size, 2}, []int{1, stride, 1}, nil, nil, [][2]int{{0, 0}, {0, 1}, {1, 0}})
		}
	case 6:
		r.name = "Transpose"
		dims := r.shape(1, 5)
		r.operand(dims)
		order := r.Perm(len(dims))
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.Transpose(in[0], order...)
		}
	case 7:
		r.name = "Pad, Slice, Reverse and Concatenate"
		dims := r.shape(2, 3)
		r.operand(dims)
		r.operand(nil)
		start, end, inside := r.IntN(3), r.IntN(3), r.IntN(2)
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
			x, err := f.Pad(in[0], in[1], compute.PadAxis{Start: start, End: end, Interior: inside})
			if err != nil {
				return nil, err
			}
			if x, err = f.Reverse(x, 0, 1); err != nil {
				return nil, err
			}
			y, err := f.Slice(x, make([]int, len(dims)), append([]int{start + 1}, dims[1:]...), nil)
			if err != nil {
				return nil, err
			}
			return f.Concatenate(0, x, y)
		}
	case 8:
		r.name = "ArgMinMax"
		dims, isMin := r.shape(1, 3), r.IntN(2) == 0
		r.operand(dims)
		axis := r.IntN(len(dims))
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
			return f.ArgMinMax(in[0], axis, dtypes.Int32, isMin)
		}
	case 9:
		r.name = "ConvertDType"
		to := types[r.IntN(len(types))]
		if to.IsUnsigned() {
			to = dtypes.Int64 // what does not fit is the processor's choice there
		}
		r.operand(r.shape(0, 3))
		r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) { return f.ConvertDType(in[0], to) }
	}
	return r
}

// on runs the trial and returns the flat result.
func (r *trial) on(b compute.Backend) (any, error) {
	return testutil.Exec1(b, r.in, func(f compute.Function, in []compute.Value) (compute.Value, error) {
		for i := range in {
			var err error
			if in[i], err = f.Reshape(in[i], r.dims[i]...); err != nil {
				return nil, err
			}
		}
		y, err := r.build(f, in)
		if err != nil {
			return nil, err
		}
		shape, err := f.Shape(y)
		if err != nil {
			return nil, err
		}
		return f.Reshape(y, shape.Size())
	})
}

func wideOf(v reflect.Value) float64 {
	switch x := v.Interface().(type) {
	case float16.Float16:
		return float64(x.Float32())
	case bfloat16.BFloat16:
		return float64(x.Float32())
	}
	return v.Float()
}

// check compares the backends, and tells whether GoMLX's had a result.
func (r *trial) check(t *testing.T) (compared bool) {
	t.Helper()
	want, err := r.on(goBackend())
	if err != nil {
		return false
	}
	got, err := r.on(cpu.Default())
	what := fmt.Sprintf("%s of %s%v", r.name, r.dtype, r.dims)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return true
	}
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if w.Type() != g.Type() || w.Len() != g.Len() {
		t.Errorf("%s: %s of %d, want %s of %d", what, g.Type(), g.Len(), w.Type(), w.Len())
		return true
	}
	tolerance, float := tolerances[dtypes.FromGoType(w.Type().Elem())]
	if float && r.dtype.IsHalfPrecision() {
		tolerance = max(tolerance, tolerances[r.dtype])
	}
	for i := range w.Len() {
		if !float {
			if w.Index(i).Interface() != g.Index(i).Interface() {
				t.Errorf("%s, element %d: %v, want %v", what, i, g.Index(i), w.Index(i))
				return true
			}
			continue
		}
		a, b := wideOf(w.Index(i)), wideOf(g.Index(i))
		if a != b && !(math.Abs(a-b) <= tolerance*max(1, math.Abs(a))) && !(a != a && b != b) {
			t.Errorf("%s, element %d: %v, want %v", what, i, b, a)
			return true
		}
	}
	return true
}

// TestAgainstGo compares operations on drawn shapes and types with GoMLX's Go
// backend.
func TestAgainstGo(t *testing.T) {
	trials := 600
	if os.Getenv("REPRODL_LONG") != "" {
		trials = 20000
	}
	compared := 0
	for seed := range trials {
		if newTrial(uint64(seed)).check(t) {
			compared++
		}
	}
	assert.Greater(t, compared, trials*9/10)
}

// drawn is the SHA-256 of the results of drawn operations, the same on every
// machine; those whose sums the layout of a faster kernel may regroup are left
// to the tests of networks.
const drawn = "cf6d2745cc86d188c82be30c4a5a70bcfe75f41ed7bd545ca248398f2f34f42f"

// TestSameBitsOfOperations runs drawn operations with every kind of kernels and
// several numbers of workers.
func TestSameBitsOfOperations(t *testing.T) {
	old := kernel.Current()
	defer func() { _, _ = kernel.SetLevel(old) }()
	for _, config := range []string{"level=generic,workers=1", "level=avx2,workers=2", "level=avx512,workers=3", "level=neon,workers=8"} {
		t.Run(config, func(t *testing.T) {
			b, err := cpu.New(config)
			if err != nil {
				t.Skip(err)
			}
			h := sha256.New()
			for seed := range uint64(400) {
				r := newTrial(seed)
				if strings.HasPrefix(r.name, "Reduce") || strings.HasSuffix(r.name, "General") {
					continue
				}
				got, err := r.on(b)
				if err == nil {
					h.Write(dtypes.UnsafeByteSliceFromAny(got))
				}
			}
			z := complexNumbers()
			for _, v := range graph.MustNewExec(b, func(z *graph.Node) []*graph.Node {
				values, places := graph.TopK(graph.Real(z), 5, 1)
				return []*graph.Node{graph.FFT(z), graph.Exp(z), graph.Log(z), graph.Sqrt(z), graph.Pow(z, graph.Conj(z)), values, places}
			}).MustCall(z) {
				require.NoError(t, v.ConstBytes(func(data []byte) { h.Write(data) }))
			}
			assert.Equal(t, drawn, hex.EncodeToString(h.Sum(nil)))
		})
	}
}

// complexNumbers are seven rows of thirty, exact on every machine.
func complexNumbers() [][]complex128 {
	rows := make([][]complex128, 7)
	for i := range rows {
		for j := range 30 {
			rows[i] = append(rows[i], complex(float64(i*j%11)/4-1, float64(j*7%13)/8))
		}
	}
	return rows
}

func FuzzAgainstGo(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { newTrial(seed).check(t) })
}
