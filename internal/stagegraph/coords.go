package stagegraph

import (
	"math"
	"slices"
)

// place computes coordinates: x by Brandes and Köpf, as the mean of the two
// middle ones of four extreme alignments; y by layer.
// The mean of the middle two is what makes the drawing neither lean to one side nor
// depend on a single extreme one.
func (l *layout) place() {
	conflicts := l.conflicts()
	xs := make([][]float64, len(l.cells))
	for _, upward := range []bool{true, false} {
		for _, leftward := range []bool{true, false} {
			a := newAlignment(l, upward, leftward, conflicts)
			a.align()
			a.compact()
			for n, x := range a.positions() {
				xs[n] = append(xs[n], x)
			}
		}
	}
	for n := range l.cells {
		slices.Sort(xs[n])
		l.cells[n].x = (xs[n][1] + xs[n][2]) / 2
		l.cells[n].y = float64(l.cells[n].rank)*2*boxHeight + boxHeight/2.0
	}
}

// conflicts marks the segments that cross a segment between two bends; those
// are kept straight instead.
func (l *layout) conflicts() map[[2]int]bool {
	marked := map[[2]int]bool{}
	for r := 1; r < len(l.layers); r++ {
		layer, above := l.layers[r], l.layers[r-1]
		// Layer by layer, from one inner segment to the next: what begins between them must
		// end between them, or it crosses one. The last cell of a layer closes the rest.
		left, from := 0, 0
		for i, n := range layer {
			if !l.cells[n].bend {
				continue
			}
			upper := l.up[n][0]
			inner := l.cells[upper].bend
			if i != len(layer)-1 && !inner {
				continue
			}
			right := len(above) - 1
			if inner {
				right = l.cells[upper].pos
			}
			for _, m := range layer[from : i+1] {
				for _, u := range l.up[m] {
					if p := l.cells[u].pos; p < left || p > right {
						marked[[2]int{u, m}] = true
					}
				}
			}
			from, left = i+1, right
		}
	}
	return marked
}

// An alignment is one of the four extreme placements: blocks of cells that stand
// exactly above each other, pushed to one side.
// root, next, sink, shift and x are the paper's arrays, by cell: root is the top
// cell of the block, next the one below (of the last: the root), sink the root of
// the leftmost block of a class of blocks that touch, shift how far that class
// can move, x the place of a root within its class. "Left" and "above" are in
// the direction of work.
type alignment struct {
	l         *layout
	conflicts map[[2]int]bool
	near      [][]int // neighbours in the layer that was aligned before
	layers    [][]int // in the order of work
	upward    bool    // align with the layer above
	dir       int     // +1: leftmost, -1: rightmost

	root, next, sink []int
	shift            []float64
	x                []float64
	placed           []bool
}

// newAlignment makes every cell a block of its own. A shift of +Inf means that the
// class has no neighbour to move towards.
func newAlignment(l *layout, upward, leftward bool, conflicts map[[2]int]bool) *alignment {
	n := len(l.cells)
	a := &alignment{l: l, conflicts: conflicts, near: l.up, upward: upward, dir: 1,
		root: make([]int, n), next: make([]int, n), sink: make([]int, n),
		shift: make([]float64, n), x: make([]float64, n), placed: make([]bool, n)}
	for i := range n {
		a.root[i], a.next[i], a.sink[i], a.shift[i] = i, i, i, math.Inf(1)
	}
	a.layers = slices.Clone(l.layers)
	if !upward {
		a.near = l.down
		slices.Reverse(a.layers)
	}
	if !leftward {
		a.dir = -1
	}
	return a
}

// across returns a layer in the direction of work.
func (a *alignment) across(layer []int) []int {
	if a.dir == 1 {
		return layer
	}
	turned := slices.Clone(layer)
	slices.Reverse(turned)
	return turned
}

// align joins every cell with one of the median cells next to it, where no link
// crosses one made before.
func (a *alignment) align() {
	for i := 1; i < len(a.layers); i++ {
		fixed := a.layers[i-1]
		// last is the place of the link made last in this layer; another that goes before it
		// would cross it.
		last, any := 0, false
		for _, n := range a.across(a.layers[i]) {
			for _, m := range a.medians(n) {
				if a.next[n] != n {
					continue
				}
				u := fixed[m]
				// Conflicts are kept from the layer above to that below, whatever the direction.
				link := [2]int{u, n}
				if !a.upward {
					link = [2]int{n, u}
				}
				if a.conflicts[link] || any && a.dir*last >= a.dir*m {
					continue
				}
				a.next[u] = n
				a.root[n] = a.root[u]
				a.next[n] = a.root[n]
				last, any = m, true
			}
		}
	}
}

// medians are the places of the neighbours in the middle: one if their number is
// odd, both if it is even, none without neighbours.
func (a *alignment) medians(n int) []int {
	var pos []int
	for _, m := range a.near[n] {
		pos = append(pos, a.l.cells[m].pos)
	}
	if len(pos) == 0 {
		return nil
	}
	slices.Sort(pos)
	pos = a.across(pos)
	i := (len(pos) - 1) / 2
	if len(pos)%2 == 1 {
		return pos[i : i+1]
	}
	return pos[i : i+2]
}

// compact pushes the blocks to one side.
func (a *alignment) compact() {
	for _, layer := range a.layers {
		for _, n := range a.across(layer) {
			if a.root[n] == n {
				a.block(n)
			}
		}
	}
}

// block places the block that v is the root of, after those beside it.
// It calls itself for the block beside, so that x of that one is known; the depth
// is at most the number of blocks.
func (a *alignment) block(v int) {
	if a.placed[v] {
		return
	}
	a.placed[v] = true
	for w := v; ; {
		// Down the block, cell by cell: each has its own neighbour to keep away from.
		layer := a.l.layers[a.l.cells[w].rank]
		if j := a.l.cells[w].pos - a.dir; j >= 0 && j < len(layer) {
			beside := layer[j]
			delta := a.l.gap + (a.l.cells[beside].width+a.l.cells[w].width)/2
			u := a.root[beside]
			a.block(u)
			if a.sink[v] == v {
				a.sink[v] = a.sink[u]
			}
			// Blocks of another class have another origin: they only limit how near the two
			// classes may come.
			if a.sink[v] != a.sink[u] {
				s := a.sink[u]
				a.shift[s] = min(a.shift[s], a.x[v]-(a.x[u]+delta))
			} else {
				a.x[v] = max(a.x[v], a.x[u]+delta)
			}
		}
		if w = a.next[w]; w == v {
			return
		}
	}
}

// positions returns the x of every cell.
// Within rightmost alignments x is counted leftwards and so turned around.
func (a *alignment) positions() []float64 {
	xs := make([]float64, len(a.l.cells))
	dir := float64(a.dir)
	for n := range xs {
		root := a.root[n]
		xs[n] = dir * a.x[root]
		if s := a.shift[a.sink[root]]; !math.IsInf(s, 1) {
			xs[n] += dir * s
		}
	}
	return xs
}
