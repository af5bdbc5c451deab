//go:build !race

package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// windowTrial draws a Gather or a Scatter: windows of a tensor, and the tensor
// that has them.
type windowTrial struct {
	trial
	dims, size []int // of the tensor and of a window
	batch      []int // of index vectors
	axes       []int // by entry of an index vector
	vector     int   // axis of the entries
	collapsed  []int // axes that the other tensor has not
	offset     []int // axes of the other that it has
	other      []int // its dimensions
	index      [][]int64
	inside     bool // whether all windows lie in the tensor
}

var scatters = []string{"ScatterSum", "ScatterMax", "ScatterMin"}

func newWindowTrial(seed uint64) *windowTrial {
	r := &windowTrial{trial: trial{Rand: rand.New(rand.NewPCG(seed, 16))}, inside: true}
	r.dtype = one(&r.trial, map[string]dtypes.DType{
		"Float32": dtypes.Float32, "Float64": dtypes.Float64, "Int8": dtypes.Int8, "Int16": dtypes.Int16, "Int32": dtypes.Int32,
		"Int64": dtypes.Int64, "Uint8": dtypes.Uint8, "Uint16": dtypes.Uint16, "Uint32": dtypes.Uint32, "Uint64": dtypes.Uint64,
		"Float16": dtypes.Float16, "BFloat16": dtypes.BFloat16,
	})
	r.dims = r.shape(1, 4)
	for axis, d := range r.dims {
		r.size = append(r.size, 1+r.IntN(d))
		if r.size[axis] == 1 && r.IntN(2) == 0 {
			r.collapsed = append(r.collapsed, axis)
		}
	}
	r.batch = make([]int, r.IntN(3))
	for i := range r.batch {
		r.batch[i] = 1 + r.IntN(4)
	}
	r.axes = r.Perm(len(r.dims))[:1+r.IntN(len(r.dims))]
	r.vector = r.IntN(len(r.batch) + 1)
	r.offset = r.Perm(len(r.batch) + len(r.dims) - len(r.collapsed))[:len(r.dims)-len(r.collapsed)]
	slices.Sort(r.offset)
	batch, axis := 0, 0
	for i := range len(r.batch) + len(r.offset) {
		if !slices.Contains(r.offset, i) {
			r.other = append(r.other, r.batch[batch])
			batch++
			continue
		}
		for slices.Contains(r.collapsed, axis) {
			axis++
		}
		r.other = append(r.other, r.size[axis])
		axis++
	}
	r.operand(r.dims)
	r.drawIndices()
	r.name = "Gather"
	if r.IntN(3) > 0 {
		r.name = scatters[r.IntN(3)]
		r.operand(r.other)
	}
	r.build = func(f compute.Function, in []compute.Value) (compute.Value, error) {
		switch r.name {
		case "ScatterSum":
			return f.ScatterSum(in[0], in[1], in[2], r.vector, r.offset, r.collapsed, r.axes, false, false)
		case "ScatterMax":
			return f.ScatterMax(in[0], in[1], in[2], r.vector, r.offset, r.collapsed, r.axes, false, false)
		case "ScatterMin":
			return f.ScatterMin(in[0], in[1], in[2], r.vector, r.offset, r.collapsed, r.axes, false, false)
		}
		return f.Gather(in[0], in[1], r.vector, r.offset, r.collapsed, r.axes, r.size, false)
	}
	return r
}

// drawIndices draws index vectors of some integer type, half of the times with
// some that lead outside.
func (r *windowTrial) drawIndices() {
	types := []dtypes.DType{dtypes.Int32, dtypes.Int64, dtypes.Int8, dtypes.Int16, dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64}
	dtype, wild := types[r.IntN(len(types))], r.IntN(2) == 0
	dims := slices.Insert(slices.Clone(r.batch), r.vector, len(r.axes))
	flat := reflect.ValueOf(dtypes.MakeAnySlice(dtype, count(dims)))
	r.index = make([][]int64, count(r.batch))
	for i := range r.index {
		at := coordinates(i, r.batch)
		for k, axis := range r.axes {
			v := int64(r.IntN(r.dims[axis] - r.size[axis] + 1))
			e := flat.Index(place(slices.Insert(slices.Clone(at), r.vector, k), dims))
			switch {
			case wild && r.IntN(4) == 0 && dtype.IsUnsigned():
				v = int64(r.dims[axis] + r.IntN(3))
				if dtype == dtypes.Uint64 && r.IntN(2) == 0 {
					v = math.MaxInt64
					e.SetUint(math.MaxUint64)
				}
			case wild && r.IntN(4) == 0 && !dtype.IsUnsigned():
				v = int64(r.IntN(r.dims[axis]+8) - 4)
			}
			if dtype.IsUnsigned() && e.Uint() == 0 {
				e.SetUint(uint64(v))
			} else if !dtype.IsUnsigned() {
				e.SetInt(v)
			}
			r.inside = r.inside && v >= 0 && v <= int64(r.dims[axis]-r.size[axis])
			r.index[i] = append(r.index[i], v)
		}
	}
	r.in, r.trial.dims = append(r.in, flat.Interface()), append(r.trial.dims, dims)
}

func count(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func coordinates(i int, dims []int) []int {
	at := make([]int, len(dims))
	for axis := len(dims) - 1; axis >= 0; axis-- {
		at[axis], i = i%dims[axis], i/dims[axis]
	}
	return at
}

func place(at, dims []int) int {
	i := 0
	for axis, d := range dims {
		i = i*d + at[axis]
	}
	return i
}

// places are where in the tensor the elements of the other one are: windows are
// moved to lie inside for a Gather, and left out (-1) of a Scatter, as XLA
// defines it.
func (r *windowTrial) places() []int {
	all := make([]int, count(r.other))
	for i := range all {
		var batch, window []int
		for axis, p := range coordinates(i, r.other) {
			if slices.Contains(r.offset, axis) {
				window = append(window, p)
			} else {
				batch = append(batch, p)
			}
		}
		at, fits := make([]int, len(r.dims)), true
		for axis, next := 0, 0; axis < len(r.dims); axis++ {
			if !slices.Contains(r.collapsed, axis) {
				at[axis] = window[next]
				next++
			}
		}
		for k, axis := range r.axes {
			v, most := r.index[place(batch, r.batch)][k], int64(r.dims[axis]-r.size[axis])
			fits = fits && v >= 0 && v <= most
			at[axis] += int(max(0, min(v, most)))
		}
		all[i] = place(at, r.dims)
		if !fits && r.name != "Gather" {
			all[i] = -1
		}
	}
	return all
}

// want is the result by definition.
func (r *windowTrial) want() reflect.Value {
	source, places := reflect.ValueOf(r.in[0]), r.places()
	if r.name == "Gather" {
		out := reflect.MakeSlice(source.Type(), len(places), len(places))
		for i, at := range places {
			out.Index(i).Set(source.Index(at))
		}
		return out
	}
	out := reflect.MakeSlice(source.Type(), source.Len(), source.Len())
	reflect.Copy(out, source)
	values := make([]float64, out.Len())
	for i := range values {
		values[i] = number(out.Index(i))
	}
	for i, at := range places {
		if at < 0 {
			continue
		}
		switch v := number(reflect.ValueOf(r.in[2]).Index(i)); r.name {
		case "ScatterSum":
			values[at] += v
		case "ScatterMax":
			values[at] = max(values[at], v)
		default:
			values[at] = min(values[at], v)
		}
	}
	for i, v := range values {
		switch e := out.Index(i); {
		case r.dtype == dtypes.Float16:
			e.Set(reflect.ValueOf(float16.FromFloat32(float32(v))))
		case r.dtype == dtypes.BFloat16:
			e.Set(reflect.ValueOf(bfloat16.FromFloat32(float32(v))))
		case e.CanFloat():
			e.SetFloat(v)
		case e.CanUint():
			e.SetUint(uint64(v))
		default:
			e.SetInt(int64(v))
		}
	}
	return out
}

func number(v reflect.Value) float64 {
	switch {
	case v.Type().PkgPath() != "":
		return wideOf(v)
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

// solid tells whether the elements of a window are neighbours. GoMLX's Go backend
// scatters all updates of a window as if they were.
func (r *windowTrial) solid() bool {
	part := false
	for axis, size := range r.size {
		if part && size != r.dims[axis] {
			return false
		}
		part = part || size > 1
	}
	return true
}

// check compares with the definition, and with GoMLX's Go backend where all
// windows lie inside and it can do them.
func (r *windowTrial) check(t *testing.T) (compared bool) {
	t.Helper()
	what := fmt.Sprintf("%s of %s%v by %v along %d to %v, windows %v without %v at %v",
		r.name, r.dtype, r.dims, r.index, r.vector, r.axes, r.size, r.collapsed, r.offset)
	got, err := r.on(cpu.Default())
	require.NoError(t, err, what)
	r.same(t, what, r.want(), reflect.ValueOf(got))
	if !r.inside || r.name != "Gather" && !r.solid() {
		return false
	}
	theirs := r.onGo()
	if theirs == nil {
		return false
	}
	r.same(t, what+" (GoMLX's Go backend)", reflect.ValueOf(theirs), reflect.ValueOf(got))
	return true
}

// onGo is the result of GoMLX's Go backend, nil if it has none: it panics on some
// types.
func (r *windowTrial) onGo() (result any) {
	defer func() { _ = recover() }()
	result, err := r.on(goBackend())
	if err != nil {
		return nil
	}
	return result
}

func (r *windowTrial) same(t *testing.T, what string, want, got reflect.Value) {
	t.Helper()
	require.Equal(t, want.Type(), got.Type(), what)
	require.Equal(t, want.Len(), got.Len(), what)
	for i := range want.Len() {
		a, b := number(want.Index(i)), number(got.Index(i))
		if tolerance := tolerances[r.dtype]; !(math.Abs(a-b) <= tolerance*max(1, math.Abs(a))) {
			t.Fatalf("%s, element %d: %v, want %v", what, i, b, a)
		}
	}
}

// TestGatherScatter draws windows, index vectors and types.
func TestGatherScatter(t *testing.T) {
	trials := 1000
	if os.Getenv("REPRODL_LONG") != "" {
		trials = 30000
	}
	compared := 0
	for seed := range trials {
		if newWindowTrial(uint64(seed)).check(t) {
			compared++
		}
	}
	assert.Greater(t, compared, trials/4, "with GoMLX's Go backend")
}

func FuzzGatherScatter(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { newWindowTrial(seed).check(t) })
}
