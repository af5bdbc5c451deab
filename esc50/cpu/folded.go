package cpu

import (
	"github.com/gomlx/compute"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// In inference the parameters of a batch normalisation are known before the
// convolution that it follows: the convolution stores what becomes of a row after
// normalisation, ReLU and max-pooling, a quarter of the elements with the latter.
// They are the same kernels as in recipes (rows.go).

// folding is a normalisation and what follows it.
type folding struct {
	norm *node
	out  *value // the result
	pool bool   // it is max-pooled by two
}

// folded looks for the normalisation by known numbers of a convolution's result
// y and the ReLU after that, if nothing else reads either. It returns nil if there
// is none.
func (p *plan) folded(y *value) *folding {
	norm := p.only(y, compute.OpTypeBatchNormForInference)
	if norm == nil || norm.in[0] != y || norm.attr.(*batchNorm).channels != y.shape.Dimensions[1] ||
		norm.attr.(*batchNorm).outer != y.shape.Dimensions[0] {
		return nil
	}
	for _, v := range norm.in[1:] {
		if !known(v) {
			return nil
		}
	}
	z := norm.out[0]
	if len(p.users[z]) != 2 || !p.onlyReLU(z) {
		return nil
	}
	mask := p.users[z][0]
	if mask.op != compute.OpTypeLessOrEqual {
		mask = p.users[z][1]
	}
	relu := p.only(mask.out[0], compute.OpTypeWhere)
	if relu == nil || relu.in[2] != z {
		return nil
	}
	f := &folding{norm: norm, out: relu.out[0]}
	p.done[norm], p.done[mask], p.done[relu] = true, true, true
	if pool := p.only(f.out, compute.OpTypeReduceWindow); pool != nil {
		if w := pool.attr.(pooling); w.kind == compute.ReduceOpMax && w.square() {
			f.out, f.pool = pool.out[0], true
			p.done[pool] = true
		}
	}
	return f
}

// only is the one node that reads v, once, if it is such an operation, and nil
// otherwise.
func (p *plan) only(v *value, op compute.OpType) *node {
	if u := p.users[v]; len(u) == 1 && u[0] != nil && u[0].op == op {
		return u[0]
	}
	return nil
}

// known tells whether a value is there before the run.
func known(v *value) bool {
	op := root(v).node.op
	return op == compute.OpTypeParameter || op == compute.OpTypeConstant
}

// fold sets what the output of a convolution goes through.
func (f *folding) fold(x *run, o *output) {
	in := x.tensors(f.norm.in[1:])
	n := f.norm.attr.(*batchNorm).norms(in[2].f32(), in[3].f32(), in[0].f32(), in[1].f32())
	o.norm, o.pool = n.channel, f.pool
	o.width = f.norm.out[0].shape.Dimensions[3]
}

// storeFolded stores what becomes of n rows that are stride apart.
func (o *output) storeFolded(image, c, h, n, stride int, rows []float32) {
	w, norm := o.width, &o.norm[c]
	if all := rows[:(n-1)*stride+w]; o.bias != nil {
		kernel.Binary(kernel.Add, all, all, o.bias[c:c+1])
	}
	switch {
	case o.pool:
		for i := 0; i+1 < n; i += 2 {
			kernel.BNReLUPool(o.to.row(image, c, (h+i)/2), rows[i*stride:][:w], rows[(i+1)*stride:][:w], norm)
		}
	case stride == w: // as in the result
		at := ((image*o.to.c+c)*o.to.h + h) * w
		kernel.BNReLU(o.to.data[at:at+n*w], rows, norm)
	default:
		for i := range n {
			kernel.BNReLU(o.to.row(image, c, h+i), rows[i*stride:][:w], norm)
		}
	}
}
