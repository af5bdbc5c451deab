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
	strips         // of the input; output rows are those of the gradient
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
	f.gradPlane = roundUp(f.rows*f.pitch, kernel.Lanes)
	if f.gradPlane/kernel.Lanes%2 == 0 {
		f.gradPlane += kernel.Lanes
	}
	offsets := f.order()
	for len(offsets)%kernel.Columns != 0 {
		offsets = append(offsets, 0)
	}
	for i, o := range offsets {
		ci, k := o/(kh*kw), o%(kh*kw)
		offsets[i] = ci*f.plane + k/kw*f.pitch + k%kw
	}
	f.columns = kernel.NewTaps(offsets)
	return f
}

// order lists the weights of one output in the order of the columns: pairs of
// channels, then rows of the window, so that six columns share few cache lines.
func (f *fastWeights) order() []int {
	var all []int
	for c := 0; c < f.channels; c += 2 {
		for i := range f.kh {
			for cc := c; cc < min(c+2, f.channels); cc++ {
				for j := range f.kw {
					all = append(all, (cc*f.kh+i)*f.kw+j)
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

// strip adds what rows h0 to h1-1 of an image's gradient contribute to a part,
// given the staged input.
func (f *fastWeights) strip(part, staged []float32, grad source, image, h0, h1 int, s *scratch) {
	size := kernel.Rows * f.columns.Len()
	chunks := ((h1-h0)*f.pitch + kernel.Lanes - 1) / kernel.Lanes
	rows := s.get(slotRows, kernel.Rows*f.gradPlane)
	for b := range f.blocks() {
		f.stageGrad(rows, grad, image, b*kernel.Rows, h0, h1, s)
		kernel.Weights(part[b*size:(b+1)*size], rows, f.gradPlane, staged, f.columns, chunks)
	}
}

// blocks is the number of blocks of four outputs.
func (f *fastWeights) blocks() int { return (f.outputs + kernel.Rows - 1) / kernel.Rows }

// run sets out to the gradient.
func (f *fastWeights) run(x *run, out []float32, in, grad source) {
	f.sum(x, out, func(part []float32, image, strip int, s *scratch) {
		h0, h1 := f.span(strip)
		staged := s.get(slotIn, f.channels*f.plane)
		f.stage(staged, in, image, h0, h1, s)
		f.strip(part, staged, grad, image, h0, h1, s)
	})
}

// sum sets out to the sum of what add contributes for every strip: it adds the
// strips of each part in order, then the parts in order.
func (f *fastWeights) sum(x *run, out []float32, add func(part []float32, image, strip int, s *scratch)) {
	size := f.blocks() * kernel.Rows * f.columns.Len()
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
	a := &f.axes
	for i, o := range f.order() {
		ci, k := o/(f.kh*f.kw), o%(f.kh*f.kw)
		to := ci*f.outStep[a.OutputBatch] + k/f.kw*f.outStep[a.OutputSpatial[0]] + k%f.kw*f.outStep[a.OutputSpatial[1]]
		for co := range f.outputs {
			at := co/kernel.Rows*kernel.Rows*f.columns.Len() + i/kernel.Columns*kernel.Rows*kernel.Columns +
				co%kernel.Rows*kernel.Columns + i%kernel.Columns
			out[to+co*f.outStep[a.OutputChannels]] = sums[at]
		}
	}
}
