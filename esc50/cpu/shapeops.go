package cpu

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// rearrange adds a node whose elements are all elements of its operand, from an
// offset on with a stride along each axis.
func (f *function) rearrange(op compute.OpType, x *value, out shapes.Shape, offset int, stride []int) (compute.Value, error) {
	return f.add1(&node{op: op, in: []*value{x}, run: func(x *run, in, out []tensor) {
		x.rearrange(out[0].flat, in[0].flat, out[0].shape.Dimensions, offset, stride)
	}}, out)
}

// rearrange splits the outer axes into tasks.
func (x *run) rearrange(dst, src any, dims []int, offset int, stride []int) {
	size := 1
	for _, d := range dims {
		size *= d
	}
	axes, outer := 0, 1
	for axes < len(dims)-1 && outer < size/grain {
		outer *= dims[axes]
		axes++
	}
	inner := size / max(1, outer)
	each := max(1, grain/max(1, inner))
	x.tasks((outer+each-1)/each, func(t int, _ *scratch) {
		for i := t * each; i < min(outer, (t+1)*each); i++ {
			from := offset
			for axis, rest := axes-1, i; axis >= 0; axis-- {
				from += rest % dims[axis] * stride[axis]
				rest /= dims[axis]
			}
			move(dst, src, strided(i*inner, dims[axes:], from, stride[axes:]))
		}
	})
}

// Identity returns a value equal to x.
func (f *function) Identity(x compute.Value) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeIdentity, in: in}, in[0].shape)
}

// Reshape returns the same elements in another shape.
func (f *function) Reshape(x compute.Value, dims ...int) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Reshape(in[0].shape, dims)
	if err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeReshape, in: in}, shape)
}

// Transpose permutes the axes.
func (f *function) Transpose(x compute.Value, permutation ...int) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Transpose(w[0], permutation...) }, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Transpose(in[0].shape, permutation)
	if err != nil {
		return nil, err
	}
	from := strides(in[0].shape.Dimensions)
	stride := make([]int, len(from))
	for i, axis := range permutation {
		stride[i] = from[axis]
	}
	v, err := f.rearrange(compute.OpTypeTranspose, in[0], shape, 0, stride)
	if err == nil {
		v.(*value).node.attr = slices.Clone(permutation)
	}
	return v, err
}

// BroadcastInDim repeats x along new axes and those of dimension one.
func (f *function) BroadcastInDim(x compute.Value, shape shapes.Shape, axes []int) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) {
			return f.BroadcastInDim(w[0], as(shape, wideType(shape.DType)), axes)
		}, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	if err := shapeinference.BroadcastInDim(in[0].shape, shape, axes, nil); err != nil {
		return nil, err
	}
	from := strides(in[0].shape.Dimensions)
	stride := make([]int, shape.Rank())
	for i, axis := range axes {
		if in[0].shape.Dimensions[i] != 1 {
			stride[axis] = from[i]
		}
	}
	v, err := f.rearrange(compute.OpTypeBroadcastInDim, in[0], shape, 0, stride)
	if err != nil {
		return nil, err
	}
	v.(*value).node.attr = broadcasting{stride}
	return v, nil
}

// Reverse turns the given axes around.
func (f *function) Reverse(x compute.Value, axes ...int) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Reverse(w[0], axes...) }, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	stride, offset := strides(shape.Dimensions), 0
	turned := make(map[int]bool)
	for _, axis := range axes {
		if axis < 0 || axis >= shape.Rank() || turned[axis] {
			return nil, fmt.Errorf("Reverse(%s): axis %d is out of range or given twice", shape, axis)
		}
		turned[axis] = true
		offset += (shape.Dimensions[axis] - 1) * stride[axis]
		stride[axis] = -stride[axis]
	}
	v, err := f.rearrange(compute.OpTypeReverse, in[0], shape, offset, stride)
	if err == nil {
		v.(*value).node.attr = axes
	}
	return v, err
}

// Slice cuts a box out of x.
func (f *function) Slice(x compute.Value, starts, limits, steps []int) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Slice(w[0], starts, limits, steps) }, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		steps = slices.Repeat([]int{1}, in[0].shape.Rank())
	}
	shape, err := shapeinference.Slice(in[0].shape, starts, limits, steps)
	if err != nil {
		return nil, err
	}
	stride, offset := strides(in[0].shape.Dimensions), 0
	for i := range stride {
		offset += starts[i] * stride[i]
		stride[i] *= steps[i]
	}
	if slices.Equal(shape.Dimensions, in[0].shape.Dimensions) {
		return f.Identity(x) // all of it
	}
	v, err := f.rearrange(compute.OpTypeSlice, in[0], shape, offset, stride)
	if err == nil {
		v.(*value).node.attr = slicing{slices.Clone(starts), slices.Clone(steps)}
	}
	return v, err
}

// slicing is where a slice begins and how it goes on, by axis.
type slicing struct{ starts, steps []int }

// Concatenate joins operands along an axis.
func (f *function) Concatenate(axis int, operands ...compute.Value) (compute.Value, error) {
	if len(operands) > 0 && isPacked(operands[0]) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Concatenate(axis, w...) }, operands...)
	}
	in, err := f.own(operands...)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Concatenate(shapesOf(in), axis)
	if err != nil {
		return nil, err
	}
	if n := depthwise(axis, in); n != nil {
		return f.add1(n, shape)
	}
	outer, inner := 1, 1
	for i, d := range shape.Dimensions {
		if i < axis {
			outer *= d
		} else if i > axis {
			inner *= d
		}
	}
	total := shape.Dimensions[axis] * inner
	return f.add1(&node{op: compute.OpTypeConcatenate, in: in, run: func(_ *run, in, out []tensor) {
		at := 0
		for _, t := range in {
			n := t.shape.Dimensions[axis] * inner
			move(out[0].flat, t.flat, func(yield func(to, from, step, n int)) {
				for i := range outer {
					yield(i*total+at, i*n, 1, n)
				}
			})
			at += n
		}
	}}, shape)
}

// Pad puts fill around and between the elements of x; negative amounts cut.
func (f *function) Pad(x, fill compute.Value, config ...compute.PadAxis) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.Pad(w[0], w[1], config...) }, x, fill)
	}
	in, err := f.own(x, fill)
	if err != nil {
		return nil, err
	}
	shape, err := shapeinference.Pad(in[0].shape, config...)
	if err != nil {
		return nil, err
	}
	if !in[1].shape.IsScalar() || in[1].shape.DType != shape.DType {
		return nil, fmt.Errorf("Pad(%s): fill is %s, not a scalar of that type", shape, in[1].shape)
	}
	dims := in[0].shape.Dimensions
	place := func(axis, i int) (int, bool) {
		if axis < len(config) {
			i = config[axis].Start + i*(1+config[axis].Interior)
		}
		return i, i >= 0 && i < shape.Dimensions[axis]
	}
	return f.add1(&node{op: compute.OpTypePad, in: in, attr: padding{config}, run: func(_ *run, in, out []tensor) {
		move(out[0].flat, in[1].flat, func(yield func(to, from, step, n int)) { yield(0, 0, 0, shape.Size()) })
		stride := strides(shape.Dimensions)
		move(out[0].flat, in[0].flat, func(yield func(to, from, step, n int)) {
			from := 0
			var visit func(axis, to int, inside bool)
			visit = func(axis, to int, inside bool) {
				if axis == len(dims) {
					if inside {
						yield(to, from, 1, 1)
					}
					from++
					return
				}
				for i := range dims[axis] {
					at, ok := place(axis, i)
					visit(axis+1, to+at*stride[axis], inside && ok)
				}
			}
			visit(0, 0, true)
		})
	}}, shape)
}

// Iota counts along an axis.
func (f *function) Iota(shape shapes.Shape, axis int) (compute.Value, error) {
	if axis < 0 || axis >= shape.Rank() || shape.DType == dtypes.Bool {
		return nil, fmt.Errorf("Iota(%s): no numbers along axis %d", shape, axis)
	}
	if wide := iotaType(shape.DType); wide != shape.DType {
		v, err := f.Iota(as(shape, wide), axis)
		if err != nil {
			return nil, err
		}
		return f.ConvertDType(v, shape.DType)
	}
	stride := strides(shape.Dimensions)[axis]
	return f.add1(&node{op: compute.OpTypeIota, run: func(_ *run, _, out []tensor) {
		flat := reflect.ValueOf(out[0].flat)
		for i := range flat.Len() {
			n := i / stride % shape.Dimensions[axis]
			flat.Index(i).Set(reflect.ValueOf(n).Convert(flat.Type().Elem()))
		}
	}}, shape)
}

// iotaType is the type to count in: Go's conversion of whole numbers goes to no
// other.
func iotaType(dtype dtypes.DType) dtypes.DType {
	switch dtype {
	case dtypes.Complex64:
		return dtypes.Float32
	case dtypes.Complex128:
		return dtypes.Float64
	}
	return wideType(dtype)
}
