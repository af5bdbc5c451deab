// Package stagegraph builds the graph of a repository's stages from their
// paths, checks it, and orders it.
//
// Nothing here reads a file: a [Node] carries the address of a stage and the
// paths it depends on and produces. An edge runs from a producer to a consumer
// when a dependency of the consumer equals, contains or lies inside an output
// of the producer. Orders are deterministic: they follow the order in which
// the nodes were given and the order of each node's dependencies.
package stagegraph

import (
	"path"
	"slices"
	"strings"
)

// A Node is one stage (or one .dvc file) as the graph sees it.
type Node struct {
	Address string // unique name as shown to the user: "train", "sub/dvc.yaml:s", "data.dvc"
	File    string // path of the file that declares it, from the repository root
	Deps    []string
	Outs    []Out
	Frozen  bool // its producers are not brought up to date before it
	DVCFile bool // declared by a .dvc file, so Address is a path
}

// An Out is one output of a node.
type Out struct {
	Path string // from the repository root, slashes
	Show string // how messages and drawings name it; empty means Path
}

func (o Out) show() string {
	if o.Show != "" {
		return o.Show
	}
	return o.Path
}

// A Graph is a checked, acyclic graph of stages. Nodes are known by their index
// in the slice given to [New].
type Graph struct {
	nodes     []Node
	producers [][]int // per node, in the order of its dependencies
	consumers [][]int // per node, in node order
	owners    *trie
}

// New builds the graph. Paths are slash-separated and all relative to the
// repository root ("../x" for what lies outside) or absolute; they need not be
// clean. The error is one of [*DuplicateError], [*OverlapError],
// [*InsideOutputError] and [*CycleError], found in that order.
func New(nodes []Node) (*Graph, error) {
	g := &Graph{
		nodes:     nodes,
		producers: make([][]int, len(nodes)),
		consumers: make([][]int, len(nodes)),
		owners:    newTrie(),
	}
	for i := range nodes {
		// Outputs first, all of them: whether a path is a producer's is only known then.
		for j := range nodes[i].Outs {
			if err := g.claim(i, j); err != nil {
				return nil, err
			}
		}
	}
	for i := range nodes {
		if o, ok := g.owners.shortestPrefix(split(nodes[i].File)); ok {
			return nil, &InsideOutputError{Address: nodes[i].Address, Output: g.out(o).show()}
		}
	}
	for i := range nodes {
		g.link(i)
	}
	if cycle := g.findCycle(); cycle != nil {
		return nil, &CycleError{Addresses: cycle}
	}
	return g, nil
}

// claim enters output j of node i as owned by that node.
func (g *Graph) claim(i, j int) error {
	out := g.nodes[i].Outs[j]
	key := split(out.Path)
	if o, ok := g.owners.get(key); ok {
		first := g.nodes[o.node].Address
		if o.node == i {
			return &DuplicateError{Output: out.show(), Addresses: []string{first}}
		}
		return &DuplicateError{Output: out.show(), Addresses: []string{first, g.nodes[i].Address}}
	}
	self := OverlapSide{Output: out.show(), Address: g.nodes[i].Address}
	// What was claimed before is inside the new one, or around it; both can't be, as
	// the first two would have overlapped then.
	if below := g.owners.below(key, nil); len(below) > 0 {
		return &OverlapError{Parent: self, Child: g.side(below[0])}
	}
	if o, ok := g.owners.shortestPrefix(key); ok {
		return &OverlapError{Parent: g.side(o), Child: self}
	}
	g.owners.put(key, owner{node: i, out: j})
	return nil
}

func (g *Graph) out(o owner) Out { return g.nodes[o.node].Outs[o.out] }

// side is an output as an OverlapError names it.
func (g *Graph) side(o owner) OverlapSide {
	return OverlapSide{Output: g.out(o).show(), Address: g.nodes[o.node].Address}
}

// link finds the producers of node i.
func (g *Graph) link(i int) {
	for _, dep := range g.nodes[i].Deps {
		for _, o := range g.overlapping(dep) {
			if !slices.Contains(g.producers[i], o.node) {
				g.producers[i] = append(g.producers[i], o.node)
				g.consumers[o.node] = append(g.consumers[o.node], i)
			}
		}
	}
}

// overlapping lists the outputs that contain dep, outermost first, then those
// that lie inside it.
func (g *Graph) overlapping(dep string) []owner {
	key := split(dep)
	return g.owners.below(key, g.owners.prefixes(key, nil))
}

// Len returns the number of nodes.
func (g *Graph) Len() int { return len(g.nodes) }

// Node returns node i.
func (g *Graph) Node(i int) *Node { return &g.nodes[i] }

// Producers returns the nodes that produce dependencies of node i, in the order
// of those dependencies. The slice is shared: do not change it.
func (g *Graph) Producers(i int) []int { return g.producers[i] }

// Consumers returns the nodes that depend directly on node i, in node order.
// The slice is shared: do not change it.
func (g *Graph) Consumers(i int) []int { return g.consumers[i] }

// Active returns the graph without the edges into frozen nodes: what has to be
// brought up to date before what.
func (g *Graph) Active() *Graph {
	a := &Graph{
		nodes:     g.nodes,
		producers: make([][]int, len(g.nodes)),
		consumers: make([][]int, len(g.nodes)),
		owners:    g.owners,
	}
	for i := range g.nodes {
		if g.nodes[i].Frozen {
			continue
		}
		// Shared with g: neither graph changes its slices after New.
		a.producers[i] = g.producers[i]
		for _, p := range g.producers[i] {
			a.consumers[p] = append(a.consumers[p], i)
		}
	}
	return a
}

// split cuts a path into the components that containment is decided on. The
// repository root itself has none.
func split(p string) []string {
	p = path.Clean(p)
	if p == "." {
		return nil
	}
	parts := strings.Split(p, "/")
	if parts[0] == "" {
		parts[0] = "/"
	}
	return parts
}
