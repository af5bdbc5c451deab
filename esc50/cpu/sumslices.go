package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// An operation element by element of which slices alone are read, as the gates of
// a recurrent network with their bias, is done slice by slice, in the chains that
// need them: it never lies in memory.

// sliceOperands makes slices of such operations the operations on slices, and
// tells whether there were any.
func (p *plan) sliceOperands(order []*node) bool {
	found := false
	for _, n := range order {
		if _, ok := kernelOps[n.op]; !ok || len(n.in) != 2 || n.out[0].shape.DType != dtypes.Float32 || p.result[root(n.out[0])] {
			continue
		}
		var list []*node
		size := 0
		for _, u := range p.users[n.out[0]] {
			s := p.onSlices(n, u)
			if s == nil {
				list = nil
				break
			}
			list = append(list, s)
			size += s.out[0].shape.Size()
		}
		if size > n.out[0].shape.Size() {
			continue
		}
		for i := range list {
			u := p.users[n.out[0]][i]
			u.op, u.attr, u.in, u.run = n.op, n.attr, list[i].in, nil // it always waits
			found = true
		}
	}
	return found
}

// onSlices is the operation n on slices, given a slice of its result: nil if it
// is something else, or could not be part of a chain.
func (p *plan) onSlices(n, slice *node) *node {
	if slice == nil || slice.op != compute.OpTypeSlice {
		return nil
	}
	s := slice.attr.(slicing)
	if slices.ContainsFunc(s.steps, func(step int) bool { return step != 1 }) {
		return nil
	}
	on := &node{op: n.op, out: slice.out}
	for _, v := range n.in {
		part := p.slice(v, s.starts, slice.out[0].shape.Dimensions)
		if part != v {
			if _, ok := cutOf(part.node); !ok {
				return nil
			}
		}
		on.in = append(on.in, part)
	}
	if !pointwise(on) {
		return nil
	}
	return on
}

// slice is the part of an operand that a slice of the result comes from: v
// itself if that is all of it.
func (p *plan) slice(v *value, starts, dims []int) *value {
	have := v.shape.Dimensions
	if len(have) != len(dims) {
		return v // a scalar
	}
	at, size, offset, stride := make([]int, len(dims)), make([]int, len(dims)), 0, strides(have)
	for axis := range dims {
		size[axis] = min(have[axis], dims[axis])
		if have[axis] > 1 {
			at[axis] = starts[axis]
		}
		offset += at[axis] * stride[axis]
	}
	if slices.Equal(size, have) {
		return v
	}
	n := &node{op: compute.OpTypeSlice, fn: v.node.fn, in: []*value{v}, attr: slicing{at, slices.Repeat([]int{1}, len(dims))}}
	n.run = func(x *run, in, out []tensor) { x.rearrange(out[0].flat, in[0].flat, size, offset, stride) }
	n.out = []*value{{node: n, id: p.values, shape: shapes.Make(v.shape.DType, size...)}}
	p.values++
	return n.out[0]
}

// within is what a value that waits to be sliced lies in, if its elements are
// neighbours there, and where: the value itself for others.
func (p *plan) within(v *value) (base *value, first int) {
	for base = v; p.waiting[root(base)]; base = root(base).node.in[0] {
		c, ok := cutOf(root(base).node)
		if !ok || c.run != v.shape.Size() {
			break
		}
		first += c.first
	}
	return base, first
}
