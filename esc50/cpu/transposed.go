package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// Products read and write through transpositions: an operand's places, and
// those of the result, are sums of strides anyway. So the heads of attention,
// [batch, positions, heads, d], are multiplied where they lie, and the gradient
// of a matrix of weights is written as the weights are.

// transposes makes transpositions part of the products around them, and
// reshapes of those that move no element.
func (p *plan) transposes(order []*node) {
	for _, n := range order {
		if n.op != compute.OpTypeTranspose {
			continue
		}
		if inOrder(n) {
			n.op = compute.OpTypeReshape
		} else if d := p.transposedProduct(n); d != nil {
			from := n.in[0]
			for from.node.op != compute.OpTypeDotGeneral {
				from = from.node.in[0]
			}
			in := from.node.in
			if d.swapped {
				in = []*value{in[1], in[0]}
			}
			transpose := *n
			n.op, n.attr, n.in = compute.OpTypeDotGeneral, d, in
			if d.columns != nil {
				n.readThrough()
				if !n.attr.(*dot).split() {
					*n = transpose
				}
			}
		}
	}
	for _, n := range order {
		if n.op == compute.OpTypeDotGeneral && packs(n) && n.attr.(*dot).columns == nil {
			n.readThrough()
		}
	}
}

// readThrough makes a product read what its operands are transpositions of.
func (n *node) readThrough() {
	d := *n.attr.(*dot)
	n.in = slices.Clone(n.in)
	for i, s := range []*side{&d.left, &d.right} {
		if from, by := through(n.in[i]); root(from) != root(n.in[i]) {
			if t := s.restrided(n.in[i].shape.Dimensions, by); t.near() {
				n.in[i], *s = from, t
			}
		}
	}
	n.attr = &d
}

// packs tells whether a product is one that packs its right operand.
func packs(n *node) bool {
	return n.in[0].shape.DType == dtypes.Float32 && n.out[0].shape.DType == dtypes.Float32 && !n.attr.(*dot).small()
}

// inOrder tells whether a transposition moves axes of dimension one only.
func inOrder(n *node) bool {
	last := -1
	for _, axis := range n.attr.([]int) {
		if n.in[0].shape.Dimensions[axis] == 1 {
			continue
		}
		if axis < last {
			return false
		}
		last = axis
	}
	return true
}

// transposedProduct is the product whose result a transposition is alone to
// read, changed to write the transposed one: nil if there is none, or if the
// result would not have rows of neighbours.
func (p *plan) transposedProduct(n *node) *dot {
	stride := make([]int, len(n.out[0].shape.Dimensions))
	for i, step := range strides(n.out[0].shape.Dimensions) {
		stride[n.attr.([]int)[i]] = step
	}
	v := n.in[0]
	for ; ; v = v.node.in[0] {
		if len(p.users[v]) != 1 {
			return nil
		}
		if v.node.op == compute.OpTypeDotGeneral {
			break
		}
		if v.node.op != compute.OpTypeReshape && v.node.op != compute.OpTypeIdentity {
			return nil
		}
		var ok bool
		if stride, ok = restride(v.shape.Dimensions, stride, v.node.in[0].shape.Dimensions); !ok {
			return nil
		}
	}
	if !packs(v.node) {
		return nil
	}
	d := *v.node.attr.(*dot)
	if d.out != nil {
		return nil
	}
	dims := v.shape.Dimensions
	batch, rows := len(d.left.axes[0]), len(d.left.axes[0])+len(d.left.axes[1])
	to := &side{batch: offsets(dims[:batch], stride[:batch])}
	to.rows, to.depth = offsets(dims[batch:rows], stride[batch:rows]), offsets(dims[rows:], stride[rows:])
	switch {
	case even(to.depth) == 1 && even(to.rows) > 0:
	case even(to.rows) == 1 && even(to.depth) > 0:
		d.swapped = true
		d.left, d.right, d.m, d.n = d.right, d.left, d.n, d.m
		to.rows, to.depth = to.depth, to.rows
	case even(to.rows) > 0 && blockOf(to.depth) >= kernel.Panel:
		d.columns = to.depth
	default:
		return nil
	}
	d.out, d.pitch = to.batch, d.n
	if d.m > 1 {
		d.pitch = to.rows[1]
	}
	return &d
}

// blockOf is how many neighbours make a block if places are in equal blocks:
// zero if they are not.
func blockOf(places []int) int {
	run := 1
	for run < len(places) && places[run] == run {
		run++
	}
	for i, at := range places {
		if len(places)%run != 0 || at != places[i/run*run]+i%run {
			return 0
		}
	}
	return run
}

// split makes blocks of columns that lie apart in the result, as the gates of a
// recurrent network, matrices of their own, and tells whether it could.
func (d *dot) split() bool {
	run := blockOf(d.columns)
	left, right, first := side{rows: d.left.rows, depth: d.left.depth}, side{rows: d.right.rows[:run], depth: d.right.depth}, d.right.rows[0]
	for i, at := range d.right.rows {
		if at-d.right.rows[i/run*run] != right.rows[i%run]-first {
			return false
		}
	}
	var out []int
	for b := range d.batch {
		for at := 0; at < d.n; at += run {
			left.batch = append(left.batch, d.left.batch[b])
			right.batch = append(right.batch, d.right.batch[b]+d.right.rows[at]-first)
			out = append(out, d.out[b]+d.columns[at])
		}
	}
	d.left, d.right, d.out, d.batch, d.n = left, right, out, len(out), run
	return true
}

// even is the distance between neighbours, zero if there is not one.
func even(offsets []int) int {
	if len(offsets) < 2 {
		return 1
	}
	step := offsets[1] - offsets[0]
	for i, at := range offsets {
		if at != i*step {
			return 0
		}
	}
	return step
}

// through is the value of which v is a transposition, and the strides of v's axes
// in it: v itself if there is none.
func through(v *value) (from *value, stride []int) {
	dims := v.shape.Dimensions
	switch n := v.node; n.op {
	case compute.OpTypeTranspose:
		from, by := through(n.in[0])
		stride = make([]int, len(dims))
		for i, axis := range n.attr.([]int) {
			stride[i] = by[axis]
		}
		return from, stride
	case compute.OpTypeReshape, compute.OpTypeIdentity:
		from, by := through(n.in[0])
		if stride, ok := restride(n.in[0].shape.Dimensions, by, dims); ok {
			return from, stride
		}
	}
	return v, strides(dims)
}

// restride returns the strides of the same elements in another shape, if there
// are such.
func restride(dims, stride, to []int) (out []int, ok bool) {
	out = make([]int, len(to))
	for i, j := 0, 0; i < len(dims) || j < len(to); {
		// The fewest next axes of both that have as many elements are one.
		from, first := i, j
		for a, b := 1, 1; i == from && j == first || a != b; {
			switch {
			case i < len(dims) && a <= b:
				a *= dims[i]
				i++
			case j < len(to):
				b *= to[j]
				j++
			default:
				return nil, false
			}
		}
		step, size := 0, 1
		for axis := i - 1; axis >= from; axis-- {
			switch {
			case dims[axis] == 1:
			case size == 1:
				step, size = stride[axis], dims[axis]
			case stride[axis] != step*size:
				return nil, false
			default:
				size *= dims[axis]
			}
		}
		for axis := j - 1; axis >= first; axis-- {
			out[axis] = step
			step *= to[axis]
		}
	}
	return out, true
}

// near tells whether some neighbours of a matrix are neighbours in memory.
func (s *side) near() bool {
	return len(s.rows) > 1 && s.rows[1]-s.rows[0] == 1 || len(s.depth) > 1 && s.depth[1]-s.depth[0] == 1
}
