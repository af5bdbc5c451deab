package stagegraph

import "slices"

// PlanOptions selects the part of a graph to run. The zero value selects all.
type PlanOptions struct {
	Targets    []int // nil means the whole graph
	Pipeline   bool  // the whole connected components of the targets
	Downstream bool  // the targets and all that depends on them, not what they need
}

// Plan returns the selected nodes, producers before consumers: a depth-first
// post-order over the nodes in their order, visiting the producers of each in
// the order of its dependencies. Pass the plan of g.Active() to leave frozen
// stages unconnected to what they need.
func (g *Graph) Plan(opts *PlanOptions) []int {
	if opts == nil {
		opts = &PlanOptions{}
	}
	chosen := g.choose(opts)
	order := make([]int, 0, len(g.nodes))
	done := make([]bool, len(g.nodes))
	for i := range g.nodes {
		if chosen[i] {
			order = g.postOrder(i, chosen, done, order)
		}
	}
	return order
}

// choose marks the nodes to run. Targets that are empty but not nil choose nothing.
func (g *Graph) choose(opts *PlanOptions) []bool {
	chosen := make([]bool, len(g.nodes))
	if opts.Targets == nil {
		for i := range chosen {
			chosen[i] = true
		}
		return chosen
	}
	next := g.producers
	if opts.Downstream && !opts.Pipeline {
		next = g.consumers
	}
	for _, t := range opts.Targets {
		g.reach(t, chosen, next, opts.Pipeline)
	}
	return chosen
}

// reach marks start and everything reachable over next; over the edges of both
// directions if both is set.
func (g *Graph) reach(start int, seen []bool, next [][]int, both bool) {
	stack := []int{start}
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[i] {
			continue
		}
		seen[i] = true
		stack = append(stack, next[i]...)
		if both {
			stack = append(stack, g.consumers[i]...)
		}
	}
}

// postOrder appends start after everything it needs within chosen. It keeps its
// own stack: chains of stages may be long.
func (g *Graph) postOrder(start int, chosen, done []bool, order []int) []int {
	type frame struct{ node, next int }
	if done[start] {
		return order
	}
	done[start] = true
	stack := []frame{{node: start}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == len(g.producers[top.node]) {
			order = append(order, top.node)
			stack = stack[:len(stack)-1]
			continue
		}
		p := g.producers[top.node][top.next]
		top.next++
		// done is set when a node is entered: without cycles it cannot be met again before
		// it is finished.
		if chosen[p] && !done[p] {
			done[p] = true
			stack = append(stack, frame{node: p})
		}
	}
	return order
}

// Upstream returns the given nodes and everything they need, in node order.
func (g *Graph) Upstream(nodes ...int) []int { return g.closure(nodes, g.producers) }

// Downstream returns the given nodes and everything that needs them, in node
// order.
func (g *Graph) Downstream(nodes ...int) []int { return g.closure(nodes, g.consumers) }

func (g *Graph) closure(nodes []int, next [][]int) []int {
	seen := make([]bool, len(g.nodes))
	for _, n := range nodes {
		g.reach(n, seen, next, false)
	}
	var all []int
	for i, ok := range seen {
		if ok {
			all = append(all, i)
		}
	}
	return all
}

// findCycle returns the addresses on one cycle, or nil.
// A depth-first search; a producer that is still open is on the stack, and all above
// it there is the cycle.
func (g *Graph) findCycle() []string {
	const (
		unseen = iota
		open
		closed
	)
	type frame struct{ node, next int }
	state := make([]int, len(g.nodes))
	for start := range g.nodes {
		if state[start] != unseen {
			continue
		}
		state[start] = open
		stack := []frame{{node: start}}
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(g.producers[top.node]) {
				state[top.node] = closed
				stack = stack[:len(stack)-1]
				continue
			}
			p := g.producers[top.node][top.next]
			top.next++
			switch state[p] {
			case unseen:
				state[p] = open
				stack = append(stack, frame{node: p})
			case open:
				at := slices.IndexFunc(stack, func(f frame) bool { return f.node == p })
				var names []string
				for _, f := range stack[at:] {
					names = append(names, g.nodes[f.node].Address)
				}
				return names
			}
		}
	}
	return nil
}
