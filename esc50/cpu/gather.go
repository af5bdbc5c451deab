package cpu

import (
	"math"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
	"github.com/gomlx/compute/shapeinference"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// indexer turns positions among windows of a tensor into places.
type indexer struct {
	dims, stride []int // of the tensor
	size         []int // of a window
	axes         []int // of the tensor, by entry of an index vector
	vector       int   // distance between the entries of a vector
	batch        []int // dimensions of the batch of index vectors
	batchStep    []int // and distances between their first entries
}

// newIndexer describes index vectors along an axis of indices.
func newIndexer(dims, size, indices []int, vectorAxis int, axes []int) *indexer {
	x := &indexer{dims: dims, stride: strides(dims), size: size, axes: axes}
	step := strides(indices)
	for axis, d := range indices {
		if axis == vectorAxis {
			x.vector = step[axis]
			continue
		}
		x.batch, x.batchStep = append(x.batch, d), append(x.batchStep, step[axis])
	}
	return x
}

// start returns where a window begins, moved to lie inside the tensor.
func (x *indexer) start(indices []int64, first int) int {
	at := 0
	for i, axis := range x.axes {
		most := x.dims[axis] - x.size[axis]
		at += max(0, min(int(indices[first+i*x.vector]), most)) * x.stride[axis]
	}
	return at
}

// inside tells whether the window lies inside as it is.
func (x *indexer) inside(indices []int64, first int) bool {
	for i, axis := range x.axes {
		if v := indices[first+i*x.vector]; v < 0 || int(v) > x.dims[axis]-x.size[axis] {
			return false
		}
	}
	return true
}

// each calls f for every index vector, with the place of its first entry and
// its position in the batch.
func (x *indexer) each(f func(first int, position []int)) {
	at := make([]int, len(x.batch))
	if slices.Contains(x.batch, 0) {
		return
	}
	for {
		first := 0
		for i, p := range at {
			first += p * x.batchStep[i]
		}
		f(first, at)
		axis := len(at) - 1
		for ; axis >= 0; axis-- {
			if at[axis]++; at[axis] < x.batch[axis] {
				break
			}
			at[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}

// whole returns the elements of an integer tensor, the largest number there is
// for those beyond it.
func whole(x *run, t tensor) []int64 {
	switch v := t.flat.(type) {
	case []int64:
		return v
	case []uint64:
		all := make([]int64, len(v))
		for i, n := range v {
			all[i] = int64(min(n, math.MaxInt64))
		}
		return all
	}
	v := make([]int64, t.shape.Size())
	convertOn(t.shape.DType, dtypes.Int64)(x, v, t.flat)
	return v
}

// windowed relates the axes of windows in one tensor to those of another.
type windowed struct {
	*indexer
	dims, step []int // of a window without the axes of size one that the other has not
	otherStep  []int // the other's strides along these
	batchOf    []int // the other's strides along the batch
	run        int   // elements that are neighbours in both, along the last of dims, which is left out
}

// relate finds the strides of other, in which windowAxes are those of a window
// without the axes in dropped, and the rest are the batch's.
func (x *indexer) relate(other, windowAxes, dropped []int) *windowed {
	w := &windowed{indexer: x}
	step := strides(other)
	for axis := range other {
		if !slices.Contains(windowAxes, axis) {
			w.batchOf = append(w.batchOf, step[axis])
		}
	}
	next := 0
	for axis, d := range x.size {
		if slices.Contains(dropped, axis) {
			continue
		}
		w.dims, w.step = append(w.dims, d), append(w.step, x.stride[axis])
		w.otherStep = append(w.otherStep, step[windowAxes[next]])
		next++
	}
	w.run = 1
	if last := len(w.dims) - 1; last >= 0 && w.step[last] == 1 && w.otherStep[last] == 1 {
		w.run, w.dims = w.dims[last], w.dims[:last]
	}
	return w
}

// runs calls f with the places of all elements of a window in both tensors, n
// neighbours at a time.
func (w *windowed) runs(axis, here, there int, f func(here, there, n int)) {
	if axis == len(w.dims) {
		f(here, there, w.run)
		return
	}
	for i := range w.dims[axis] {
		w.runs(axis+1, here+i*w.step[axis], there+i*w.otherStep[axis], f)
	}
}

// Gather collects windows of x that start at index vectors.
func (f *function) Gather(x, indices compute.Value, vectorAxis int, offsetAxes, collapsed, startMap, size []int, sorted bool) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) {
			return f.Gather(w[0], indices, vectorAxis, offsetAxes, collapsed, startMap, size, sorted)
		}, x)
	}
	in, err := f.own(x, indices)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.Gather(in[0].shape, in[1].shape, vectorAxis, offsetAxes, collapsed, startMap, size, sorted)
	if err != nil {
		return nil, err
	}
	at := newIndexer(in[0].shape.Dimensions, size, in[1].shape.Dimensions, vectorAxis, startMap).
		relate(out.Dimensions, offsetAxes, collapsed)
	return f.add1(&node{op: compute.OpTypeGather, in: in, run: func(x *run, in, out []tensor) {
		index := whole(x, in[1])
		move(out[0].flat, in[0].flat, func(yield func(to, from, step, n int)) {
			at.each(func(first int, position []int) {
				to := 0
				for i, p := range position {
					to += p * at.batchOf[i]
				}
				at.runs(0, at.start(index, first), to, func(from, to, n int) { yield(to, from, 1, n) })
			})
		})
	}}, out)
}

func (f *function) scatter(op compute.OpType, x, indices, updates compute.Value, vectorAxis int, windowAxes, inserted, axes []int,
	combine compute.OpType) (compute.Value, error) {
	if isNarrow(x) && isNarrow(updates) {
		w, err := f.wide(x, updates)
		if err != nil {
			return nil, err
		}
		v, err := f.scatter(op, w[0], indices, w[1], vectorAxis, windowAxes, inserted, axes, combine)
		return f.narrow(v, err, x)
	}
	in, err := f.own(x, indices, updates)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.Scatter(in[0].shape, in[1].shape, in[2].shape, vectorAxis, windowAxes, inserted, axes)
	if err != nil {
		return nil, err
	}
	size := make([]int, out.Rank())
	next := 0
	for axis := range size {
		size[axis] = 1
		if !slices.Contains(inserted, axis) {
			size[axis] = in[2].shape.Dimensions[windowAxes[next]]
			next++
		}
	}
	at := newIndexer(out.Dimensions, size, in[1].shape.Dimensions, vectorAxis, axes).
		relate(in[2].shape.Dimensions, windowAxes, inserted)
	do := arithmeticOn(combine, out.DType)
	if do == nil {
		return nil, unsupported(op, out.DType)
	}
	return f.add1(&node{op: op, in: in, run: func(x *run, in, out []tensor) {
		move(out[0].flat, in[0].flat, func(yield func(to, from, step, n int)) { yield(0, 0, 1, out[0].shape.Size()) })
		index := whole(x, in[1])
		combine := combining(x, combine, do, out[0].flat, in[2].flat)
		at.each(func(first int, position []int) {
			if !at.inside(index, first) {
				return
			}
			there := 0
			for i, p := range position {
				there += p * at.batchOf[i]
			}
			at.runs(0, at.start(index, first), there, combine)
		})
	}}, out)
}

// combining sets n elements of dst, from to on, to do of them and as many of src.
func combining(x *run, op compute.OpType, do pairRun, dst, src any) func(to, from, n int) {
	d, single := dst.([]float32)
	if k, ok := kernelOps[op]; single && ok {
		s := src.([]float32)
		return func(to, from, n int) { kernel.Binary(k, d[to:to+n], d[to:to+n], s[from:from+n]) }
	}
	return func(to, from, n int) {
		p := broadcast([]int{n}, []int{n}, []int{n})
		here := piece(dst, to, n)
		do(x, &p, here, here, piece(src, from, n))
	}
}

// piece is the slice of n elements from element i on.
func piece(flat any, i, n int) any {
	switch s := flat.(type) {
	case []bool:
		return s[i : i+n]
	case []float16.Float16:
		return s[i : i+n]
	case []bfloat16.BFloat16:
		return s[i : i+n]
	case []int8:
		return s[i : i+n]
	case []int16:
		return s[i : i+n]
	case []int32:
		return s[i : i+n]
	case []int64:
		return s[i : i+n]
	case []uint8:
		return s[i : i+n]
	case []uint16:
		return s[i : i+n]
	case []uint32:
		return s[i : i+n]
	case []uint64:
		return s[i : i+n]
	case []float32:
		return s[i : i+n]
	case []float64:
		return s[i : i+n]
	case []complex64:
		return s[i : i+n]
	case []complex128:
		return s[i : i+n]
	}
	return flat
}

// ScatterSum adds updates to the windows of x that index vectors point to, in
// order; windows that do not fit are left out.
func (f *function) ScatterSum(x, indices, updates compute.Value, vectorAxis int, windowAxes, inserted, axes []int, sorted, unique bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterSum, x, indices, updates, vectorAxis, windowAxes, inserted, axes, compute.OpTypeAdd)
}

// ScatterMax keeps the larger of each element and its updates.
func (f *function) ScatterMax(x, indices, updates compute.Value, vectorAxis int, windowAxes, inserted, axes []int, sorted, unique bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMax, x, indices, updates, vectorAxis, windowAxes, inserted, axes, compute.OpTypeMax)
}

// ScatterMin keeps the smaller of each element and its updates.
func (f *function) ScatterMin(x, indices, updates compute.Value, vectorAxis int, windowAxes, inserted, axes []int, sorted, unique bool) (compute.Value, error) {
	return f.scatter(compute.OpTypeScatterMin, x, indices, updates, vectorAxis, windowAxes, inserted, axes, compute.OpTypeMin)
}
