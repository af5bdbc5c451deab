package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// Operations on float32, element by element, are not steps of their own: they
// wait until a step needs a result in memory, and then all that lead to it and
// wait run together, some elements at a time (chainrun.go). What lies between
// them never leaves the first-level cache. Results that others need too are
// stored on the way. Elements come from the same operations as one by one.

// leastChain is the least number of elements that are worth it, mostChain the
// most operations that run together.
const (
	leastChain = 64
	mostChain  = 64
)

// view is how an operand in memory is spread over a result: element i is at
// first + i/inner modulo period. One of another type is converted as it is read.
type view struct {
	v             *value
	inner, period int
	first         int  // in v
	drawn         bool // v is a generator's state, the operand 32 bits each of what it draws
	cut           cut  // of a slice, which is read where it lies; zero: another operand
}

// spread returns the view of an operand whose strides along the axes of a
// result are given, zero where it is repeated. It fails unless the axes that
// are not are neighbours.
func spread(dims, stride []int) (inner, period int, ok bool) {
	inner, period = 1, 1
	axis := len(dims) - 1
	for ; axis >= 0 && (stride[axis] == 0 || dims[axis] == 1); axis-- {
		inner *= dims[axis]
	}
	for ; axis >= 0 && (stride[axis] == period || dims[axis] == 1); axis-- {
		period *= dims[axis]
	}
	for ; axis >= 0; axis-- {
		if stride[axis] != 0 && dims[axis] != 1 {
			return 0, 0, false
		}
	}
	if period == 1 {
		inner = 1
	}
	return inner, period, true
}

// operandStrides are the strides of an operand of a binary operation.
func operandStrides(dims, of []int) []int {
	s := make([]int, len(dims))
	if len(of) == len(dims) {
		for i, full := range strides(of) {
			if of[i] != 1 {
				s[i] = full
			}
		}
	}
	return s
}

// broadcasting is how BroadcastInDim reads its operand: the stride along every
// axis of the result.
type broadcasting struct{ stride []int }

// pointwise tells whether a node is an operation that can wait.
func pointwise(n *node) bool {
	if len(n.out) != 1 || n.out[0].shape.DType != dtypes.Float32 || n.out[0].shape.Size() < leastChain {
		return false
	}
	for _, v := range n.in {
		if v.shape.DType != dtypes.Float32 {
			return false
		}
	}
	switch len(n.in) {
	case 1:
		return blockUnary[n.op] != nil
	case 2:
		if _, ok := kernelOps[n.op]; !ok {
			return false
		}
		for _, v := range n.in {
			if _, _, ok := spread(n.out[0].shape.Dimensions, operandStrides(n.out[0].shape.Dimensions, v.shape.Dimensions)); !ok {
				return false
			}
		}
		return true
	}
	return false
}

// wait lets a node wait if it can.
func (p *plan) wait(n *node) bool {
	if n.op == compute.OpTypeBroadcastInDim && n.out[0].shape.DType == dtypes.Float32 && n.out[0].shape.Size() >= leastChain {
		if b, ok := n.attr.(broadcasting); ok {
			if _, _, ok := spread(n.out[0].shape.Dimensions, b.stride); ok {
				p.waiting[n.out[0]] = true
				return true
			}
		}
	}
	if _, ok := cutOf(n); ok && n.out[0].shape.Size() >= leastChain {
		p.waiting[n.out[0]] = true
		return true
	}
	converts := n.op == compute.OpTypeConvertDType && loads[n.in[0].shape.DType] != nil &&
		n.out[0].shape.DType == dtypes.Float32 && n.out[0].shape.Size() >= leastChain
	if !converts && !pointwise(n) {
		return false
	}
	p.waiting[n.out[0]] = true
	return true
}

// settle brings a value that waits to memory.
func (p *plan) settle(v *value) {
	v = root(v)
	p.settlePads(v)
	if !p.waiting[v] {
		return
	}
	n := v.node
	switch n.op {
	case compute.OpTypeRNGBitGenerator:
		delete(p.waiting, v)
		p.draw(v)
		return
	case compute.OpTypeBroadcastInDim, compute.OpTypeConvertDType, compute.OpTypeSlice:
		delete(p.waiting, v)
		p.dense(n.in[0])
		p.emit(n.op.String(), n.in, n.out, func(x *run) { n.run(x, x.tensors(n.in), x.tensors(n.out)) })
		return
	}
	p.chain(n)
}

// inChain tells whether a value waits to be computed in a chain.
func (p *plan) inChain(v *value) bool {
	switch v.node.op {
	case compute.OpTypeRNGBitGenerator, compute.OpTypeBroadcastInDim, compute.OpTypeConvertDType, compute.OpTypeSlice:
		return false
	}
	return p.waiting[v]
}

// chain runs the operations that lead to some results of the same size, which
// wait.
func (p *plan) chain(results ...*node) {
	seen := make(map[*node]bool)
	for _, n := range results {
		p.prepare(n, seen)
	}
	c := &chain{size: results[0].out[0].shape.Size(), places: make(map[*value]int), roots: make(map[*value]bool)}
	for _, n := range results {
		if p.waiting[n.out[0]] { // not settled for another one
			c.roots[n.out[0]] = true
			p.collect(c, n)
		}
	}
	if len(c.ops) == 0 {
		return
	}
	var read, write []*value
	for i := range c.ops {
		o := &c.ops[i]
		delete(p.waiting, o.v)
		o.to = p.place(o.v)
		for _, to := range o.to {
			if to.sum.begun {
				read = append(read, to.sum.v)
			} else {
				to.sum.begun = true
				write = append(write, to.sum.v)
			}
		}
	}
	c.finish(p)
	for _, l := range c.leaves {
		read = append(read, l.v)
	}
	var stored []*value
	for _, o := range c.ops {
		if o.stored {
			stored = append(stored, o.v)
		}
	}
	p.emit("chain", read, append(stored, write...), func(x *run) { c.run(x) })
	last := &p.steps[len(p.steps)-1]
	last.chain, last.byRows = c, c.byRows()
}

// chain is a list of operations that run together.
type chain struct {
	size   int
	ops    []chainOp
	leaves []view
	places map[*value]int  // in ops, of what they compute
	roots  map[*value]bool // results that it is run for
	slots  int
}

// chainOp is one operation: its operands are ops before it, or leaves, which
// are counted from -1 down.
type chainOp struct {
	v      *value
	unary  func(dst, a []float32) // nil: binary
	binary kernel.Op
	in     [2]int
	stored bool
	slot   int        // of scratch memory, of what is not stored
	to     []padPlace // in sums of slices
}

// collect appends the operations that lead to a node and wait.
func (p *plan) collect(c *chain, n *node) int {
	if at, ok := c.places[n.out[0]]; ok {
		return at
	}
	o := chainOp{v: n.out[0]}
	if len(n.in) == 1 {
		o.unary = blockUnary[n.op]
	} else {
		o.binary = kernelOps[n.op]
	}
	for i, v := range n.in {
		o.in[i] = p.operand(c, n, v)
	}
	c.places[n.out[0]] = len(c.ops)
	c.ops = append(c.ops, o)
	return len(c.ops) - 1
}

// prepare brings what a chain reads to memory. It settles other chains first,
// which may store what this one would have computed.
func (p *plan) prepare(n *node, seen map[*node]bool) {
	seen[n] = true
	size := n.out[0].shape.Size()
	for _, v := range n.in {
		r := root(v)
		switch {
		case v.shape.Size() != size || !p.waiting[r]:
			base, _ := p.within(v)
			p.dense(base)
		case r.node.op == compute.OpTypeBroadcastInDim, r.node.op == compute.OpTypeSlice:
			p.dense(r.node.in[0])
		case r.node.op == compute.OpTypeConvertDType:
			if !p.drawable(r.node.in[0]) {
				p.dense(r.node.in[0])
			}
		case seen[r.node]:
		case len(seen) < mostChain:
			p.prepare(r.node, seen)
		default:
			p.dense(v)
		}
	}
}

// operand is the place of an operand among the chain's operations or leaves.
func (p *plan) operand(c *chain, n *node, v *value) int {
	r := root(v)
	dims := n.out[0].shape.Dimensions
	switch {
	case v.shape.Size() != c.size:
		inner, period, _ := spread(dims, operandStrides(dims, v.shape.Dimensions))
		base, first := p.within(v)
		return c.leaf(view{v: base, first: first, inner: inner, period: period})
	case !p.waiting[r]:
		return c.leaf(view{v: v, inner: 1, period: c.size})
	case r.node.op == compute.OpTypeBroadcastInDim:
		inner, period, _ := spread(r.shape.Dimensions, r.node.attr.(broadcasting).stride)
		return c.leaf(view{v: r.node.in[0], inner: inner, period: period})
	case r.node.op == compute.OpTypeSlice:
		cut, _ := cutOf(r.node)
		return c.leaf(view{v: r.node.in[0], inner: 1, period: c.size, cut: cut})
	case r.node.op == compute.OpTypeConvertDType && p.drawable(r.node.in[0]):
		return c.leaf(view{v: root(r.node.in[0]).node.in[0], drawn: true})
	case r.node.op == compute.OpTypeConvertDType:
		return c.leaf(view{v: r.node.in[0], inner: 1, period: c.size})
	}
	return p.collect(c, r.node)
}

func (c *chain) leaf(l view) int {
	for i, have := range c.leaves {
		if have == l {
			return -1 - i
		}
	}
	c.leaves = append(c.leaves, l)
	return -len(c.leaves)
}

// finish finds what is stored, and gives the rest slots, again once they are free.
func (c *chain) finish(p *plan) {
	last := make([]int, len(c.ops))
	for i, o := range c.ops {
		for _, in := range o.in[:len(o.v.node.in)] {
			if in >= 0 {
				last[in] = i
			}
		}
	}
	var free []int
	for i := range c.ops {
		o := &c.ops[i]
		o.stored = c.roots[o.v] && len(o.to) == 0 || p.usedOutside(c, o.v)
		if !o.stored {
			if len(free) > 0 {
				o.slot, free = free[len(free)-1], free[:len(free)-1]
			} else {
				o.slot = c.slots
				c.slots++
			}
		}
		for k, in := range o.in[:len(o.v.node.in)] {
			if in >= 0 && last[in] == i && !c.ops[in].stored && (k == 0 || in != o.in[0]) {
				free = append(free, c.ops[in].slot)
			}
		}
	}
}

// over finds, for what a chain's step writes, operands that lie in memory as it
// does and that nothing reads any more, neither steps to come nor operations
// that follow in the chain: they are written over.
func (c *chain) over(s *step, params []*value) []*value {
	dead := slices.Clone(s.dead)
	for _, i := range s.spent {
		dead = append(dead, params[i])
	}
	last := make(map[*value]int) // operation that reads a leaf's memory; none if it lies otherwise
	for i, o := range c.ops {
		for _, in := range o.in[:len(o.v.node.in)] {
			if in >= 0 {
				continue
			}
			l := &c.leaves[-1-in]
			r := root(l.v)
			switch at, ok := last[r]; {
			case l.inner != 1 || l.period != c.size || l.cut.run > 0 || r.shape.DType != dtypes.Float32:
				last[r] = len(c.ops)
			case !ok || i > at:
				last[r] = i
			}
		}
	}
	var over []*value
	for i, o := range c.ops {
		if !o.stored {
			continue
		}
		at := slices.IndexFunc(dead, func(v *value) bool { l, ok := last[v]; return ok && l <= i })
		if at < 0 {
			over = append(over, nil)
			continue
		}
		over = append(over, dead[at])
		dead = slices.Delete(dead, at, at+1)
	}
	return over
}

// usedOutside tells whether any but the chain reads v.
func (p *plan) usedOutside(c *chain, v *value) bool {
	for _, u := range p.users[v] {
		switch {
		case u == nil:
			return true
		case u.op == compute.OpTypeIdentity || u.op == compute.OpTypeReshape:
			if p.usedOutside(c, u.out[0]) {
				return true
			}
		default:
			if _, ok := c.places[u.out[0]]; !ok && !p.placed[u] {
				return true
			}
		}
	}
	return false
}
