package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// The gradient of weights that are used many times, as a recurrent network's,
// is a sum of products of equal shapes. It is one product, whose depths are
// theirs one after the other: the chain of an element goes through all of them.

// sumProducts finds sums of products whose every term has one use and makes
// them the last product's.
func (p *plan) sumProducts(order []*node) {
	place := make(map[*node]int)
	for i, n := range order {
		place[n] = i
	}
	inner := make(map[*node]bool)
	for _, n := range slices.Backward(order) {
		if n.op != compute.OpTypeAdd || inner[n] {
			continue
		}
		var adds []*node
		terms := p.addends(n, n.out[0], &adds, inner)
		last, ok := 0, len(terms) > 1
		for i := range terms {
			if ok = ok && terms[i].like(&terms[0]); ok && place[terms[i].dot] > place[terms[last].dot] {
				last = i
			}
		}
		if !ok {
			for _, add := range adds[1:] { // may be sums of products by themselves
				delete(inner, add)
			}
			continue
		}
		var dots []*node
		for i, t := range terms {
			dots = append(dots, t.dot)
			if i == last {
				continue
			}
			p.done[t.dot] = true
			for _, step := range t.path {
				p.done[step] = true
			}
		}
		for _, add := range adds[1:] {
			p.done[add] = true
		}
		for _, step := range terms[last].path {
			if step.op == compute.OpTypePad { // of nothing
				step.op, step.in = compute.OpTypeIdentity, step.in[:1]
			}
		}
		p.sums[terms[last].dot] = dots
		top := terms[last].top
		n.op, n.in = compute.OpTypeIdentity, []*value{top}
		p.users[top] = []*node{n}
	}
}

// term is a product, and what is done to it before it is added.
type term struct {
	dot  *node
	path []*node // from the top down
	top  *value
}

// addends are the terms of a sum: nil if there is one that is not a product.
func (p *plan) addends(n *node, v *value, adds *[]*node, inner map[*node]bool) []term {
	inner[n] = true
	*adds = append(*adds, n)
	var all []term
	for _, in := range n.in {
		if in.node.op == compute.OpTypeAdd && len(p.users[in]) == 1 && in.shape.Equal(v.shape) {
			some := p.addends(in.node, in, adds, inner)
			if some == nil {
				return nil
			}
			all = append(all, some...)
			continue
		}
		t, ok := p.term(in)
		if !ok || !in.shape.Equal(v.shape) {
			return nil
		}
		all = append(all, t)
	}
	return all
}

// term follows a value down to a product.
func (p *plan) term(v *value) (t term, ok bool) {
	for t.top = v; ; v = v.node.in[0] {
		n := v.node
		if len(p.users[v]) != 1 || v.shape.DType != dtypes.Float32 {
			return t, false
		}
		switch n.op {
		case compute.OpTypeDotGeneral:
			t.dot = n
			d := n.attr.(*dot)
			return t, n.in[0].shape.DType == dtypes.Float32 && !d.small()
		case compute.OpTypeReshape, compute.OpTypeIdentity, compute.OpTypeTranspose:
		case compute.OpTypePad:
			for _, a := range n.attr.(padding).axes {
				if a != (compute.PadAxis{}) {
					return t, false
				}
			}
		default:
			return t, false
		}
		t.path = append(t.path, n)
	}
}

// like tells whether two terms differ by the operands only.
func (t *term) like(u *term) bool {
	if len(t.path) != len(u.path) {
		return false
	}
	for i, n := range t.path {
		m := u.path[i]
		if n.op != m.op || !slices.Equal(n.out[0].shape.Dimensions, m.out[0].shape.Dimensions) {
			return false
		}
		if n.op == compute.OpTypeTranspose && !slices.Equal(n.attr.([]int), m.attr.([]int)) {
			return false
		}
	}
	d, e := t.dot.attr.(*dot), u.dot.attr.(*dot)
	return d.left.like(&e.left) && d.right.like(&e.right) && slices.Equal(d.out, e.out) && d.pitch == e.pitch && slices.Equal(t.dot.out[0].shape.Dimensions, u.dot.out[0].shape.Dimensions)
}

func (s *side) like(o *side) bool {
	return slices.Equal(s.batch, o.batch) && slices.Equal(s.rows, o.rows) && slices.Equal(s.depth, o.depth)
}

func (p *plan) emitProductSum(n *node, list []*node) {
	var read []*value
	for _, dot := range list {
		for _, v := range dot.in {
			p.dense(v)
			read = append(read, v)
		}
	}
	f := &productSum{product: newProduct(n.attr.(*dot)), terms: len(list)}
	p.emit("sum of products", read, n.out, func(x *run) {
		left, right := make([][]float32, f.terms), make([][]float32, f.terms)
		for i, dot := range list {
			left[i], right[i] = x.tensor(dot.in[0]).f32(), x.tensor(dot.in[1]).f32()
		}
		f.run(x, x.tensor(n.out[0]).f32(), left, right)
	})
}

// productSum is a sum of so many products of equal shapes.
type productSum struct {
	*product
	terms int
}

// run sets out to the sum of the products of left and right.
func (f *productSum) run(x *run, out []float32, left, right [][]float32) {
	// The right operand may be the same for all matrices.
	var places []int
	packs := make([]int, f.batch)
	for b, at := range f.right.batch {
		packs[b] = slices.Index(places, at)
		if packs[b] < 0 {
			packs[b] = len(places)
			places = append(places, at)
		}
	}
	panels, apart := f.panels(), f.terms*f.apart
	packed := x.alloc(len(places) * panels * apart)
	defer x.free(packed)
	groups := (panels + kernel.PackedPanels - 1) / kernel.PackedPanels
	x.tasks(len(places)*groups, func(t int, _ *scratch) {
		first := t % groups * kernel.PackedPanels
		for i, from := range right {
			f.ofRight().pack(packed[(t/groups*panels+first)*apart+i*f.apart:], apart, from[places[t/groups]:], first, 0, f.k)
		}
	})
	c := f.cut(2 * x.workers) // as there are no parts of the columns
	deep := f.terms * f.k
	x.tasks(f.batch*c.blocks, func(t int, s *scratch) {
		b, block := t/c.blocks, t%c.blocks
		r0, r1 := block*c.high, min(f.m, (block+1)*c.high)
		spare := s.get(slotIn, turnedSize)
		for k0 := 0; k0 < deep; k0 += blockDepth {
			k1 := min(deep, k0+blockDepth)
			for k := k0; k < k1; { // depths of one term
				n := min(k1-k, f.k-k%f.k)
				f.turn(spare[(k-k0)*kernel.Panel:], left[k/f.k][f.left.batch[b]:], r0, r1, k%f.k, k%f.k+n)
				k += n
			}
			o := kernel.Operands{A: spare, Rows: turnedRows, Depth: turnedDepth, B: packed[packs[b]*panels*apart+k0*kernel.Panel:], Apart: apart}
			at, pitch := f.result(b, r0)
			o.Product(out[at:], pitch, f.n, 0, r1-r0, 0, k1-k0, k0 > 0)
		}
	})
}
