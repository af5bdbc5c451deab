package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// window describes windows that slide over an operand.
type window struct {
	dims, size, stride []int
	spread, dilate     []int // steps between elements of the operand and of the window
	pads               [][2]int
	out                []int
}

// ReduceWindow reduces every position of a window.
func (f *function) ReduceWindow(x compute.Value, kind compute.ReduceOpType, size, stride, inDilation, dilation []int,
	pads [][2]int) (compute.Value, error) {
	if t := orderedType(typeOf(x)); t != typeOf(x) && (isNarrow(x) || kind == compute.ReduceOpMax || kind == compute.ReduceOpMin) {
		w, err := f.ConvertDType(x, t)
		if err != nil {
			return nil, err
		}
		v, err := f.ReduceWindow(w, kind, size, stride, inDilation, dilation, pads)
		return f.narrow(v, err, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.ReduceWindow(in[0].shape, size, stride, inDilation, dilation, pads)
	if err != nil {
		return nil, err
	}
	w := newWindow(in[0].shape, size, stride, pads, out)
	if len(inDilation) > 0 {
		w.spread = inDilation
	}
	if len(dilation) > 0 {
		w.dilate = dilation
	}
	var do func(x *run, dst, src any)
	if t := numberTypes[out.DType]; t != nil {
		do = t.reduceWindow(kind, out.DType, w)
	}
	if do == nil {
		return nil, unsupported(compute.OpTypeReduceWindow, out.DType, kind.String())
	}
	n := &node{op: compute.OpTypeReduceWindow, in: in, attr: pooling{w, kind}}
	n.run = func(x *run, in, out []tensor) { do(x, out[0].flat, in[0].flat) }
	return f.add1(n, out)
}

// pooling is what a ReduceWindow or SelectAndScatter does.
type pooling struct {
	*window
	kind compute.ReduceOpType
}

func allOnes(v []int) bool {
	for _, d := range v {
		if d != 1 {
			return false
		}
	}
	return true
}

func newWindow(in shapes.Shape, size, stride []int, pads [][2]int, out shapes.Shape) *window {
	if len(stride) == 0 {
		stride = size
	}
	if len(pads) == 0 {
		pads = make([][2]int, len(size))
	}
	return &window{
		dims: in.Dimensions, size: size, stride: stride, pads: pads, out: out.Dimensions,
		spread: slices.Repeat([]int{1}, len(size)), dilate: slices.Repeat([]int{1}, len(size)),
	}
}

// each calls f with the place of every element of the operand in the window at
// the given position, in order.
func (w *window) each(position int, f func(at int)) {
	rank := len(w.dims)
	start := make([]int, rank)
	for axis := rank - 1; axis >= 0; axis-- {
		start[axis] = position%w.out[axis]*w.stride[axis] - w.pads[axis][0]
		position /= w.out[axis]
	}
	var visit func(axis, at int)
	visit = func(axis, at int) {
		if axis == rank {
			f(at)
			return
		}
		if w.spread[axis] == 1 && w.dilate[axis] == 1 {
			for i := max(0, start[axis]); i < min(w.dims[axis], start[axis]+w.size[axis]); i++ {
				visit(axis+1, at*w.dims[axis]+i)
			}
			return
		}
		for k := range w.size[axis] {
			i := start[axis] + k*w.dilate[axis]
			if i >= 0 && i%w.spread[axis] == 0 && i/w.spread[axis] < w.dims[axis] {
				visit(axis+1, at*w.dims[axis]+i/w.spread[axis])
			}
		}
	}
	visit(0, 0)
}

// square tells whether the window is 2x2 with equal strides over the last two
// of four axes, without padding.
func (w *window) square() bool {
	if len(w.dims) != 4 {
		return false
	}
	for axis, size := range []int{1, 1, 2, 2} {
		if w.size[axis] != size || w.stride[axis] != size || w.pads[axis] != [2]int{} ||
			w.spread[axis] != 1 || w.dilate[axis] != 1 {
			return false
		}
	}
	return true
}

func (numbersOf[T]) reduceWindow(kind compute.ReduceOpType, dtype dtypes.DType, w *window) func(x *run, dst, src any) {
	var start T
	var f func(a, b T) T
	switch kind {
	case compute.ReduceOpSum:
		f = func(a, b T) T { return a + b }
	case compute.ReduceOpProduct:
		start, f = 1, func(a, b T) T { return a * b }
	case compute.ReduceOpMax:
		start, f = dtype.LowestValue().(T), func(a, b T) T { return max(a, b) }
	case compute.ReduceOpMin:
		start, f = dtype.HighestValue().(T), func(a, b T) T { return min(a, b) }
	default:
		return nil
	}
	if outer, n := w.byRows(); outer != nil && dtype == dtypes.Float32 {
		first := any(start).(float32)
		return func(x *run, dst, src any) {
			outer.reduceRows(x, rowKernels[kind], first, n, dst.([]float32), src.([]float32))
		}
	}
	return func(x *run, dst, src any) {
		d, s := dst.([]T), src.([]T)
		x.spans(len(d), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				acc := start
				w.each(i, func(at int) { acc = f(acc, s[at]) })
				d[i] = acc
			}
		})
	}
}

// SelectAndScatterMax adds every element of source to the place of the first
// largest element of its window: the gradient of max-pooling.
func (f *function) SelectAndScatterMax(x, source compute.Value, size, stride []int, pads [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMax, compute.ReduceOpMax, x, source, size, stride, pads)
}

// SelectAndScatterMin does so with the smallest.
func (f *function) SelectAndScatterMin(x, source compute.Value, size, stride []int, pads [][2]int) (compute.Value, error) {
	return f.selectAndScatter(compute.OpTypeSelectAndScatterMin, compute.ReduceOpMin, x, source, size, stride, pads)
}

func (f *function) selectAndScatter(op compute.OpType, kind compute.ReduceOpType, x, source compute.Value,
	size, stride []int, pads [][2]int) (compute.Value, error) {
	if isNarrow(x) && isNarrow(source) {
		w, err := f.wide(x, source)
		if err != nil {
			return nil, err
		}
		v, err := f.selectAndScatter(op, kind, w[0], w[1], size, stride, pads)
		return f.narrow(v, err, x)
	}
	in, err := f.own(x, source)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.SelectAndScatter(in[0].shape, in[1].shape, size, stride, pads)
	if err != nil {
		return nil, err
	}
	w := newWindow(in[0].shape, size, stride, pads, in[1].shape)
	n := &node{op: op, in: in, attr: pooling{w, kind}}
	t := numberTypes[out.DType]
	if t == nil {
		return nil, unsupported(op, out.DType)
	}
	n.run = func(_ *run, in, out []tensor) { t.scatterWindows(w, kind, in, out) }
	if outer, size := w.byRows(); outer != nil && out.DType == dtypes.Float32 {
		n.run = func(x *run, in, out []tensor) {
			outer.scatterRows(x, kind, size, out[0].f32(), in[0].f32(), in[1].f32())
		}
	}
	return f.add1(n, out)
}

func (numbersOf[T]) scatterWindows(w *window, kind compute.ReduceOpType, in, out []tensor) {
	d, s, source := out[0].flat.([]T), in[0].flat.([]T), in[1].flat.([]T)
	clear(d)
	for i, v := range source {
		var best T
		found := -1
		w.each(i, func(at int) {
			better := s[at] > best
			if kind == compute.ReduceOpMin {
				better = s[at] < best
			}
			if found < 0 || better {
				best, found = s[at], at
			}
		})
		if found >= 0 {
			d[found] += v
		}
	}
}
