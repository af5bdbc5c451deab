package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// cut is a slice of runs of neighbours, as far apart as one another: its element
// i is at first + i/run*apart + i%run. A chain reads it without a copy.
type cut struct{ first, run, apart int }

// leastRun is the least number of neighbours that are worth it.
const leastRun = 64

// cutOf tells whether a node is such a slice of float32, and which.
func cutOf(n *node) (c cut, ok bool) {
	s, ok := n.attr.(slicing)
	if !ok || n.op != compute.OpTypeSlice || n.out[0].shape.DType != dtypes.Float32 {
		return c, false
	}
	first, stride := 0, strides(n.in[0].shape.Dimensions)
	for axis, start := range s.starts {
		first += start * stride[axis]
		stride[axis] *= s.steps[axis]
	}
	return runs(first, n.out[0].shape.Dimensions, stride)
}

// runs is the cut with the given first element and strides, if it is one.
func runs(first int, dims, stride []int) (c cut, ok bool) {
	c.first, c.run = first, 1
	axis := len(dims) - 1
	for ; axis >= 0 && (dims[axis] == 1 || stride[axis] == c.run); axis-- {
		c.run *= dims[axis]
	}
	if axis >= 0 {
		c.apart = stride[axis]
	}
	for runs := 1; axis >= 0; axis-- {
		if dims[axis] != 1 && stride[axis] != c.apart*runs {
			return c, false
		}
		runs *= dims[axis]
	}
	return c, c.run >= leastRun
}

// each calls f with the places of runs, or parts of runs, of elements lo to hi-1.
func (c *cut) each(lo, hi int, f func(at, i, n int)) {
	for i := lo; i < hi; {
		end := min(hi, (i/c.run+1)*c.run)
		f(c.first+i/c.run*c.apart+i%c.run, i-lo, end-i)
		i = end
	}
}

// block returns elements lo to hi-1: where they lie if they are in one run,
// otherwise laid out in spare.
func (c *cut) block(from, spare []float32, lo, hi int) []float32 {
	if lo/c.run == (hi-1)/c.run {
		return from[c.first+lo/c.run*c.apart+lo%c.run:][:hi-lo]
	}
	c.each(lo, hi, func(at, i, n int) { copy(spare[i:i+n], from[at:]) })
	return spare[:hi-lo]
}
