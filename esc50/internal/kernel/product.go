package kernel

// Sizes of the register tiles of a product.
const (
	High  = 6  // rows of the most usual one
	Panel = 16 // columns of a packed panel
)

// Operands are those of a matrix product
//
//	C[i][j] = sum over k of A[Rows i + Depth k] * B[k][j]
//
// The left operand is anything whose places are sums of a row's and of a
// depth's: a matrix in either order, some axes of a tensor, or the windows of a
// convolution, of which no copy is made. The right one is packed in panels of
// sixteen columns, so many apart, of which element k, j is at 16*k + j.
type Operands struct {
	A     []float32
	Rows  *Taps
	Depth *Taps
	B     []float32
	Apart int // between panels
}

// block are the arguments of the assembler, in bytes.
type block struct {
	c     *float32
	ldc   int
	a     *float32
	depth *int64
	n     int
	b     *float32
	panel int
	more  int // add to what c holds
	rows  [highest]int64
}

// highest is the most rows of a tile of any level.
const highest = 8

// heights is how many rows the next tile takes of so many that are left, by
// level: one's own tiles have so many, and more are taken by the highest.
type heights [4*highest + 1]int

// newHeights finds the tiles that take the least time together, given what one
// of so many rows takes.
func newHeights(costs map[int]float64) *heights {
	h := new(heights)
	var least [len(h)]float64
	for n := 1; n < len(h); n++ {
		for high := min(n, highest); high > 0; high-- {
			if cost, ok := costs[high]; ok && (h[n] == 0 || cost+least[n-high] < least[n]) {
				h[n], least[n] = high, cost+least[n-high]
			}
		}
		if h[n] == 0 { // fewer than the smallest tile has
			h[n], least[n] = n, costs[High]
		}
	}
	return h
}

// heightsAny are those of the levels that have the usual tile alone.
var heightsAny = newHeights(map[int]float64{High: High})

func (h *heights) next(rows int) int { return h[min(rows, len(h)-1)] }

// Product sets rows r0 to r1-1 and the first width columns of the product over
// depths k0 to k1-1, or adds to what c holds if more is set. Row r0 is at the
// start of c, the next ones ldc apart. An element is one chain of fused
// multiply-adds in the order of the depths, from zero or from what c holds.
func (o *Operands) Product(c []float32, ldc, width, r0, r1, k0, k1 int, more bool) {
	if r0 >= r1 || width == 0 {
		return
	}
	need(len(c), (r1-r0-1)*ldc+width)
	if k0 >= k1 {
		for r := 0; r < r1-r0 && !more; r++ {
			clear(c[r*ldc:][:width])
		}
		return
	}
	panels := (width + Panel - 1) / Panel
	need(len(o.A), o.Rows.reach+o.Depth.reach+1)
	need(len(o.B), (panels-1)*o.Apart+Panel*k1)
	need(o.Rows.Len(), r1)
	need(o.Depth.Len(), k1)
	t := block{ldc: 4 * ldc, a: &o.A[0], depth: &o.Depth.bytes[k0], n: k1 - k0, panel: 4 * o.Apart}
	if more {
		t.more = 1
	}
	tiles := tileHeights()
	for r := r0; r < r1; {
		high := tiles.next(r1 - r)
		end := r + high
		for end < r1 && tiles.next(r1-end) == high {
			end += high
		}
		o.band(&t, c[(r-r0)*ldc:], width, r, end, high, k0, k1)
		r = end
	}
}

// band does rows r0 to r1-1 in tiles of the same height.
func (o *Operands) band(t *block, c []float32, width, r0, r1, high, k0, k1 int) {
	ldc := t.ldc / 4
	p, panels := 0, width/Panel
	for p < panels {
		n := tilePanels(high, panels-p)
		if n == 0 {
			break
		}
		t.b = &o.B[p*o.Apart+Panel*k0]
		for r := r0; r < r1; r += high {
			t.c = &c[(r-r0)*ldc+p*Panel]
			copy(t.rows[:high], o.Rows.bytes[r:r+high])
			product(high, n, t)
		}
		p += n
	}
	if p*Panel == width {
		return
	}
	for r := r0; r < r1; r += high {
		o.edge(t, c[(r-r0)*ldc:], p, width, r, high, k0, k1)
	}
}

// edge does a tile's rows of the panels from p on that are not whole, or of which
// the level has no such tile, by way of one that reaches beyond the result.
func (o *Operands) edge(t *block, c []float32, p, width, r, high, k0, k1 int) {
	var spare [highest * Panel]float32
	own, ldc := *t, t.ldc/4
	own.c, own.ldc = &spare[0], 4*Panel
	for i := range own.rows {
		own.rows[i] = o.Rows.bytes[r+min(i, high-1)]
	}
	tall := high
	if tilePanels(high, 1) == 0 {
		tall = High
	}
	for ; p*Panel < width; p++ {
		n := min(Panel, width-p*Panel)
		for i := 0; i < high && t.more != 0; i++ {
			copy(spare[i*Panel:], c[i*ldc+p*Panel:][:n])
		}
		own.b = &o.B[p*o.Apart+Panel*k0]
		if tilePanels(tall, 1) != 0 {
			product(tall, 1, &own)
		} else {
			o.portable(&own, spare[:high*Panel], p, k0, k1)
		}
		for i := range high {
			copy(c[i*ldc+p*Panel:][:n], spare[i*Panel:])
		}
	}
}

// portable is a tile of one panel in Go.
func (o *Operands) portable(t *block, c []float32, p, k0, k1 int) {
	if t.more == 0 {
		clear(c)
	}
	for i := range len(c) / Panel {
		row := c[i*Panel:][:Panel]
		for k := k0; k < k1; k++ {
			x := o.A[(t.rows[i]+o.Depth.bytes[k])/4]
			for j, y := range o.B[p*o.Apart+Panel*k:][:Panel] {
				row[j] = FMA(x, y, row[j])
			}
		}
	}
}
