package cpu

import "github.com/reprodl/reprodl/esc50/internal/kernel"

// columnRows is the least number of rows of a part of a sum down columns.
const columnRows = 256

// columns cuts a matrix, rows by columns, for sums down the columns: in parts
// of rows, by the shape alone, and blocks of sixteen columns.
type columns struct{ rows, columns, parts, blocks int }

func newColumns(rows, n int) *columns {
	return &columns{rows, n, max(1, min(32, rows/columnRows)), (n + kernel.Lanes - 1) / kernel.Lanes}
}

// part is which rows a part has.
func (c *columns) part(i int) (r0, r1 int) { return i * c.rows / c.parts, (i + 1) * c.rows / c.parts }

// Columns are read so many blocks beside one another at most, some rows at a time:
// nearly in the order of memory.
const (
	columnBlocks = 16
	columnStrip  = 16
)

// each calls f, spread over the workers, with all rows of every part of every
// block, some at a time in their order: the place of the first element, and how
// many rows and columns there are.
func (c *columns) each(x *run, f func(part, block, at, rows, n int)) {
	beside := max(1, min(columnBlocks, c.parts*c.blocks/leastTasks))
	groups := (c.blocks + beside - 1) / beside
	x.tasks(c.parts*groups, func(t int, _ *scratch) {
		part, first := t/groups, t%groups*beside
		last := min(c.blocks, first+beside)
		for r, end := c.part(part); r < end; r += columnStrip {
			for block := first; block < last; block++ {
				f(part, block, r*c.columns+block*kernel.Lanes, min(columnStrip, end-r), min(kernel.Lanes, c.columns-block*kernel.Lanes))
			}
		}
	})
}

// sums adds what f adds for the rows of every part, and returns the sums by column.
func (c *columns) sums(x *run, f func(m *kernel.Moments, block, at, rows, n int)) (first, second []float64) {
	parts := x.moments(c.parts * c.blocks)
	c.each(x, func(part, block, at, rows, n int) { f(&parts[part*c.blocks+block], block, at, rows, n) })
	return c.add(parts)
}

// add adds the sums of the parts, by block, up.
func (c *columns) add(parts []kernel.Moments) (first, second []float64) {
	first, second = make([]float64, c.columns), make([]float64, c.columns)
	for part := range c.parts {
		for i := range first {
			m := &parts[part*c.blocks+i/kernel.Lanes]
			first[i] += m[0][i%kernel.Lanes]
			second[i] += m[1][i%kernel.Lanes]
		}
	}
	return first, second
}

// last tells whether the channels are the last axis: a channel is a column.
func (b *batchNorm) last() bool { return b.inner == 1 }

// moments are the sums of each channel and of its squares.
func (b *batchNorm) moments(x *run, y []float32) (sum, squares []float64) {
	return newColumns(b.outer, b.channels).sums(x, func(m *kernel.Moments, _, at, rows, n int) {
		m.AddColumns(y[at:], b.channels, rows, n)
	})
}

// blocks are the parameters by sixteen channels.
func (n *norms) blocks() []kernel.ColumnNorm {
	all := make([]kernel.ColumnNorm, (len(n.channel)+kernel.Lanes-1)/kernel.Lanes)
	for c, p := range n.channel {
		b, i := &all[c/kernel.Lanes], c%kernel.Lanes
		b.Mean[i], b.Scale[i], b.Offset[i], b.K1[i], b.K2[i], b.K3[i] = p.Mean, p.Scale, p.Offset, p.K1, p.K2, p.K3
	}
	return all
}

func (b *batchNorm) applyLast(x *run, z, y []float32, n *norms) {
	blocks := n.blocks()
	newColumns(b.outer, b.channels).each(x, func(_, block, at, rows, n int) {
		kernel.ColumnsNorm(z[at:], y[at:], &blocks[block], b.channels, rows, n)
	})
}

func (b *batchNorm) gradientLast(x *run, in, out []tensor) {
	y, g := in[0].f32(), in[4].f32()
	n := open(in[2].f32())
	blocks := n.blocks()
	c := newColumns(b.outer, b.channels)
	sum, product := c.sums(x, func(m *kernel.Moments, block, at, rows, n int) {
		m.AddColumnGrads(g[at:], y[at:], &blocks[block], b.channels, rows, n)
	})
	b.setFactors(n, sum, product, in[1].f32(), in[3].f32(), out[1].f32(), out[2].f32())
	blocks = n.blocks()
	c.each(x, func(_, block, at, rows, n int) {
		kernel.ColumnsNormGrad(out[0].f32()[at:], g[at:], y[at:], &blocks[block], b.channels, rows, n)
	})
}
