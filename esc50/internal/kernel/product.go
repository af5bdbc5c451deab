package kernel

// Sizes of the register tile of a product.
const (
	High  = 6  // rows
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
	ldb   int
	panel int
	more  int // add to what c holds
	rows  [High]int64
}

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
	whole := width / Panel * Panel
	for p := 0; p < width; {
		n := o.group(min(whole, width) - p)
		if p == whole { // a panel that is not full
			o.edges(c, ldc, p, width, r0, r1, k0, k1, more)
			return
		}
		r := r0
		for ; r+High <= r1; r += High {
			o.tile(c[(r-r0)*ldc+p:], ldc, p, n, r, High, k0, k1, more)
		}
		if r < r1 {
			o.edges(c[(r-r0)*ldc:], ldc, p, p+n*Panel, r, r1, k0, k1, more)
		}
		p += n * Panel
	}
}

// group is how many whole panels a tile takes of so many columns.
func (o *Operands) group(columns int) int {
	for _, n := range panelWidths() {
		if n*Panel <= columns {
			return n
		}
	}
	return 0
}

// edges does columns p to width-1 of the rows in tiles that reach beyond the
// result.
func (o *Operands) edges(c []float32, ldc, p, width, r0, r1, k0, k1 int, more bool) {
	var spare [High * Panel]float32
	for ; p < width; p += Panel {
		n := min(Panel, width-p)
		for r := r0; r < r1; r += High {
			high := min(High, r1-r)
			for i := 0; i < high && more; i++ {
				copy(spare[i*Panel:], c[(r-r0+i)*ldc+p:][:n])
			}
			o.tile(spare[:], Panel, p, 1, r, high, k0, k1, more)
			for i := range high {
				copy(c[(r-r0+i)*ldc+p:][:n], spare[i*Panel:])
			}
		}
	}
}

// tile does six rows from r on, of which high are there, and n panels.
func (o *Operands) tile(c []float32, ldc, p, n, r, high, k0, k1 int, more bool) {
	t := block{
		c: &c[0], ldc: 4 * ldc, a: &o.A[0], depth: &o.Depth.bytes[k0], n: k1 - k0,
		b: &o.B[p/Panel*o.Apart+Panel*k0], ldb: 4 * Panel, panel: 4 * o.Apart,
	}
	if more {
		t.more = 1
	}
	for i := range t.rows {
		t.rows[i] = o.Rows.bytes[r+min(i, high-1)]
	}
	if product(n, &t) {
		return
	}
	for i := range high {
		row := c[i*ldc:][:Panel]
		if !more {
			clear(row)
		}
		for k := k0; k < k1; k++ {
			x := o.A[(t.rows[i]+o.Depth.bytes[k])/4]
			for j, y := range o.B[p/Panel*o.Apart+Panel*k:][:Panel] {
				row[j] = FMA(x, y, row[j])
			}
		}
	}
}
