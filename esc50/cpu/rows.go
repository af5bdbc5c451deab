package cpu

import (
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// rows is a recipe for a [batch, channels, height, width] float32 value that
// computes rows when a step wants them, from what lies in memory then. The
// steps that read a whole tensor once, in an order of their own, take recipes:
// normalisation, ReLU, pooling and their gradients need no pass over memory.
type rows interface {
	// dense is the value that holds the rows, nil if they are computed.
	dense() *value
	// leaves are the values that the rows are computed from.
	leaves() []*value
	// bind finds the leaves' memory.
	bind(x *run) source
}

// source is a recipe during a run.
type source interface {
	// fill sets rows h0 to h1-1 of a plane at dst, stride apart.
	fill(dst []float32, stride, n, c, h0, h1 int, s *scratch)
	// row is a row in memory, nil if it has to be computed.
	row(n, c, h int) []float32
}

// planes is the memory of a four-dimensional tensor.
type planes struct {
	data    []float32
	c, h, w int
}

func planesOf(t tensor) planes {
	d := t.shape.Dimensions
	return planes{t.f32(), d[1], d[2], d[3]}
}

func (p planes) row(n, c, h int) []float32 {
	at := ((n*p.c+c)*p.h + h) * p.w
	return p.data[at : at+p.w]
}

func (p planes) fill(dst []float32, stride, n, c, h0, h1 int, _ *scratch) {
	for h := h0; h < h1; h++ {
		copy(dst[(h-h0)*stride:], p.row(n, c, h))
	}
}

// held is a value in memory.
type held struct{ v *value }

func (r held) dense() *value      { return r.v }
func (r held) leaves() []*value   { return []*value{r.v} }
func (r held) bind(x *run) source { return planesOf(x.tensor(r.v)) }

// computed is the base of recipes.
type computed struct{}

func (computed) dense() *value             { return nil }
func (computed) row(n, c, h int) []float32 { return nil }

// activation is max(z, 0) of y with the parameters of normalisation norm.
type activation struct {
	computed
	y    *value
	norm int
	of   *node // the normalisation
}

func (r activation) leaves() []*value { return []*value{r.y} }
func (r activation) bind(x *run) source {
	return activationRows{y: planesOf(x.tensor(r.y)), n: x.norms[r.norm]}
}

type activationRows struct {
	computed
	y planes
	n *norms
}

func (r activationRows) fill(dst []float32, stride, n, c, h0, h1 int, _ *scratch) {
	for h := h0; h < h1; h++ {
		kernel.BNReLU(dst[(h-h0)*stride:][:r.y.w], r.y.row(n, c, h), &r.n.channel[c])
	}
}

// pooled is an activation max-pooled by two.
type pooled struct{ activation }

func (r pooled) bind(x *run) source {
	return pooledRows{r.activation.bind(x).(activationRows)}
}

type pooledRows struct{ activationRows }

func (r pooledRows) fill(dst []float32, stride, n, c, h0, h1 int, _ *scratch) {
	for h := h0; h < h1; h++ {
		kernel.BNReLUPool(dst[(h-h0)*stride:][:r.y.w/2], r.y.row(n, c, 2*h), r.y.row(n, c, 2*h+1), &r.n.channel[c])
	}
}

// unpooled is the gradient of an activation given that of its pooling.
type unpooled struct {
	activation
	grad rows
}

func (r unpooled) leaves() []*value { return append(r.grad.leaves(), r.y) }
func (r unpooled) bind(x *run) source {
	return unpooledRows{r.activation.bind(x).(activationRows), r.grad.bind(x)}
}

type unpooledRows struct {
	activationRows
	grad source
}

func (r unpooledRows) fill(dst []float32, stride, n, c, h0, h1 int, s *scratch) {
	w := r.y.w
	spare := s.get(slotSpare, w+w/2)
	for h := h0 &^ 1; h < h1; h += 2 {
		if h+1 >= r.y.h { // a last row that no square covers
			clear(dst[(h-h0)*stride:][:w])
			continue
		}
		first, second := spare[:w], spare[:w]
		if h >= h0 {
			first = dst[(h-h0)*stride:][:w]
		}
		if h+1 < h1 {
			second = dst[(h+1-h0)*stride:][:w]
		}
		g := r.grad.row(n, c, h/2)
		if g == nil {
			g = spare[w:]
			r.grad.fill(g, w/2, n, c, h/2, h/2+1, s)
		}
		kernel.BNReLUUnpool(first, second, g[:w/2], r.y.row(n, c, h), r.y.row(n, c, h+1), &r.n.channel[c])
		clear(first[w/2*2:])
		clear(second[w/2*2:])
	}
}

// masked is the gradient of z given that of an activation.
type masked struct {
	activation
	grad rows
}

func (r masked) leaves() []*value { return append(r.grad.leaves(), r.y) }
func (r masked) bind(x *run) source {
	a := r.activation.bind(x).(activationRows)
	n := &norms{channel: append([]kernel.Norm(nil), a.n.channel...)}
	for c := range n.channel {
		n.channel[c].K1, n.channel[c].K2, n.channel[c].K3 = 1, 0, 0
	}
	return normedRows{activationRows{y: a.y, n: n}, r.grad.bind(x)}
}

// normed is the gradient of y, the operand of a normalisation, given that of
// the activation; norm has the factors.
type normed struct {
	activation
	grad rows
}

func (r normed) leaves() []*value { return append(r.grad.leaves(), r.y) }
func (r normed) bind(x *run) source {
	return normedRows{r.activation.bind(x).(activationRows), r.grad.bind(x)}
}

type normedRows struct {
	activationRows
	grad source
}

func (r normedRows) fill(dst []float32, stride, n, c, h0, h1 int, s *scratch) {
	w := r.y.w
	gradients(r.grad, w, n, c, h0, h1, s, func(h int, g []float32) {
		kernel.BNGrad(dst[(h-h0)*stride:][:w], g, r.y.row(n, c, h), &r.n.channel[c])
	})
}

// gradients calls f with rows of a source, from memory if it can.
func gradients(grad source, w, n, c, h0, h1 int, s *scratch, f func(h int, g []float32)) {
	var all []float32
	if h0 < h1 && grad.row(n, c, h0) == nil {
		all = s.get(slotGrad, (h1-h0)*w)
		grad.fill(all, w, n, c, h0, h1, s)
	}
	for h := h0; h < h1; h++ {
		if all != nil {
			f(h, all[(h-h0)*w:][:w])
		} else {
			f(h, grad.row(n, c, h))
		}
	}
}

// materialize computes all rows of a recipe into memory.
func materialize(x *run, r rows, v *value) {
	to, from := planesOf(tensor{v.shape, x.values[v.id].flat}), r.bind(x)
	x.tasks(v.shape.Dimensions[0]*to.c, func(t int, s *scratch) {
		at := t * to.h * to.w
		from.fill(to.data[at:at+to.h*to.w], to.w, t/to.c, t%to.c, 0, to.h, s)
	})
}
