package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// Blocks of a product: so many depths of a panel of the right operand stay in
// the first-level cache while the rows of a task pass by, and at most so many
// rows of the left one in the second. Blocks that are turned have more of them, as
// each reads all of the right operand.
const (
	blockDepth  = 256
	blockRows   = 96
	turnedMost  = 256
	turnedLeast = 64
)

// leastTasks is how many tasks a product is cut in if it has enough rows, so
// that workers end together.
const leastTasks = 16

// cutRows is what the rows of a block are a multiple of: most tiles are whole
// then, and blocks of neighbours are whole lines of the cache.
const cutRows = 8

// Products of few rows whose right operand every core can hold are cut in blocks
// of so few rows, so that a step of a recurrent network has a row of its state in
// the same core as the step before.
const (
	fewRows   = 2 * cutRows
	heldRight = 1 << 18 // elements
)

// cuts are how a product's tasks are cut: every matrix in blocks of so many rows,
// and those in parts of the columns. No element of the result depends on it, so
// that it may depend on the number of workers.
type cuts struct{ blocks, high, across int }

func (p *product) cut(workers int) cuts {
	most, blocks := blockRows, 0
	tasks := 8
	switch {
	case p.turned: // by every task for itself: there are no more than need be
		most, tasks = turnedMost, workers
		blocks = min(tasks/2/p.batch, p.m/turnedLeast)
	case p.m <= blockRows && p.batch*p.n*p.k <= heldRight:
		most = fewRows
	case p.m > blockRows:
		blocks = min((leastTasks+p.batch-1)/p.batch, p.m/(blockRows/2))
	}
	blocks = max(blocks, (p.m+most-1)/most)
	if blocks > 1 && p.batch*blocks < leastTasks {
		blocks += blocks % 2
	}
	c := cuts{high: roundUp((p.m+blocks-1)/blocks, cutRows)}
	c.blocks = (p.m + c.high - 1) / c.high
	// Few rows: the columns are spread over the workers as well.
	c.across = max(1, min(p.panels()/4, tasks/(p.batch*c.blocks)))
	return c
}

// product is a product of matrices ready to run.
type product struct {
	*dot
	rows, depth *kernel.Taps // of the left operand
	rightDepth  *kernel.Taps
	apart       int  // between packed panels
	turned      bool // the left operand's rows are neighbours, not its depths
	same        bool // the left operand is the same for all matrices
}

func newProduct(d *dot) *product {
	p := &product{dot: d, rows: kernel.NewTaps(d.left.rows), depth: kernel.NewTaps(d.left.depth), rightDepth: kernel.NewTaps(d.right.depth), apart: d.k * kernel.Panel}
	p.same = !slices.ContainsFunc(d.left.batch, func(at int) bool { return at != d.left.batch[0] })
	p.turned = d.m > kernel.High && d.k > 1 && d.left.rows[1]-d.left.rows[0] == 1 && d.left.depth[1]-d.left.depth[0] != 1
	return p
}

func (p *product) panels() int { return (p.n + kernel.Panel - 1) / kernel.Panel }

// packedSize is the number of elements of the packed right operand.
func (p *product) packedSize() int { return p.batch * p.panels() * p.apart }

// pack orders the right operand by matrix, panel of sixteen columns, depth and
// column.
func (p *product) pack(x *run, dst, right []float32) {
	panels := p.panels()
	from := p.ofRight()
	if even(p.right.rows) == 1 {
		parts := max(1, min(leastTasks/p.batch, p.k/packedStrip))
		x.tasks(p.batch*parts, func(t int, _ *scratch) {
			b, part := t/parts, t%parts
			k0, k1 := part*p.k/parts, (part+1)*p.k/parts
			from.packAll(dst[b*panels*p.apart+k0*kernel.Panel:], p.apart, right[p.right.batch[b]:], k0, k1)
		})
		return
	}
	groups := (panels + kernel.PackedPanels - 1) / kernel.PackedPanels
	x.tasks(p.batch*groups, func(t int, _ *scratch) {
		first := t % groups * kernel.PackedPanels
		from.pack(dst[(t/groups*panels+first)*p.apart:], p.apart, right[p.right.batch[t/groups]:], first, 0, p.k)
	})
}

// packedStrip is how many depths of neighbours are packed before the next ones, so
// that they are read in the order of memory.
const packedStrip = 16

// packer packs some columns of an operand, or rows of a left one, in panels.
type packer struct {
	columns, depth []int
	taps           *kernel.Taps // of depth
}

func (p *product) ofRight() packer { return packer{p.right.rows, p.right.depth, p.rightDepth} }

// ofLeft packs a block of the left operand.
func (p *product) ofLeft(r0, r1 int) packer { return packer{p.left.rows[r0:r1], p.left.depth, p.depth} }

// pack packs depths k0 to k1-1 of the panels from first on, at most
// [kernel.PackedPanels], which are so far apart. Whole ones of neighbours are
// packed depth by depth, so that more of a row of the operand is read at a time.
func (p packer) pack(dst []float32, apart int, src []float32, first, k0, k1 int) {
	columns := p.columns[first*kernel.Panel : min(len(p.columns), (first+kernel.PackedPanels)*kernel.Panel)]
	if last := kernel.PackedPanels*kernel.Panel - 1; len(columns) == last+1 && columns[last]-columns[0] == last {
		kernel.PackPanels(dst, apart, src[columns[0]:], p.taps, k0, k1)
		return
	}
	for i := 0; i*kernel.Panel < len(columns); i++ {
		packPanel(dst[i*apart:][:(k1-k0)*kernel.Panel], src, columns, p.depth[k0:k1], i*kernel.Panel)
	}
}

// packAll packs depths k0 to k1-1 of all panels, some at a time.
func (p packer) packAll(dst []float32, apart int, src []float32, k0, k1 int) {
	for k := k0; k < k1; k += packedStrip {
		for first := 0; first*kernel.Panel < len(p.columns); first += kernel.PackedPanels {
			p.pack(dst[first*apart+(k-k0)*kernel.Panel:], apart, src, first, k, min(k1, k+packedStrip))
		}
	}
}

// packPanel packs sixteen columns from first on, zero for those that are not
// there.
func packPanel(dst, src []float32, columns, depth []int, first int) {
	columns = columns[first:min(len(columns), first+kernel.Panel)]
	n := len(columns)
	if n < kernel.Panel {
		clear(dst)
	}
	if columns[n-1]-columns[0] == n-1 { // neighbours
		for k, d := range depth {
			copy(dst[k*kernel.Panel:][:n], src[columns[0]+d:][:n])
		}
		return
	}
	for k := 0; k < len(depth); {
		run := 1 // depths that are neighbours
		for k+run < len(depth) && depth[k+run] == depth[k]+run {
			run++
		}
		if n == kernel.Panel {
			var places [kernel.Panel]int
			for j, c := range columns {
				places[j] = c + depth[k]
			}
			kernel.Turn(dst[k*kernel.Panel:], src, &places, run)
			k += run
			continue
		}
		for j, c := range columns {
			to := dst[k*kernel.Panel+j:]
			for i, v := range src[c+depth[k]:][:run] {
				to[i*kernel.Panel] = v
			}
		}
		k += run
	}
}

// run sets out to the product with the packed right operand.
func (p *product) run(x *run, out, left, packed []float32) {
	c := p.cut(x.workers)
	x.tasks(p.batch*c.blocks*c.across, func(t int, s *scratch) {
		b, block, part := t/(c.blocks*c.across), t/c.across%c.blocks, t%c.across
		if p.same { // rows stay together
			block, b = t/(p.batch*c.across), t/c.across%p.batch
		}
		r0, r1 := block*c.high, min(p.m, (block+1)*c.high)
		lo, hi := part*p.panels()/c.across, (part+1)*p.panels()/c.across
		j0, width := lo*kernel.Panel, min(p.n, hi*kernel.Panel)-lo*kernel.Panel
		o := kernel.Operands{A: left[p.left.batch[b]:], Rows: p.rows, Depth: p.depth, Apart: p.apart}
		o.B = packed[(b*p.panels()+lo)*p.apart:]
		at, pitch := p.result(b, r0)
		to := out[at+j0:]
		for k0 := 0; k0 < p.k || k0 == 0; k0 += blockDepth {
			k1 := min(p.k, k0+blockDepth)
			if p.turned {
				turned := kernel.Operands{A: s.get(slotIn, turnedSize), Rows: turnedRows, Depth: turnedDepth, B: o.B[k0*kernel.Panel:], Apart: p.apart}
				p.turn(turned.A, left[p.left.batch[b]:], r0, r1, k0, k1)
				turned.Product(to, pitch, width, 0, r1-r0, 0, k1-k0, k0 > 0)
				continue
			}
			o.Product(to, pitch, width, r0, r1, k0, k1, k0 > 0)
		}
	})
}

// A block whose rows are neighbours is packed in panels of sixteen rows: depths
// that lie a power of two apart would share few sets of the cache.
const (
	turnedApart = (blockDepth + 1) * kernel.Panel
	turnedSize  = turnedMost / kernel.Panel * turnedApart
)

// turnedRows and turnedDepth are the places in it.
var turnedRows, turnedDepth = turnedPlaces()

func turnedPlaces() (rows, depth *kernel.Taps) {
	r, k := make([]int, turnedMost), make([]int, blockDepth)
	for i := range r {
		r[i] = i/kernel.Panel*turnedApart + i%kernel.Panel
	}
	for i := range k {
		k[i] = i * kernel.Panel
	}
	return kernel.NewTaps(r), kernel.NewTaps(k)
}

// turn packs depths k0 to k1-1 of a block of rows.
func (p *product) turn(dst, left []float32, r0, r1, k0, k1 int) {
	p.ofLeft(r0, r1).packAll(dst, turnedApart, left, k0, k1)
}

// fuseDot multiplies matrices whose right one is packed in a step of its own,
// once for all products that take it in the same order.
func (p *plan) fuseDot(n *node) bool {
	d := n.attr.(*dot)
	if n.in[0].shape.DType != dtypes.Float32 || n.out[0].shape.DType != dtypes.Float32 || d.small() {
		return false
	}
	if list := p.sums[n]; list != nil {
		p.emitProductSum(n, list)
		return true
	}
	for _, v := range n.in {
		p.dense(v)
	}
	f := newProduct(d)
	packed := p.packed(n.in[1], f)
	p.emit("product", []*value{n.in[0], packed}, n.out, func(x *run) {
		f.run(x, x.tensor(n.out[0]).f32(), x.tensor(n.in[0]).f32(), x.tensor(packed).f32())
	})
	return true
}

// packedSide is a packed right operand and how it is read.
type packedSide struct {
	read side
	to   *value
}

// isPacked is the right operand of a product as it was packed, nil if it was not.
func (p *plan) isPacked(v *value, d *dot) *value {
	for _, have := range p.packs[root(v)] {
		if have.read.like(&d.right) {
			return have.to
		}
	}
	return nil
}

// packed is the packed right operand of a product.
func (p *plan) packed(v *value, f *product) *value {
	if have := p.isPacked(v, f.dot); have != nil {
		return have
	}
	to := &value{node: &node{op: compute.OpTypeDotGeneral}, id: p.values, shape: shapes.Make(dtypes.Float32, f.packedSize())}
	p.values++
	if sums := p.sumsOf(v, f.dot); sums != nil {
		p.emit("pack and sum", []*value{v}, append([]*value{to}, sums...), func(x *run) {
			all := make([][]float32, len(sums))
			for i, sum := range sums {
				all[i] = x.tensor(sum).f32()
			}
			f.packSum(x, x.tensor(to).f32(), x.tensor(v).f32(), all)
		})
	} else {
		p.emit("pack", []*value{v}, []*value{to}, func(x *run) { f.pack(x, x.tensor(to).f32(), x.tensor(v).f32()) })
	}
	p.packs[root(v)] = append(p.packs[root(v)], packedSide{f.right, to})
	return to
}
