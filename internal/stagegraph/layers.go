package stagegraph

import (
	"slices"
	"sort"
)

// A layout places the nodes of one connected picture in layers from producers
// down to consumers, after Sugiyama: ranks, then an order within each layer with
// few crossings, then coordinates after Brandes and Köpf ("Fast and Simple
// Horizontal Coordinate Assignment", 2001). Ties are broken as the library
// behind "dvc dag" breaks them, so that the drawings are the same.
type layout struct {
	cells  []cell // the nodes, then the bends of long edges
	layers [][]int
	edges  [][2]int
	routes [][]int // per edge, the cells it runs through, ends included
	gap    float64 // least distance between two boxes of a layer
	up     [][]int // per cell, neighbours in the layer above
	down   [][]int
}

// A cell is a box, or a bend where a long edge passes a layer.
type cell struct {
	bend      bool
	width     float64
	rank, pos int
	bar       float64 // barycentre
	x, y      float64
}

// boxHeight is two edges and the name, in lines; as much is left between layers.
const boxHeight = 3

// newLayout ranks and orders a connected picture without cycles.
func newLayout(p *Picture) *layout {
	l := &layout{}
	for _, name := range p.Names {
		l.cells = append(l.cells, cell{width: boxWidth(name)})
	}
	for _, e := range p.Edges {
		if e[0] != e[1] {
			l.edges = append(l.edges, e)
		}
	}
	widths := make([]float64, len(l.cells))
	for i, c := range l.cells {
		widths[i] = c.width
	}
	slices.Sort(widths)
	// DVC sets the least width as the distance; the median one is the library's choice
	// for bends.
	l.gap = widths[0]
	l.rank(l.joinOrder())
	l.bends(widths[len(widths)/2])
	for r := range l.layers {
		l.number(r)
	}
	l.order()
	return l
}

// joinOrder is the order in which the nodes come together when the edges are
// looked at one by one and each merges the group of its consumer into that of
// its producer.
func (l *layout) joinOrder() []int {
	group := make([][]int, len(l.cells))
	of := make([]int, len(l.cells))
	for i := range group {
		group[i], of[i] = []int{i}, i
	}
	for _, e := range l.edges {
		into, from := of[e[0]], of[e[1]]
		if into == from {
			continue
		}
		for _, n := range group[from] {
			of[n] = into
		}
		group[into] = append(group[into], group[from]...)
		group[from] = nil
	}
	return group[of[0]]
}

// rank puts every node one layer below the lowest of its producers; then, from
// the bottom up, producers move down as far as their consumers allow.
func (l *layout) rank(nodes []int) {
	// in and out are the direct producers and consumers, in the order of the edges.
	in, out := make([][]int, len(l.cells)), make([][]int, len(l.cells))
	for _, e := range l.edges {
		in[e[1]] = append(in[e[1]], e[0])
		out[e[0]] = append(out[e[0]], e[1])
	}
	ranked := make([]bool, len(l.cells))
	ready := slices.DeleteFunc(slices.Clone(nodes), func(n int) bool { return len(in[n]) > 0 })
	for len(ready) > 0 {
		var next []int
		for _, n := range ready {
			r := 0
			for _, p := range in[n] {
				r = max(r, l.cells[p].rank+1)
			}
			l.cells[n].rank, ranked[n] = r, true
			if r == len(l.layers) {
				l.layers = append(l.layers, nil)
			}
			l.layers[r] = append(l.layers[r], n)
			for _, c := range out[n] {
				all := !slices.ContainsFunc(in[c], func(p int) bool { return !ranked[p] })
				if all && !slices.Contains(next, c) {
					next = append(next, c)
				}
			}
		}
		ready = next
	}
	for r := len(l.layers) - 1; r >= 0; r-- {
		// A producer may move out of the layer being looked at only upwards
		// in r, never within it, so the layer can be walked as it is.
		for _, n := range slices.Clone(l.layers[r]) {
			for _, p := range in[n] {
				l.lower(p, l.cells[n].rank, out[p])
			}
		}
	}
}

// lower moves p to the layer above rank if none of its consumers is above that.
func (l *layout) lower(p, rank int, consumers []int) {
	for _, c := range consumers {
		if l.cells[c].rank < rank {
			return
		}
	}
	old := l.cells[p].rank
	l.layers[old] = slices.DeleteFunc(l.layers[old], func(n int) bool { return n == p })
	l.cells[p].rank = rank - 1
	l.layers[rank-1] = append(l.layers[rank-1], p)
}

// bends gives every edge that skips layers a cell in each of them.
func (l *layout) bends(width float64) {
	for _, e := range l.edges {
		route := []int{e[0]}
		for r := l.cells[e[0]].rank + 1; r < l.cells[e[1]].rank; r++ {
			route = append(route, len(l.cells))
			l.layers[r] = append(l.layers[r], len(l.cells))
			l.cells = append(l.cells, cell{bend: true, width: width, rank: r})
		}
		l.routes = append(l.routes, append(route, e[1]))
	}
	l.up, l.down = make([][]int, len(l.cells)), make([][]int, len(l.cells))
	for _, route := range l.routes {
		for i := 1; i < len(route); i++ {
			l.up[route[i]] = append(l.up[route[i]], route[i-1])
			l.down[route[i-1]] = append(l.down[route[i-1]], route[i])
		}
	}
}

// number writes down the order of a layer in its cells.
func (l *layout) number(r int) {
	step := 1.0
	// Bars run from 0 to 1 in every layer, so that layers of different lengths can be
	// compared.
	if n := len(l.layers[r]); n > 1 {
		step = 1 / float64(n-1)
	}
	for i, n := range l.layers[r] {
		l.cells[n].pos, l.cells[n].bar = i, float64(i)*step
	}
}

// order sweeps down, up if anything crosses, and down again.
// DVC takes the library's default, a round and a half; more would give other
// drawings.
func (l *layout) order() {
	if l.sweepDown() > 0 {
		for r := len(l.layers) - 1; r >= 0; r-- {
			l.orderLayer(r, l.down, r < len(l.layers)-1)
		}
	}
	l.sweepDown()
}

func (l *layout) sweepDown() int {
	crossings := 0
	for r := range l.layers {
		crossings += l.orderLayer(r, l.up, r > 0)
	}
	return crossings
}

// orderLayer sorts one layer by the barycentres of its neighbours in the fixed
// layer, if edges cross at all, then swaps adjacent cells where that helps. It
// returns the crossings left between adjacent cells.
func (l *layout) orderLayer(r int, near [][]int, fixed bool) int {
	layer := l.layers[r]
	c := l.crossings(layer, near)
	if c == 0 {
		return 0
	}
	if fixed {
		bars := make([]float64, len(layer))
		for i, n := range layer {
			bars[i] = l.barycentre(n, near[n])
		}
		for i, n := range layer {
			l.cells[n].bar = bars[i]
		}
	}
	slices.SortStableFunc(layer, func(a, b int) int {
		switch x, y := l.cells[a].bar, l.cells[b].bar; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	c = l.swapNeighbours(layer, near)
	l.number(r)
	return c
}

// barycentre is the mean place of the neighbours; without any a cell keeps its own.
func (l *layout) barycentre(n int, near []int) float64 {
	if len(near) == 0 {
		return l.cells[n].bar
	}
	sum := 0.0
	for _, m := range near {
		sum += l.cells[m].bar
	}
	return sum / float64(len(near))
}

// crossings counts the crossing pairs of edges between a layer and its
// neighbours, as the inversions of the sequence of far ends.
func (l *layout) crossings(layer []int, near [][]int) int {
	var ends, sorted []int
	for _, n := range layer {
		var at []int
		for _, m := range near[n] {
			at = append(at, l.cells[m].pos)
		}
		slices.Sort(at)
		ends = append(ends, at...)
	}
	count := 0
	for i, p := range ends {
		// Ends that are equal meet and don't cross, so only greater ones count.
		j := sort.SearchInts(sorted, p+1)
		count += i - j
		sorted = slices.Insert(sorted, j, p)
	}
	return count
}

// swapNeighbours goes through the layer once, from left to right. A pair is swapped
// if fewer of its edges cross then, and the right one is compared on. The result
// counts only crossings of such pairs, which may be fewer than all: it decides whether
// the layers are ordered upwards as well.
func (l *layout) swapNeighbours(layer []int, near [][]int) int {
	total := 0
	for i := 0; i+1 < len(layer); i++ {
		a, b := layer[i], layer[i+1]
		asIs, swapped := 0, 0
		for _, m := range near[b] {
			over := 0
			for _, n := range near[a] {
				if l.cells[n].bar > l.cells[m].bar {
					over++
				}
			}
			asIs += over
			swapped += len(near[a]) - over
		}
		if swapped < asIs {
			layer[i], layer[i+1] = b, a
		}
		total += min(asIs, swapped)
	}
	return total
}
