package cpu

import (
	"github.com/gomlx/compute"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// Windows that do not slide along the last axis, as those of pooling with
// channels last, are reduced a row of it at a time.

// rowKernels are the reductions that a kernel does.
var rowKernels = map[compute.ReduceOpType]kernel.Op{
	compute.ReduceOpSum: kernel.Add, compute.ReduceOpProduct: kernel.Mul,
	compute.ReduceOpMax: kernel.Max, compute.ReduceOpMin: kernel.Min,
}

// still tells whether the windows do not slide along an axis.
func (w *window) still(axis int) bool {
	return w.size[axis] == 1 && w.stride[axis] == 1 && w.pads[axis] == [2]int{} && w.spread[axis] == 1
}

// byRows returns the window over all axes but the last, and the length of that;
// nil if rows are not worth it.
func (w *window) byRows() (*window, int) {
	last := len(w.dims) - 1
	if last < 1 || !w.still(last) || w.dims[last] < 4 {
		return nil, 0
	}
	outer := *w
	outer.dims, outer.size, outer.stride, outer.pads = w.dims[:last], w.size[:last], w.stride[:last], w.pads[:last]
	outer.out, outer.spread, outer.dilate = w.out[:last], w.spread[:last], w.dilate[:last]
	return &outer, w.dims[last]
}

// positions is the number of windows.
func (w *window) positions() int {
	n := 1
	for _, d := range w.out {
		n *= d
	}
	return n
}

// places lists the places of the elements of the window at a position, in order.
// It works in two lists, which it returns grown.
func (w *window) places(position int, list, spare []int) (places, other []int) {
	stride := 1
	for _, d := range w.dims {
		stride *= d
	}
	rest := w.positions()
	list = append(list[:0], 0)
	for axis, d := range w.dims {
		rest, stride = rest/w.out[axis], stride/d
		start := position/rest%w.out[axis]*w.stride[axis] - w.pads[axis][0]
		spare = spare[:0]
		for _, at := range list {
			for k := range w.size[axis] {
				if i := start + k*w.dilate[axis]; i >= 0 && i%w.spread[axis] == 0 && i/w.spread[axis] < d {
					spare = append(spare, at+i/w.spread[axis]*stride)
				}
			}
		}
		list, spare = spare, list
	}
	return list, spare
}

// start is the place of the first element of the window at a position, and
// whether all its elements are there.
func (w *window) start(position int) (at int, whole bool) {
	whole, stride := true, 1
	for axis := len(w.dims) - 1; axis >= 0; axis-- {
		i := position%w.out[axis]*w.stride[axis] - w.pads[axis][0]
		position /= w.out[axis]
		whole = whole && w.spread[axis] == 1 && i >= 0 && i+(w.size[axis]-1)*w.dilate[axis] < w.dims[axis]
		at += i * stride
		stride *= w.dims[axis]
	}
	return at, whole
}

// offsets are the places in a whole window, from its first, in elements of rows
// of n.
func (w *window) offsets(n int) []int {
	list := []int{0}
	for axis := range w.dims {
		stride := n
		for _, d := range w.dims[axis+1:] {
			stride *= d
		}
		var all []int
		for _, at := range list {
			for k := range w.size[axis] {
				all = append(all, at+k*w.dilate[axis]*stride)
			}
		}
		list = all
	}
	return list
}

// reduceRows reduces windows by rows of n elements, from start on.
func (w *window) reduceRows(x *run, op kernel.Op, start float32, n int, dst, src []float32) {
	positions, per, offsets := w.positions(), max(1, grain/8/n), w.offsets(n)
	x.tasks((positions+per-1)/per, func(t int, _ *scratch) {
		var places, spare []int
		for i := t * per; i < min(positions, (t+1)*per); i++ {
			row := dst[i*n : (i+1)*n]
			for j := range row {
				row[j] = start
			}
			if at, whole := w.start(i); whole {
				for _, offset := range offsets {
					kernel.Binary(op, row, row, src[at*n+offset:][:n])
				}
				continue
			}
			places, spare = w.places(i, places, spare)
			for _, at := range places {
				kernel.Binary(op, row, row, src[at*n:(at+1)*n])
			}
		}
	})
}

// scatterRows adds every element of source to the first largest, or smallest,
// of its window, by rows of n elements. Images are independent if windows do not
// slide along the first axis.
func (w *window) scatterRows(x *run, kind compute.ReduceOpType, n int, dst, src, source []float32) {
	positions, tasks := w.positions(), 1
	if len(w.dims) > 1 && w.still(0) && w.out[0] > 0 {
		tasks = w.out[0]
	}
	per := positions / tasks
	offsets := kernel.NewTaps(w.offsets(n))
	x.tasks(tasks, func(t int, s *scratch) {
		var places, spare []int
		best, found := s.get(slotIn, n), make([]int, n)
		clear(dst[t*len(dst)/tasks : (t+1)*len(dst)/tasks])
		for i := t * per; i < (t+1)*per; i++ {
			grad := source[i*n : (i+1)*n]
			if at, whole := w.start(i); whole && kind == compute.ReduceOpMax {
				kernel.ScatterMax(dst[at*n:], src[at*n:], offsets, grad)
				continue
			}
			places, spare = w.places(i, places, spare)
			for k, at := range places {
				row := src[at*n : (at+1)*n]
				if k == 0 {
					copy(best, row)
					for j := range found {
						found[j] = at * n
					}
					continue
				}
				for j, v := range row {
					if kind == compute.ReduceOpMax && v > best[j] || kind == compute.ReduceOpMin && v < best[j] {
						best[j], found[j] = v, at*n
					}
				}
			}
			if len(places) > 0 {
				for j, v := range grad {
					dst[found[j]+j] += v
				}
			}
		}
	})
}
