package cpu

import "github.com/reprodl/reprodl/esc50/internal/kernel"

// leastTiled is the least number of channels on either side for which halving
// the multiplications makes up for the transformations.
const leastTiled = 8

// tileable tells, by the shape alone, whether a convolution with windows of kh
// rows is done by Winograd's minimal filtering: of low planes most of a tile
// would not be stored.
func tileable(kh, dh, inputs, outputs, height int) bool {
	return kh == kernel.TileTaps && dh == 1 && min(inputs, outputs) >= leastTiled && 2*tileRows(height) < height
}

// tiles is how strips are laid out for Winograd's F(4,3) down the columns: a
// tile is four rows of output and the six rows of input that they need, of
// which each column becomes six points. In a strip the points of one number,
// rows of them, lie like the rows of a convolution whose window has one row, so
// that the inner product is the same kernel.
//
// Strips are whole tiles, so that the bits of an output depend on its place
// alone. What is not finite in the input may reach all rows of its tile.
type tiles struct {
	pitch  int // between rows of points
	rows   int // of tiles in a strip
	plane  int // between channels
	points int // between points
}

func newTiles(s *strips) *tiles {
	t := &tiles{pitch: s.pitch, rows: tileRows(s.rows)}
	t.plane = planeSize(t.rows*t.pitch, (s.kw-1)*s.dw)
	t.points = s.channels * t.plane
	return t
}

// tileRows is how many tiles cover rows of output.
func tileRows(rows int) int { return (rows + kernel.TileRows - 1) / kernel.TileRows }

// size is the number of elements of all points of a strip.
func (t *tiles) size() int { return kernel.TilePoints * t.points }

// channel sets the points of a channel from its staged plane, for so many rows
// of output.
func (t *tiles) channel(dst, plane []float32, c, rows int) {
	dst = dst[c*t.plane:]
	n := tileRows(rows)
	for r := range n {
		kernel.TileIn(dst[r*t.pitch:], t.points, plane[r*kernel.TileRows*t.pitch:], t.pitch, t.pitch)
	}
	for i := range kernel.TilePoints { // nothing that is not a number may stay there
		clear(dst[i*t.points+n*t.pitch : i*t.points+t.plane])
	}
}

// staged sets the points of all channels from planes that are staged already.
func (t *tiles) staged(st *strips, planes []float32, rows int, s *scratch) []float32 {
	points := s.get(slotTiles, t.size())
	for c := range st.channels {
		t.channel(points, planes[c*st.plane:(c+1)*st.plane], c, rows)
	}
	return points
}

// tileConv sets the outputs of a block of channels, rows of output in all, from
// the points of the inputs and the packed weights of the block, and calls store
// for the rows of every tile.
func (f *fastConv) tileConv(in, packed []float32, block, rows int, s *scratch, store func(k, row, n, stride int, out []float32)) {
	t := f.tiled
	n := (tileRows(rows)*t.pitch + kernel.Pixels - 1) / kernel.Pixels
	stride := n * kernel.Pixels
	size := f.offsets.Len() * kernel.Channels
	products := s.get(slotOut, kernel.TilePoints*kernel.Channels*stride)
	for i := range kernel.TilePoints {
		w := packed[(i*f.blocks()+block)*size:][:size]
		kernel.Conv(products[i*kernel.Channels*stride:], stride, in[i*t.points:], f.offsets, w, n)
	}
	out := s.get(slotSpare, kernel.TileRows*f.outW)
	for k := range min(kernel.Channels, f.outputs-block*kernel.Channels) {
		for r := range tileRows(rows) {
			kernel.TileOut(out, f.outW, products[k*stride+r*t.pitch:], kernel.Channels*stride, f.outW)
			store(k, r*kernel.TileRows, min(kernel.TileRows, rows-r*kernel.TileRows), f.outW, out)
		}
	}
}

// packTiles orders the points of the weights by point, block of eight outputs,
// tap of the row, and output.
func (f *fastConv) packTiles(dst []float32, weight func(o, c, i, j int) float32) {
	taps := f.offsets.Len()
	size := f.blocks() * taps * kernel.Channels
	for o := range f.outputs {
		to := dst[o/kernel.Channels*taps*kernel.Channels+o%kernel.Channels:]
		for t := range taps {
			c, j := t/f.kw, t%f.kw
			points := kernel.TileFilter([...]float32{weight(o, c, 0, j), weight(o, c, 1, j), weight(o, c, 2, j)})
			for i, p := range points {
				to[i*size+t*kernel.Channels] = p
			}
		}
	}
}

// tileStrip adds to the points' sums of a part what four outputs' gradients,
// staged in rows, contribute together with the points of the inputs.
func (f *fastWeights) tileStrip(part, rows, in []float32, block, height int, s *scratch) {
	t, size := f.tiled, kernel.Rows*f.columns.Len()
	n := tileRows(height)
	chunks := (n*t.pitch + kernel.Lanes - 1) / kernel.Lanes
	plane := chunks * kernel.Lanes
	points := s.get(slotOut, kernel.TilePoints*kernel.Rows*plane)
	for k := range kernel.Rows {
		for r := range n {
			kernel.TileGrad(points[k*plane+r*t.pitch:], kernel.Rows*plane, rows[k*f.gradPlane+r*kernel.TileRows*t.pitch:], t.pitch, t.pitch)
		}
		for i := range kernel.TilePoints {
			clear(points[(i*kernel.Rows+k)*plane+n*t.pitch : (i*kernel.Rows+k+1)*plane])
		}
	}
	for i := range kernel.TilePoints {
		sums := part[(i*f.blocks()+block)*size:][:size]
		kernel.Weights(sums, points[i*kernel.Rows*plane:], plane, in[i*t.points:], f.columns, chunks)
	}
}
