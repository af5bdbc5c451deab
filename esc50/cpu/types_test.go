package cpu_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/compute/support/testutil"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// backendCall runs operations of the interface on Go values.
func backendCall(t *testing.T, build func(f compute.Function, in []compute.Value) (compute.Value, error), in ...any) any {
	t.Helper()
	got, err := testutil.Exec1(cpu.Default(), in, build)
	require.NoError(t, err)
	return got
}

// TestPacked computes with integers of less than a byte: they come as bytes,
// are widened, and wrap around.
func TestPacked(t *testing.T) {
	for _, c := range []struct {
		name       string
		dtype      dtypes.DType
		bytes      []uint8
		per        int
		want, plus any // the elements, and their sums with themselves
	}{
		{"Int4", dtypes.Int4, []uint8{0x21, 0xf8}, 2, [][]int8{{1, 2}, {-8, -1}}, [][]int8{{2, 4}, {0, -2}}},
		{"Uint4", dtypes.Uint4, []uint8{0x21, 0xf8}, 2, [][]uint8{{1, 2}, {8, 15}}, [][]uint8{{2, 4}, {0, 14}}},
		{"Int2", dtypes.Int2, []uint8{0b11_10_01_00}, 4, [][]int8{{0, 1, -2, -1}}, [][]int8{{0, -2, 0, -2}}},
		{"Uint2", dtypes.Uint2, []uint8{0b11_10_01_00}, 4, [][]uint8{{0, 1, 2, 3}}, [][]uint8{{0, 2, 0, 2}}},
		{"Uint1", dtypes.Uint1, []uint8{0b10000101}, 8, [][]uint8{{1, 0, 1, 0, 0, 0, 0, 1}}, [][]uint8{{0, 0, 0, 0, 0, 0, 0, 0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			wide := dtypes.FromGoType(c.dtype.GoType())
			if c.dtype == dtypes.Int4 || c.dtype == dtypes.Int2 {
				wide = dtypes.Int8
			}
			got := backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				v, err := f.Bitcast(in[0], c.dtype)
				require.NoError(t, err)
				return f.ConvertDType(v, wide)
			}, c.bytes)
			assert.Equal(t, c.want, got)
			got = backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				v, err := f.Bitcast(in[0], c.dtype)
				require.NoError(t, err)
				if v, err = f.Add(v, v); err != nil {
					return nil, err
				}
				return f.ConvertDType(v, wide)
			}, c.bytes)
			assert.Equal(t, c.plus, got)
			got = backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				v, err := f.Bitcast(in[0], c.dtype)
				require.NoError(t, err)
				for range 2 { // there and back
					if v, err = f.Reverse(v, 0, 1); err != nil {
						return nil, err
					}
				}
				return f.Bitcast(v, dtypes.Uint8)
			}, c.bytes)
			assert.Equal(t, c.bytes, got)
		})
	}
}

// TestConvertSaturates: what does not fit has a value of its own, the same on
// every processor.
func TestConvertSaturates(t *testing.T) {
	inf := math.Inf(1)
	x := []float64{1.9, -1.9, 300, -300, 1e30, -1e30, inf, -inf, math.NaN()}
	got := graph.MustNewExec(cpu.Default(), func(x *graph.Node) []*graph.Node {
		var all []*graph.Node
		for _, to := range []dtypes.DType{dtypes.Int8, dtypes.Uint8, dtypes.Int64, dtypes.Uint64} {
			all = append(all, graph.ConvertDType(x, to), graph.ConvertDType(graph.ConvertDType(x, dtypes.Float32), to))
		}
		return all
	}).MustCall(x)
	for i := range 2 {
		assert.Equal(t, []int8{1, -1, 127, -128, 127, -128, 127, -128, 0}, got[i].Value())
		assert.Equal(t, []uint8{1, 0, 255, 0, 255, 0, 255, 0, 0}, got[2+i].Value())
		assert.Equal(t, []int64{1, -1, 300, -300, math.MaxInt64, math.MinInt64, math.MaxInt64, math.MinInt64, 0}, got[4+i].Value())
		assert.Equal(t, []uint64{1, 0, 300, 0, math.MaxUint64, 0, math.MaxUint64, 0, 0}, got[6+i].Value())
	}
}

func TestTotalOrder(t *testing.T) {
	nan := float32(math.NaN())
	minusNaN := math.Float32frombits(math.Float32bits(nan) | 1<<31)
	inf := float32(math.Inf(1))
	zero := float32(0)
	inOrder := []float32{minusNaN, -inf, -1, -zero * 1, zero, 1, inf, nan}
	inOrder[3] = math.Float32frombits(1 << 31)
	for i, a := range inOrder {
		for j, b := range inOrder {
			less := backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				return f.LessThanTotalOrder(in[0], in[1])
			}, a, b)
			assert.Equal(t, i < j, less, "%v < %v", a, b)
			equal := backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				return f.NotEqualTotalOrder(in[0], in[1])
			}, a, b)
			assert.Equal(t, i != j, equal, "%v != %v", a, b)
		}
	}
	assert.Equal(t, []bool{true, false}, backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.GreaterOrEqualTotalOrder(in[0], in[1])
	}, []int32{2, 1}, []int32{2, 2}))
}

func TestAtan2(t *testing.T) {
	inf := math.Inf(1)
	values := []float64{0, math.Copysign(0, -1), 1, -1, 0.5, -3, 1e-300, 1e300, inf, -inf, 0.66, 2.5, math.NaN()}
	for _, y := range values {
		for _, x := range values {
			got := backendCall(t, func(f compute.Function, in []compute.Value) (compute.Value, error) {
				return f.Atan2(in[0], in[1])
			}, y, x).(float64)
			want := math.Atan2(y, x)
			if math.IsNaN(want) {
				assert.True(t, math.IsNaN(got), "Atan2(%v, %v) = %v", y, x, got)
				continue
			}
			assert.InDelta(t, want, got, 1e-15*max(1, math.Abs(want)), "Atan2(%v, %v)", y, x)
			assert.Equal(t, math.Signbit(want), math.Signbit(got), "Atan2(%v, %v)", y, x)
		}
	}
}

func TestIntegerBits(t *testing.T) {
	clz := func(f compute.Function, in []compute.Value) (compute.Value, error) { return f.Clz(in[0]) }
	count := func(f compute.Function, in []compute.Value) (compute.Value, error) { return f.BitCount(in[0]) }
	assert.Equal(t, []int8{0, 8, 7, 1}, backendCall(t, clz, []int8{-1, 0, 1, 64}))
	assert.Equal(t, []uint64{0, 64, 63}, backendCall(t, clz, []uint64{math.MaxUint64, 0, 1}))
	assert.Equal(t, []int16{16, 0, 3}, backendCall(t, count, []int16{-1, 0, 7}))
	xor := func(f compute.Function, in []compute.Value) (compute.Value, error) { return f.ReduceBitwiseXor(in[0]) }
	assert.Equal(t, int32(2), backendCall(t, xor, []int32{7, 4, 1}))
	and := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.ReduceBitwiseAnd(in[0], 1)
	}
	assert.Equal(t, []uint8{4, 0}, backendCall(t, and, [][]uint8{{7, 4}, {1, 2}}))
	odd := func(f compute.Function, in []compute.Value) (compute.Value, error) { return f.ReduceLogicalXor(in[0]) }
	assert.Equal(t, true, backendCall(t, odd, []bool{true, true, true}))
}

// TestArgMinMaxOfAll tells 64 bit integers apart that are one float64.
func TestArgMinMaxOfAll(t *testing.T) {
	largest := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.ArgMinMax(in[0], 0, dtypes.Uint8, false)
	}
	assert.Equal(t, uint8(1), backendCall(t, largest, []int64{math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64}))
	assert.Equal(t, uint8(2), backendCall(t, largest, []uint64{1, 0, math.MaxUint64}))
	assert.Equal(t, uint8(1), backendCall(t, largest, []bfloat16.BFloat16{bfloat16.FromFloat32(1), bfloat16.FromFloat32(2)}))
}

// TestBoolOrder takes false as less than true, which the shape inference of
// package compute refuses for ArgMinMax, though GoMLX's own layers use it.
func TestBoolOrder(t *testing.T) {
	first := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.ArgMinMax(in[0], 0, dtypes.Int32, false)
	}
	assert.Equal(t, int32(1), backendCall(t, first, []bool{false, true, true}))
	least := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.ReduceWindow(in[0], compute.ReduceOpMin, []int{2}, []int{1}, nil, nil, nil)
	}
	assert.Equal(t, []bool{false, true}, backendCall(t, least, []bool{false, true, true}))
}

// TestBoxAtVector gives the start of a box in one tensor.
func TestBoxAtVector(t *testing.T) {
	x := [][]int32{{1, 2, 3}, {4, 5, 6}}
	cut := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.DynamicSlice(in[0], in[1:], []int{1, 2})
	}
	assert.Equal(t, [][]int32{{5, 6}}, backendCall(t, cut, x, []int64{1, 7}))
	set := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.DynamicUpdateSlice(in[0], in[1], in[2:])
	}
	assert.Equal(t, [][]int32{{1, 2, 3}, {9, 5, 6}}, backendCall(t, set, x, [][]int32{{9}}, []int64{1, 0}))
}

// TestRefusesTypes names operation, type and reason.
func TestRefusesTypes(t *testing.T) {
	f := cpu.Default().Builder("test").Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Complex64, 3), nil)
	require.NoError(t, err)
	_, err = f.LessThanTotalOrder(x, x)
	assert.ErrorIs(t, err, compute.ErrNotImplemented)
	assert.ErrorContains(t, err, "backend reprodl has no LessThanTotalOrder of Complex64 (there is no order)")
	_, err = f.Floor(x)
	assert.NoError(t, err)
	_, err = f.LessThan(x, x)
	assert.ErrorContains(t, err, "no LessThan of Complex64")
	i, err := f.Parameter("i", shapes.Make(dtypes.Int4, 4), nil)
	require.NoError(t, err)
	_, err = f.Clz(i)
	assert.ErrorContains(t, err, "no Clz of Int4 (it is computed with in 8 bits)")
	_, err = f.Parameter("f", shapes.Make(dtypes.F8E5M2, 4), nil)
	assert.ErrorIs(t, err, compute.ErrNotImplemented)
}

// TestDotHasNoNames: where no axis has a name, the product's have none.
func TestDotHasNoNames(t *testing.T) {
	f := cpu.Default().Builder("test").Main()
	x, err := f.Parameter("x", shapes.Make(dtypes.Float32, 2, 3), nil)
	require.NoError(t, err)
	y, err := f.DotGeneral(x, []int{1}, nil, x, []int{1}, nil, compute.DotGeneralConfig{})
	require.NoError(t, err)
	shape, err := f.Shape(y)
	require.NoError(t, err)
	assert.Equal(t, shapes.Make(dtypes.Float32, 2, 2), shape)
}

// TestBatchNormOfTypes compares float64 and 16 bit floats with float32.
func TestBatchNormOfTypes(t *testing.T) {
	x := [][]float32{{1, 2, -3}, {4, 0.5, 1}, {-1, 1, 2}, {0, 2, 5}}
	scale, offset := []float32{1, 2, 0.5}, []float32{0, 1, -1}
	norm := func(dtype dtypes.DType, axis int) []any {
		got, err := testutil.Exec(cpu.Default(), []any{x, scale, offset}, func(f compute.Function, in []compute.Value) ([]compute.Value, error) {
			var err error
			for i := range in {
				if in[i], err = f.ConvertDType(in[i], dtype); err != nil {
					return nil, err
				}
			}
			y, mean, variance, err := f.BatchNormForTraining(in[0], in[1], in[2], 1e-3, axis)
			require.NoError(t, err)
			dx, dScale, dOffset, err := f.BatchNormGradient(in[0], in[1], mean, variance, in[0], 1e-3, axis)
			require.NoError(t, err)
			z, err := f.BatchNormForInference(in[0], in[1], in[2], mean, variance, 1e-3, axis)
			require.NoError(t, err)
			out := []compute.Value{y, mean, variance, dx, dScale, dOffset, z}
			for i := range out {
				if out[i], err = f.ConvertDType(out[i], dtypes.Float32); err != nil {
					return nil, err
				}
			}
			return out, nil
		})
		require.NoError(t, err)
		return got
	}
	want := norm(dtypes.Float32, 1)
	for dtype, tolerance := range map[dtypes.DType]float64{dtypes.Float64: 1e-5, dtypes.Float16: 0.02, dtypes.BFloat16: 0.15} {
		for i, got := range norm(dtype, 1) {
			ok, diff := testutil.IsInDelta(want[i], got, tolerance)
			assert.True(t, ok, "%s, result %d: %s", dtype, i, diff)
		}
	}
}

// TestReduceWindowOfTypes dilates the operand and the window.
func TestReduceWindowOfTypes(t *testing.T) {
	sum := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.ReduceWindow(in[0], compute.ReduceOpSum, []int{2}, []int{1}, []int{2}, []int{2}, [][2]int{{1, 1}})
	}
	// Spread with zeros and padded the operand is 0 1 0 2 0 3 0; a window takes an
	// element, leaves one and takes the next.
	assert.Equal(t, []uint8{0, 3, 0, 5, 0}, backendCall(t, sum, []uint8{1, 2, 3}))
	assert.Equal(t, []int16{0, 3, 0, 5, 0}, backendCall(t, sum, []int16{1, 2, 3}))
	bf := bfloat16.FromFloat32
	assert.Equal(t, []bfloat16.BFloat16{bf(0), bf(3), bf(0), bf(5), bf(0)}, backendCall(t, sum, []bfloat16.BFloat16{bf(1), bf(2), bf(3)}))
	largest := func(f compute.Function, in []compute.Value) (compute.Value, error) {
		return f.SelectAndScatterMax(in[0], in[1], []int{2}, []int{2}, nil)
	}
	assert.Equal(t, []int32{0, 7, 8, 0}, backendCall(t, largest, []int32{1, 2, 4, 3}, []int32{7, 8}))
}
