package cpu

import (
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// parts is the least number of partial sums that a gradient of weights is made
// of, so that as many workers can share it. It depends on the shape only: the
// sums do not know how many workers there are.
const leastParts = 16

// fastWeights is a gradient of weights ready to run.
type fastWeights struct {
	*convolution
	strips                // of the input; output rows are those of the gradient
	tiled          *tiles // nil for the definition's multiplications
	batch, outputs int
	perImage       int // parts of an image
	columns        *kernel.Taps
	gradPlane      int // between staged channels of the gradient
}

func newFastWeights(c *convolution) *fastWeights {
	kh, kw := c.out[c.axes.OutputSpatial[0]], c.out[c.axes.OutputSpatial[1]]
	f := &fastWeights{convolution: c, batch: c.in[0], outputs: c.weights[1]}
	// Rows at the end that the gradient does not reach are padding not used.
	pads := [][2]int{c.pads[0], c.pads[1]}
	pads[0][1] = c.weights[2] + kh - 1 - c.in[2] - pads[0][0]
	pads[1][1] = max(0, c.weights[3]+kw-1-c.in[3]-pads[1][0])
	f.strips = newStrips(c.in[1], c.in[2], c.in[3], kh, kw, 1, 1, pads, c.in[1]+f.outputs)
	f.outH, f.outW = c.weights[2], c.weights[3]
	f.perImage = min(f.count(), (leastParts+f.batch-1)/f.batch)
	f.gradPlane = apart(roundUp(f.rows, kernel.TileRows) * f.pitch)
	plane := f.plane
	if tileable(kh, 1, f.channels, f.outputs, f.outH) {
		f.tiled = newTiles(&f.strips)
		plane = f.tiled.plane
	}
	var offsets []int
	for _, w := range f.order() {
		offsets = append(offsets, w.c*plane+w.i*f.pitch+w.j)
	}
	for len(offsets)%kernel.Columns != 0 {
		offsets = append(offsets, 0)
	}
	f.columns = kernel.NewTaps(offsets)
	return f
}

// weight is a place in a window on input channel c.
type weight struct{ c, i, j int }

// order lists the weights of one output, or of a point of it, in the order of
// the columns: pairs of channels, then rows of the window, so that six columns
// share few cache lines.
func (f *fastWeights) order() []weight {
	height := f.kh
	if f.tiled != nil {
		height = 1
	}
	var all []weight
	for c := 0; c < f.channels; c += 2 {
		for i := range height {
			for cc := c; cc < min(c+2, f.channels); cc++ {
				for j := range f.kw {
					all = append(all, weight{cc, i, j})
				}
			}
		}
	}
	return all
}

// stageGrad lays rows of the gradient of four channels out with the pitch of
// the input, zeros between and after.
func (f *fastWeights) stageGrad(dst []float32, from source, n, c0, h0, h1 int, s *scratch) {
	for k := range kernel.Rows {
		plane := dst[k*f.gradPlane : (k+1)*f.gradPlane]
		if c0+k >= f.outputs {
			clear(plane)
			continue
		}
		from.fill(plane, f.pitch, n, c0+k, h0, h1, s)
		for h := h0; h < h1; h++ {
			end := (h - h0 + 1) * f.pitch
			if h == h1-1 {
				end = f.gradPlane
			}
			clear(plane[(h-h0)*f.pitch+f.outW : end])
		}
	}
}

// strip adds what rows h0 to h1-1 of an image's gradient contribute to a part.
func (f *fastWeights) strip(part, in []float32, grad source, image, h0, h1 int, s *scratch) {
	size := kernel.Rows * f.columns.Len()
	chunks := ((h1-h0)*f.pitch + kernel.Lanes - 1) / kernel.Lanes
	rows := s.get(slotRows, kernel.Rows*f.gradPlane)
	for b := range f.blocks() {
		f.stageGrad(rows, grad, image, b*kernel.Rows, h0, h1, s)
		if f.tiled != nil {
			f.tileStrip(part, rows, in, b, h1-h0, s)
			continue
		}
		kernel.Weights(part[b*size:(b+1)*size], rows, f.gradPlane, in, f.columns, chunks)
	}
}

// blocks is the number of blocks of four outputs.
func (f *fastWeights) blocks() int { return (f.outputs + kernel.Rows - 1) / kernel.Rows }

// run sets out to the gradient.
func (f *fastWeights) run(x *run, out []float32, in, grad source) {
	f.sum(x, out, func(part []float32, image, strip int, s *scratch) {
		h0, h1 := f.span(strip)
		f.strip(part, f.input(f.tiled, in, image, h0, h1, s), grad, image, h0, h1, s)
	})
}

// sum sets out to the sum of what add contributes for every strip: it adds the
// strips of each part in order, then the parts in order.
func (f *fastWeights) sum(x *run, out []float32, add func(part []float32, image, strip int, s *scratch)) {
	size := f.blocks() * kernel.Rows * f.columns.Len()
	if f.tiled != nil {
		size *= kernel.TilePoints
	}
	n := f.batch * f.perImage
	sums := x.alloc(n * size)
	defer x.free(sums)
	x.tasks(n, func(t int, s *scratch) {
		part := sums[t*size : (t+1)*size]
		clear(part)
		image, share := t/f.perImage, t%f.perImage
		for strip := share * f.count() / f.perImage; strip < (share+1)*f.count()/f.perImage; strip++ {
			add(part, image, strip, s)
		}
	})
	total := sums[:size]
	x.spans(size, func(lo, hi int) {
		for t := 1; t < n; t++ {
			kernel.Binary(kernel.Add, total[lo:hi], total[lo:hi], sums[t*size+lo:t*size+hi])
		}
	})
	f.unpack(out, total)
}

// unpack puts the sums where the output's axes want them.
func (f *fastWeights) unpack(out, sums []float32) {
	a, size := &f.axes, f.blocks()*kernel.Rows*f.columns.Len()
	for n, w := range f.order() {
		to := w.c*f.outStep[a.OutputBatch] + w.i*f.outStep[a.OutputSpatial[0]] + w.j*f.outStep[a.OutputSpatial[1]]
		for co := range f.outputs {
			at := co/kernel.Rows*kernel.Rows*f.columns.Len() + n/kernel.Columns*kernel.Rows*kernel.Columns +
				co%kernel.Rows*kernel.Columns + n%kernel.Columns
			to := to + co*f.outStep[a.OutputChannels]
			if f.tiled == nil {
				out[to] = sums[at]
				continue
			}
			var points [kernel.TilePoints]float32
			for i := range points {
				points[i] = sums[i*size+at]
			}
			for i, tap := range kernel.TileFilterGrad(points) {
				out[to+i*f.outStep[a.OutputSpatial[0]]] = tap
			}
		}
	}
}
