package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// Blocks of a product: so many depths of a panel of the right operand stay in
// the first-level cache while the rows of a task pass by, and at most so many
// rows of the left one in the second.
const (
	blockDepth = 256
	blockRows  = 96
)

// leastTasks is how many tasks a product is cut in if it has enough rows, so
// that workers end together.
const leastTasks = 16

// cutRows is what the rows of a block are a multiple of: most tiles are whole
// then, and blocks of neighbours are whole lines of the cache.
const cutRows = 8

// cut is how many blocks of how many rows the rows of a product of so many
// matrices are cut in.
func (d *dot) cut() (blocks, high int) {
	blocks = (d.m + blockRows - 1) / blockRows
	if least := (leastTasks + d.batch - 1) / d.batch; blocks > 1 {
		blocks = max(blocks, min(least, d.m/(blockRows/2)))
	}
	high = roundUp((d.m+blocks-1)/max(1, blocks), cutRows)
	return (d.m + high - 1) / max(1, high), high
}

// product is a product of matrices ready to run.
type product struct {
	*dot
	rows, depth *kernel.Taps
	apart       int  // between packed panels
	turned      bool // the left operand's rows are neighbours, not its depths
}

func newProduct(d *dot) *product {
	p := &product{dot: d, rows: kernel.NewTaps(d.left.rows), depth: kernel.NewTaps(d.left.depth), apart: d.k * kernel.Panel}
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
	each := (panels + packedPanels - 1) / packedPanels
	x.tasks(p.batch*each, func(t int, _ *scratch) {
		first := t % each * packedPanels
		n := min(packedPanels, panels-first)
		to := dst[(t/each*panels+first)*p.apart:][:n*p.apart]
		packPanels(to, right[p.right.batch[t/each]:], p.right.rows, p.right.depth, first*kernel.Panel, n)
	})
}

// panelRow is a depth of a panel.
type panelRow = [kernel.Panel]float32

// packedPanels is how many panels are packed together.
const packedPanels = 4

// packPanels packs n panels of sixteen columns from first on, one after the
// other. Whole ones of neighbours are packed depth by depth, so that more of a
// row of the operand is read at a time.
func packPanels(dst, src []float32, columns, depth []int, first, n int) {
	apart := len(depth) * kernel.Panel
	last := first + n*kernel.Panel - 1
	if n != packedPanels || last >= len(columns) || columns[last]-columns[first] != last-first {
		for i := range n {
			packPanel(dst[i*apart:][:apart], src, columns, depth, first+i*kernel.Panel)
		}
		return
	}
	src = src[columns[first]:]
	var to [packedPanels][]float32
	for i := range to {
		to[i] = dst[i*apart:]
	}
	for k, d := range depth {
		row := (*[packedPanels * kernel.Panel]float32)(src[d:])
		at := k * kernel.Panel
		for i := range to {
			*(*panelRow)(to[i][at:]) = *(*panelRow)(row[i*kernel.Panel:])
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
	blocks, high := p.cut()
	// Few rows: the columns are spread over the workers instead. Neither the
	// shape nor the order of a chain depends on it.
	across := max(1, min(p.panels()/4, 8/(p.batch*blocks)))
	x.tasks(p.batch*blocks*across, func(t int, s *scratch) {
		b, block, part := t/(blocks*across), t/across%blocks, t%across
		r0, r1 := block*high, min(p.m, (block+1)*high)
		lo, hi := part*p.panels()/across, (part+1)*p.panels()/across
		j0, width := lo*kernel.Panel, min(p.n, hi*kernel.Panel)-lo*kernel.Panel
		o := kernel.Operands{A: left[p.left.batch[b]:], Rows: p.rows, Depth: p.depth, Apart: p.apart}
		o.B = packed[(b*p.panels()+lo)*p.apart:]
		at, pitch := p.result(b, r0)
		c := out[at+j0:]
		for k0 := 0; k0 < p.k || k0 == 0; k0 += blockDepth {
			k1 := min(p.k, k0+blockDepth)
			if p.turned {
				p.turn(&o, left[p.left.batch[b]:], r0, r1, k0, k1, s)
				turned := o
				turned.B = o.B[k0*kernel.Panel:]
				turned.Product(c, pitch, width, 0, r1-r0, 0, k1-k0, k0 > 0)
				continue
			}
			o.Product(c, pitch, width, r0, r1, k0, k1, k0 > 0)
		}
	})
}

// turnedRows and turnedDepth are the places of a block that turn laid out.
var turnedRows, turnedDepth = steps(blockRows, 1), steps(blockDepth, blockRows)

func steps(n, by int) *kernel.Taps {
	places := make([]int, n)
	for i := range places {
		places[i] = i * by
	}
	return kernel.NewTaps(places)
}

// turn copies a block whose rows are neighbours close together: depths that lie
// a power of two apart would share few sets of the cache.
func (p *product) turn(o *kernel.Operands, left []float32, r0, r1, k0, k1 int, s *scratch) {
	spare := s.get(slotIn, blockRows*blockDepth)
	for k := k0; k < k1; k++ {
		turnRow(spare[(k-k0)*blockRows:], left[p.left.depth[k]:], p.left.rows[r0:r1])
	}
	o.A, o.Rows, o.Depth = spare, turnedRows, turnedDepth
}

// turnRow copies the elements of rows at one depth, neighbours together.
func turnRow(to, from []float32, rows []int) {
	for len(rows) > 0 {
		n := len(rows)
		for rows[n-1]-rows[0] != n-1 {
			n /= 2 // one is a neighbour of itself
		}
		copy(to[:n], from[rows[0]:])
		to, rows = to[n:], rows[n:]
	}
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

// packed is the packed right operand of a product.
func (p *plan) packed(v *value, f *product) *value {
	from := root(v)
	for _, have := range p.packs[from] {
		if have.read.like(&f.right) {
			return have.to
		}
	}
	to := &value{node: &node{op: compute.OpTypeDotGeneral}, id: p.values, shape: shapes.Make(dtypes.Float32, f.packedSize())}
	p.values++
	p.emit("pack", []*value{v}, []*value{to}, func(x *run) { f.pack(x, x.tensor(to).f32(), x.tensor(v).f32()) })
	p.packs[from] = append(p.packs[from], packedSide{f.right, to})
	return to
}
