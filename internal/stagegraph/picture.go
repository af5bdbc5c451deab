package stagegraph

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Picture is a graph to be drawn: named nodes, and edges from producers to
// consumers given by index.
type Picture struct {
	Names []string
	Edges [][2]int
}

// Stages pictures the graph with one node per stage.
func (g *Graph) Stages() *Picture {
	p := &Picture{}
	for i := range g.nodes {
		p.Names = append(p.Names, g.nodes[i].Address)
		for _, from := range g.producers[i] {
			p.Edges = append(p.Edges, [2]int{from, i})
		}
	}
	return p
}

// Outputs pictures the graph with one node per output.
func (g *Graph) Outputs() *Picture {
	p := &Picture{}
	// In the order of the trie, directory by directory.
	all := g.owners.inside(nil)
	index := make(map[owner]int, len(all))
	for i, o := range all {
		index[o] = i
		p.Names = append(p.Names, g.out(o).show())
	}
	seen := map[[2]int]bool{}
	for i := range g.nodes {
		// A stage is an edge from each output that it reads to each that it makes. One that
		// reads nothing, or makes nothing, is no edge.
		for _, dep := range g.nodes[i].Deps {
			from := g.overlapping(dep)
			for j := range g.nodes[i].Outs {
				for _, o := range from {
					e := [2]int{index[o], index[owner{i, j}]}
					if !seen[e] {
						seen[e] = true
						p.Edges = append(p.Edges, e)
					}
				}
			}
		}
	}
	return p
}

// Around keeps the named nodes and what they are made from; with full, all that
// is connected to them.
func (p *Picture) Around(names []string, full bool) *Picture {
	keep := make([]bool, len(p.Names))
	var stack []int
	for i, name := range p.Names {
		if slices.Contains(names, name) {
			stack = append(stack, i)
		}
	}
	in, out := p.adjacency()
	for len(stack) > 0 {
		i := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if keep[i] {
			continue
		}
		keep[i] = true
		stack = append(stack, in[i]...)
		if full {
			stack = append(stack, out[i]...)
		}
	}
	return p.only(keep)
}

// Collapse draws the members of a foreach or matrix, "s@…", as one node "s".
// The new nodes come last.
func (p *Picture) Collapse() *Picture {
	group := func(name string) string {
		before, _, ok := strings.Cut(name, "@")
		if !ok || strings.HasSuffix(name, ".dvc") {
			return ""
		}
		return before
	}
	q := &Picture{}
	index := map[string]int{}
	add := func(name string) {
		if _, ok := index[name]; !ok {
			index[name] = len(q.Names)
			q.Names = append(q.Names, name)
		}
	}
	for _, name := range p.Names {
		if group(name) == "" {
			add(name)
		}
	}
	for _, name := range p.Names {
		if g := group(name); g != "" {
			add(g)
		}
	}
	node := func(i int) int {
		if g := group(p.Names[i]); g != "" {
			return index[g]
		}
		return index[p.Names[i]]
	}
	seen := map[[2]int]bool{}
	for _, e := range p.Edges {
		e := [2]int{node(e[0]), node(e[1])}
		if !seen[e] {
			seen[e] = true
			q.Edges = append(q.Edges, e)
		}
	}
	return q
}

// Components splits the picture into its connected parts.
func (p *Picture) Components() []*Picture {
	in, out := p.adjacency()
	seen := make([]bool, len(p.Names))
	var all []*Picture
	for i := range p.Names {
		if seen[i] {
			continue
		}
		part := make([]bool, len(p.Names))
		stack := []int{i}
		for len(stack) > 0 {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if seen[n] {
				continue
			}
			seen[n], part[n] = true, true
			stack = append(append(stack, in[n]...), out[n]...)
		}
		all = append(all, p.only(part))
	}
	return all
}

// adjacency lists, per node, where edges come from and go to.
func (p *Picture) adjacency() (in, out [][]int) {
	in, out = make([][]int, len(p.Names)), make([][]int, len(p.Names))
	for _, e := range p.Edges {
		in[e[1]] = append(in[e[1]], e[0])
		out[e[0]] = append(out[e[0]], e[1])
	}
	return in, out
}

// only is the part of the picture with the kept nodes and the edges between them, in
// the order they had.
func (p *Picture) only(keep []bool) *Picture {
	q := &Picture{}
	index := make([]int, len(p.Names))
	for i, name := range p.Names {
		if keep[i] {
			index[i] = len(q.Names)
			q.Names = append(q.Names, name)
		}
	}
	for _, e := range p.Edges {
		if keep[e[0]] && keep[e[1]] {
			q.Edges = append(q.Edges, [2]int{index[e[0]], index[e[1]]})
		}
	}
	return q
}

// Dot writes the picture in the language of Graphviz.
func (p *Picture) Dot() string {
	var b strings.Builder
	b.WriteString("strict digraph {\n")
	for _, name := range p.Names {
		fmt.Fprintf(&b, "%s;\n", dotQuote(name))
	}
	edges := slices.Clone(p.Edges)
	slices.SortStableFunc(edges, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	for _, e := range edges {
		fmt.Fprintf(&b, "%s -> %s;\n", dotQuote(p.Names[e[0]]), dotQuote(p.Names[e[1]]))
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote leaves backslashes alone, which Dot gives a meaning.
func dotQuote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `\"`) + `"`
}

// Mermaid writes the picture as a Mermaid flow chart, without a line end.
func (p *Picture) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart TD")
	total := 0
	for _, part := range p.Components() {
		order := make([]int, len(part.Names))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(part.Names[a], part.Names[b]) })
		id := make([]int, len(order))
		for _, n := range order {
			total++
			id[n] = total
			fmt.Fprintf(&b, "\n\tnode%d[\"%s\"]", total, part.Names[n])
		}
		edges := slices.Clone(part.Edges)
		slices.SortFunc(edges, func(a, b [2]int) int { // ids follow the names
			return cmp.Or(cmp.Compare(id[a[0]], id[b[0]]), cmp.Compare(id[a[1]], id[b[1]]))
		})
		for _, e := range edges {
			fmt.Fprintf(&b, "\n\tnode%d-->node%d", id[e[0]], id[e[1]])
		}
	}
	return b.String()
}

// Markdown wraps the Mermaid chart for a Markdown file.
func (p *Picture) Markdown() string { return "```mermaid\n" + p.Mermaid() + "\n```" }
