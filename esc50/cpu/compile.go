package cpu

import (
	"slices"

	"github.com/gomlx/compute"
)

// plan is a program being made.
type plan struct {
	*program
	users map[*value][]*node // live nodes that read a value, once per operand
	lazy  map[*value]rows    // values that exist row by row, on demand
	done  map[*node]bool     // nodes that another one's step covers
	// visited are the nodes whose steps are emitted.
	visited map[*node]bool
	// normal and mask are values that exist in recipes only: results of batch
	// normalisations that just pass a ReLU, and where they are positive.
	normal, mask map[*value]normInfo
	packs        map[*value][]packedSide // packed operands of products, by what is read
	waiting      map[*value]bool         // results of chains to come
	pads         map[*value]*padSum      // sums of slices to come
	padded       map[*node]*padSum       // by node that is part of one
	placed       map[*node]bool          // those whose operand is where it belongs
	sums         map[*node][]*node       // products that are added, by the last of them
	result       map[*value]bool         // roots of the outputs
}

// compile turns the graph into steps: it drops what no output needs, lets
// values that only change shape share memory, fuses what it can (see fuse.go),
// and finds where each value dies.
func compile(f *function) *program {
	b := f.builder
	p := &plan{
		program: &program{backend: b.backend, name: b.name, names: f.names, params: f.params, captures: f.captures, values: len(f.values)},
		users:   make(map[*value][]*node),
		lazy:    make(map[*value]rows),
		done:    make(map[*node]bool),
		visited: make(map[*node]bool),
		normal:  make(map[*value]normInfo),
		mask:    make(map[*value]normInfo),
		packs:   make(map[*value][]packedSide),
		waiting: make(map[*value]bool),
		pads:    make(map[*value]*padSum),
		padded:  make(map[*node]*padSum),
		placed:  make(map[*node]bool),
		sums:    make(map[*node][]*node),
		result:  make(map[*value]bool),
	}
	for _, v := range f.outputs {
		p.result[root(v)] = true
	}
	order := p.live(f.outputs)
	p.transposes(order)
	p.turned(order)
	p.users = make(map[*value][]*node)
	order = p.live(f.outputs)
	if p.sliceOperands(order) {
		p.users = make(map[*value][]*node)
		order = p.live(f.outputs)
	}
	p.sumProducts(order)
	p.padSums(order)
	for _, n := range order {
		p.node(n)
		p.early(n)
	}
	p.finish(f.outputs)
	p.join()
	return p.program
}

// live returns the nodes that the outputs need, operands first, and fills in
// users.
func (p *plan) live(outputs []*value) []*node {
	var order []*node
	seen := make(map[*node]bool)
	var visit func(n *node)
	visit = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, v := range n.in {
			visit(v.node)
			p.users[v] = append(p.users[v], n)
		}
		order = append(order, n)
	}
	for _, v := range outputs {
		visit(v.node)
		p.users[v] = append(p.users[v], nil) // the caller
	}
	return order
}

// early runs a chain that leads to a result of the graph once nothing else will
// take part in it: an optimizer takes a gradient while it lies in the caches,
// and its memory is free for the next.
func (p *plan) early(n *node) {
	for _, v := range n.out {
		if p.result[v] && p.waiting[v] && !slices.ContainsFunc(p.users[v], func(u *node) bool { return u != nil && !p.visited[u] }) {
			p.dense(v)
		}
	}
}

// require emits what n needs and n, as far as it is not emitted.
func (p *plan) require(n *node) {
	for _, v := range n.in {
		if !p.visited[v.node] {
			p.require(v.node)
		}
	}
	p.node(n)
}

// node emits the steps of one node, once.
func (p *plan) node(n *node) {
	if p.visited[n] {
		return
	}
	p.visited[n] = true
	switch n.op {
	case compute.OpTypeParameter:
		return
	case compute.OpTypeConstant:
		p.consts = append(p.consts, n.out[0])
		return
	case compute.OpTypeIdentity, compute.OpTypeReshape, compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
		for i, v := range n.in[:len(n.out)] {
			if !p.waiting[root(n.out[i])] {
				p.dense(v)
			}
		}
		return
	}
	if n.op == compute.OpTypeRNGBitGenerator {
		p.random(n)
		return
	}
	if p.done[n] || p.padded[n] != nil || p.fuse(n) || p.wait(n) {
		return
	}
	for _, v := range n.in {
		p.dense(v)
	}
	p.emit(n.op.String(), n.in, n.out, func(x *run) { n.run(x, x.tensors(n.in), x.tensors(n.out)) })
	p.steps[len(p.steps)-1].byRows = rowReduction(n)
}

// emit appends a step.
func (p *plan) emit(what string, read, write []*value, f func(x *run)) {
	p.steps = append(p.steps, step{what: what, read: read, write: write, run: f})
}

// dense makes sure that a lazy value is in memory for the steps to come.
func (p *plan) dense(v *value) {
	p.settle(v)
	r, ok := p.lazy[v]
	if !ok || r.dense() == v {
		return
	}
	p.emit("materialize "+v.node.op.String(), r.leaves(), []*value{v}, func(x *run) { materialize(x, r, v) })
	p.lazy[v] = held{v}
}

// root is the value whose memory v is.
func root(v *value) *value {
	for {
		switch v.node.op {
		case compute.OpTypeIdentity, compute.OpTypeReshape, compute.OpTypeOptimizationBarrier, compute.OpTypeSchedulingBarrier:
			v = v.node.in[v.index]
		default:
			return v
		}
	}
}

// tensor is the memory of a value, in its shape.
func (x *run) tensor(v *value) tensor { return tensor{v.shape, x.values[root(v).id].flat} }

func (x *run) tensors(values []*value) []tensor {
	all := make([]tensor, len(values))
	for i, v := range values {
		all[i] = x.tensor(v)
	}
	return all
}

// finish makes every output a memory of its own and finds the steps after which
// values are dead, and what takes over their memory.
func (p *plan) finish(outputs []*value) {
	taken := make(map[*value]bool)
	for _, v := range outputs {
		p.dense(v)
		r := root(v)
		own := r.node.op != compute.OpTypeParameter && r.node.op != compute.OpTypeConstant
		if own && r == v && !taken[r] {
			taken[r] = true
			p.outputs = append(p.outputs, v)
			continue
		}
		c := &value{node: &node{op: compute.OpTypeSlice}, id: p.values, shape: v.shape}
		p.values++
		p.emit("copy", []*value{v}, []*value{c}, func(x *run) {
			if err := copyFlat(x.values[c.id].flat, x.tensor(v).flat); err != nil {
				panic(err)
			}
		})
		taken[c] = true
		p.outputs = append(p.outputs, c)
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		for _, list := range [][]*value{s.write, s.read} {
			for _, v := range list {
				r := root(v)
				if taken[r] || r.node.op == compute.OpTypeConstant {
					continue
				}
				taken[r] = true
				if r.node.op != compute.OpTypeParameter {
					s.dead = append(s.dead, r)
				} else if i, ok := r.node.attr.(int); ok { // not a capture
					s.spent = append(s.spent, i)
				}
			}
		}
		if s.chain != nil {
			s.over = s.chain.over(s, p.params)
			s.dead = slices.DeleteFunc(s.dead, func(v *value) bool { return slices.Contains(s.over, v) })
		}
	}
}
