package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// The gradient of a dense layer's output is the right operand of that of the
// weights, which is packed, and its sum down the columns is that of the bias. It
// is summed as it is packed, panel by panel, while that lies in the caches.

// natural tells whether the right operand is a matrix as it lies in memory, a
// depth a row.
func (d *dot) natural() bool {
	r := &d.right
	return d.batch == 1 && r.batch[0] == 0 && d.n > 1 && even(r.rows) == 1 && (d.k == 1 || even(r.depth) == d.n)
}

// columnSum tells whether a node sums the columns of such an operand.
func (d *dot) columnSum(n *node) bool {
	if n.op != compute.OpTypeReduceSum || n.out[0].shape.DType != dtypes.Float32 {
		return false
	}
	r := newReduction(n.in[0].shape.Dimensions, n.attr.([]int))
	return r.matrices == 1 && r.columns == d.n && r.rows == d.k
}

// readers calls f with every node that reads the memory of v, until f returns true.
func (p *plan) readers(v *value, f func(*node) bool) bool {
	for _, u := range p.users[v] {
		switch {
		case u == nil:
		case u.op == compute.OpTypeIdentity || u.op == compute.OpTypeReshape:
			if p.readers(u.out[0], f) {
				return true
			}
		case f(u):
			return true
		}
	}
	return false
}

// sumsOf are the sums of columns of a right operand that are still to be made.
func (p *plan) sumsOf(v *value, d *dot) []*value {
	var sums []*value
	if d.natural() {
		p.readers(root(v), func(u *node) bool {
			if !p.done[u] && !p.visited[u] && d.columnSum(u) {
				p.done[u] = true
				sums = append(sums, u.out[0])
			}
			return false
		})
	}
	return sums
}

// fusePack makes a sum of columns with the packing of its operand, if there is
// to be one.
func (p *plan) fusePack(n *node) bool {
	return p.readers(root(n.in[0]), func(u *node) bool {
		if u.op != compute.OpTypeDotGeneral || p.visited[u] || p.done[u] || p.sums[u] != nil || root(u.in[1]) != root(n.in[0]) || !packs(u) {
			return false
		}
		d := u.attr.(*dot)
		if !d.natural() || !d.columnSum(n) || p.isPacked(u.in[1], d) != nil {
			return false
		}
		delete(p.visited, n) // it is one of the sums that are still to be made
		p.dense(u.in[1])
		p.packed(u.in[1], newProduct(d))
		p.visited[n] = true
		return p.done[n]
	})
}

// packSum packs the right operand and sets the sums to those of its columns.
func (p *product) packSum(x *run, dst, right []float32, sums [][]float32) {
	c := newColumns(p.k, p.n)
	moments := x.moments(c.parts * c.blocks)
	// Tasks are parts of the rows, or of the columns as well if those are few.
	from := p.ofRight()
	across := max(1, min(c.blocks/kernel.PackedPanels, leastTasks/2/c.parts))
	edge := func(share int) int {
		if share == across {
			return c.blocks
		}
		return c.blocks * share / across / kernel.PackedPanels * kernel.PackedPanels
	}
	x.tasks(c.parts*across, func(t int, _ *scratch) {
		part, lo, hi := t/across, edge(t%across), edge(t%across+1)
		for k0, end := c.part(part); k0 < end; k0 += packedStrip {
			k1 := min(end, k0+packedStrip)
			for first := lo; first < hi; first += kernel.PackedPanels {
				from.pack(dst[first*p.apart+k0*kernel.Panel:], p.apart, right, first, k0, k1)
				for b := first; b < min(hi, first+kernel.PackedPanels); b++ {
					moments[part*c.blocks+b].AddColumns(right[k0*p.n+b*kernel.Panel:], p.n, k1-k0, min(kernel.Panel, p.n-b*kernel.Panel))
				}
			}
		}
	})
	first, _ := c.add(moments)
	for _, to := range sums {
		for i, v := range first {
			to[i] = float32(v)
		}
	}
}
