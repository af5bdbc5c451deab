package cpu

import (
	"github.com/gomlx/compute"
)

// backward is the two convolutions of a convolution's gradient, by input and by
// weights, in one pass over the gradient of the output.
type backward struct {
	input   *fastConv
	weights *fastWeights
}

// newBackward returns nil where the two do not fit: both work on the same
// strips of rows of the output's gradient.
func newBackward(input, weights *convolution) *backward {
	b := &backward{newFastConv(input), newFastWeights(weights)}
	i, w := b.input, b.weights
	if i.outH != w.outH || i.width != w.outW || i.height != w.outH || i.above > i.kh-1 || i.dh != 1 || i.dw != 1 {
		return nil
	}
	s := newStrips(input.in[1], input.in[2], input.in[3], i.kh, i.kw, 1, 1, input.pads, i.channels+w.channels)
	s.cut(w.rows)
	i.layOut(s)
	return b
}

// stagedRows are the rows of a staged strip.
type stagedRows struct {
	computed
	*strips
	data  []float32
	first int // the row at the start
}

func (r stagedRows) fill(dst []float32, stride, _, c, h0, h1 int, _ *scratch) {
	for h := h0; h < h1; h++ {
		at := c*r.plane + (h-r.first)*r.pitch + r.left
		copy(dst[(h-h0)*stride:], r.data[at:at+r.width])
	}
}

// run sets dIn and dW given the input and the gradient of the output.
func (b *backward) run(x *run, dIn, dW []float32, in, grad source, w []float32) {
	packed := b.input.packed(x, w)
	defer x.free(packed)
	to := output{to: planes{dIn, b.input.outputs, b.input.outH, b.input.outW}}
	b.weights.sum(x, dW, func(part []float32, image, strip int, s *scratch) {
		h0, h1 := b.weights.span(strip)
		staged := s.get(slotBoth, b.input.channels*b.input.plane)
		b.input.stage(staged, grad, image, h0, h1, s)
		points := staged
		if t := b.input.tiled; t != nil {
			points = t.staged(&b.input.strips, staged, h1-h0, s)
		}
		b.input.strip(&to, points, packed, image, h0, h1, s)
		rows := stagedRows{strips: &b.input.strips, data: staged, first: h0 - b.input.above}
		b.weights.strip(part, b.weights.input(b.weights.tiled, in, image, h0, h1, s), rows, image, h0, h1, s)
	})
}

// fuseBackward finds the other half of a convolution's gradient and runs both.
func (p *plan) fuseBackward(grad *value) bool {
	g, ok := p.lazy[grad].(normed)
	if !ok {
		return false
	}
	var input, weights *node
	for _, u := range p.users[grad] {
		if u == nil || u.op != compute.OpTypeConvGeneral || p.done[u] {
			continue
		}
		switch c := u.attr.(*convolution); {
		case c.planar() && u.in[0] == grad && u.in[1] != grad && input == nil:
			input = u
		case c.weightGradient() && u.in[1] == grad && u.in[0] != grad && weights == nil:
			weights = u
		}
	}
	if input == nil || weights == nil {
		return false
	}
	both := newBackward(input.attr.(*convolution), weights.attr.(*convolution))
	if both == nil {
		return false
	}
	p.require(input.in[1].node)
	p.require(weights.in[0].node)
	w := input.in[1]
	p.dense(w)
	from := p.recipe(weights.in[0])
	read := append(append(from.leaves(), g.leaves()...), w)
	p.emit("convolution gradient", read, []*value{input.out[0], weights.out[0]}, func(x *run) {
		both.run(x, x.tensor(input.out[0]).f32(), x.tensor(weights.out[0]).f32(), from.bind(x), g.bind(x), x.tensor(w).f32())
	})
	p.done[input], p.done[weights] = true, true
	return true
}
