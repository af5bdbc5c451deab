package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// fuse emits the steps of a node that has a faster way than its own run, and
// tells whether it did. Elements come from the same operations in the same
// order as without; only sums over a batch, in double precision, are grouped
// differently.
func (p *plan) fuse(n *node) bool {
	switch n.op {
	case compute.OpTypeConvGeneral:
		return p.fuseConv(n)
	case compute.OpTypeBatchNormForTraining, compute.OpTypeBatchNormForInference:
		return p.fuseNorm(n)
	case compute.OpTypeBatchNormGradient:
		return p.fuseNormGradient(n)
	case compute.OpTypeWhere:
		return p.fuseMask(n)
	case compute.OpTypeReduceWindow:
		w := n.attr.(pooling)
		a, ok := p.lazy[n.in[0]].(activation)
		if ok && w.kind == compute.ReduceOpMax && w.square() {
			p.lazy[n.out[0]] = pooled{a}
			return true
		}
	case compute.OpTypeSelectAndScatterMax:
		w := n.attr.(pooling)
		a, ok := p.lazy[n.in[0]].(activation)
		if ok && w.square() {
			p.dense(n.in[1])
			p.lazy[n.out[0]] = unpooled{a, held{n.in[1]}}
			return true
		}
	case compute.OpTypeReduceSum:
		return p.fuseSum(n) || p.fusePack(n)
	case compute.OpTypeDotGeneral:
		return p.fuseDot(n)
	}
	return false
}

// recipe is the recipe for a four-dimensional float32 value.
func (p *plan) recipe(v *value) rows {
	if r, ok := p.lazy[v]; ok {
		return r
	}
	p.settle(v)
	return held{v}
}

// fuseConv runs fast convolutions on recipes, together with an addition of a
// bias and the sums for a batch normalisation that follow.
func (p *plan) fuseConv(n *node) bool {
	c := n.attr.(*convolution)
	if n.out[0].shape.DType != dtypes.Float32 {
		return false
	}
	in, w := n.in[0], n.in[1]
	if p.fuseBackward(in) || p.fuseBackward(w) {
		return true
	}
	switch {
	case c.planar():
		p.dense(w)
		from := p.recipe(in)
		out, bias := p.biased(n)
		read := append(from.leaves(), w)
		if bias != nil {
			read = append(read, bias)
		}
		sums := slices.ContainsFunc(p.users[out], func(u *node) bool {
			return u != nil && u.op == compute.OpTypeBatchNormForTraining && u.in[0] == out && u.attr.(*batchNorm).channels == c.out[1]
		})
		fold := p.folded(out)
		if fold != nil {
			out, read = fold.out, append(read, fold.norm.in[1:]...)
		}
		f := newFastConv(c)
		p.emit("convolution", read, []*value{out}, func(x *run) {
			to := output{to: planesOf(x.tensor(out))}
			if bias != nil {
				to.bias = x.tensor(bias).f32()
			}
			if fold != nil {
				fold.fold(x, &to)
			}
			parts := f.run(x, to, from.bind(x), x.tensor(w).f32(), sums)
			if sums {
				x.keep(out, parts)
			}
		})
		return true
	case c.weightGradient():
		from, grad := p.recipe(in), p.recipe(w)
		f := newFastWeights(c)
		p.emit("weight gradient", append(from.leaves(), grad.leaves()...), n.out, func(x *run) {
			f.run(x, x.tensor(n.out[0]).f32(), from.bind(x), grad.bind(x))
		})
		return true
	}
	return false
}

// biased looks for the addition of one number per channel, known before the
// run, to the convolution n and nothing else that reads it. It returns the
// value to compute and the bias, nil if there is none.
func (p *plan) biased(n *node) (out, bias *value) {
	out = n.out[0]
	users := p.users[out]
	if len(users) != 1 || users[0] == nil || users[0].op != compute.OpTypeAdd {
		return out, nil
	}
	add := users[0]
	bias = add.in[0]
	if bias == out {
		bias = add.in[1]
	}
	channels := out.shape.Dimensions[1]
	if !known(bias) || !slices.Equal(bias.shape.Dimensions, []int{1, channels, 1, 1}) {
		return out, nil
	}
	p.done[add] = true
	return add.out[0], bias
}

// normInfo is a batch normalisation whose result only passes through a ReLU.
type normInfo struct {
	y    *value
	norm int
	of   *node
}

// fuseNorm leaves the normalised value to recipes if nothing but a ReLU and its
// gradient read it.
func (p *plan) fuseNorm(n *node) bool {
	b := n.attr.(*batchNorm)
	y, z := n.in[0], n.out[0]
	relu := z.shape.Rank() == 4 && b.channels == z.shape.Dimensions[1] && b.outer == z.shape.Dimensions[0] && p.onlyReLU(z)
	training := n.op == compute.OpTypeBatchNormForTraining
	if !relu && !training {
		return false
	}
	for _, v := range n.in {
		p.dense(v)
	}
	write := n.out
	if relu {
		write = n.out[1:]
	}
	number := p.norms
	p.norms++
	p.emit(n.op.String(), n.in, write, func(x *run) {
		in := x.tensors(n.in)
		var parameters *norms
		if training {
			mean, variance := x.tensor(n.out[1]).f32(), x.tensor(n.out[2]).f32()
			sums := b.statistics(x, in[0].f32(), x.parts[y], mean, variance)
			parameters = b.norms(mean, variance, in[1].f32(), in[2].f32())
			parameters.sum = sums
		} else {
			parameters = b.norms(in[3].f32(), in[4].f32(), in[1].f32(), in[2].f32())
		}
		x.norms[number] = parameters
		if !relu {
			b.apply(x, x.tensor(z).f32(), in[0].f32(), parameters)
		}
	})
	if relu {
		info := normInfo{y, number, n}
		p.normal[z] = info
		for _, u := range p.users[z] {
			if u.op == compute.OpTypeLessOrEqual {
				p.mask[u.out[0]] = info
				p.done[u] = true
			}
		}
	}
	return true
}

// onlyReLU tells whether all that becomes of z is z <= 0 as the condition of
// choices between zero and something: where(z <= 0, 0, z) and its gradient.
func (p *plan) onlyReLU(z *value) bool {
	masks := 0
	for _, u := range p.users[z] {
		switch {
		case u == nil:
			return false
		case u.op == compute.OpTypeLessOrEqual && u.in[0] == z && isZero(u.in[1]):
			masks++
			for _, choice := range p.users[u.out[0]] {
				if choice == nil || choice.op != compute.OpTypeWhere || choice.in[0] != u.out[0] || !isZero(choice.in[1]) ||
					!choice.out[0].shape.Equal(z.shape) || !choice.in[2].shape.Equal(z.shape) {
					return false
				}
			}
		case u.op == compute.OpTypeWhere && u.in[2] == z && u.in[1] != z && u.in[0].node.op == compute.OpTypeLessOrEqual &&
			u.in[0].node.in[0] == z && isZero(u.in[0].node.in[1]):
		default:
			return false
		}
	}
	return masks > 0
}

// isZero tells whether all elements are a constant zero.
func isZero(v *value) bool {
	v = root(v)
	for v.node.op == compute.OpTypeBroadcastInDim {
		v = root(v.node.in[0])
	}
	switch flat := v.node.attr.(type) {
	case []float32:
		return v.node.op == compute.OpTypeConstant && !slices.ContainsFunc(flat, func(f float32) bool { return f != 0 })
	}
	return false
}

// fuseMask makes recipes of a ReLU and of its gradient.
func (p *plan) fuseMask(n *node) bool {
	info, ok := p.mask[n.in[0]]
	if !ok {
		return false
	}
	a := activation{y: info.y, norm: info.norm, of: info.of}
	if _, ok := p.normal[n.in[2]]; ok {
		p.lazy[n.out[0]] = a
		return true
	}
	if _, ok := p.lazy[n.in[2]].(unpooled); !ok {
		p.dense(n.in[2])
	}
	p.lazy[n.out[0]] = masked{a, p.recipe(n.in[2])}
	return true
}

// fuseNormGradient leaves the gradient of y to recipes, if that of the
// normalised value is one; the sums over the batch are a step.
func (p *plan) fuseNormGradient(n *node) bool {
	m, ok := p.lazy[n.in[4]].(masked)
	if !ok || m.y != n.in[0] || n.in[2].node != m.of || n.in[3].node != m.of {
		return false
	}
	b := n.attr.(*batchNorm)
	for _, v := range n.in[:4] {
		p.dense(v)
	}
	number := p.norms
	p.norms++
	read := append(m.leaves(), n.in[1], n.in[2], n.in[3])
	p.emit("batch norm gradient", read, n.out[1:], func(x *run) {
		in := x.tensors(n.in[:4])
		forward := x.norms[m.norm]
		parts := gradientSums(x, planesOf(in[0]), m.grad.bind(x), forward)
		after := &norms{channel: slices.Clone(forward.channel)}
		b.factors(after, parts, in[1].f32(), in[3].f32(), x.tensor(n.out[1]).f32(), x.tensor(n.out[2]).f32())
		b.gradientTotal(after, parts, forward.sum)
		x.norms[number] = after
	})
	p.lazy[n.out[0]] = normed{activation{y: m.y, norm: number, of: m.of}, m.grad}
	return true
}

// gradientSums are the sums that a batch normalisation's gradient needs, by
// image and channel, row by row.
func gradientSums(x *run, y planes, grad source, n *norms) [][]kernel.Moments {
	images := len(y.data) / (y.c * y.h * y.w)
	parts := make([][]kernel.Moments, images)
	for i := range parts {
		parts[i] = make([]kernel.Moments, y.c)
	}
	x.tasks(images*y.c, func(t int, s *scratch) {
		i, c := t/y.c, t%y.c
		gradients(grad, y.w, i, c, 0, y.h, s, func(h int, g []float32) {
			parts[i][c].AddGrad(g, y.row(i, c, h), &n.channel[c])
		})
	})
	return parts
}

// fuseSum adds up the planes, or the channels, of a recipe.
func (p *plan) fuseSum(n *node) bool {
	r, ok := p.lazy[n.in[0]]
	axes := n.attr.([]int)
	all := slices.Equal(axes, []int{0, 2, 3})
	if !ok || r.dense() != nil || !all && !slices.Equal(axes, []int{2, 3}) {
		return false
	}
	if g, ok := r.(normed); ok && all {
		p.emit("bias gradient", nil, n.out, func(x *run) {
			for c, sum := range x.norms[g.norm].sum {
				x.tensor(n.out[0]).f32()[c] = float32(sum)
			}
		})
		return true
	}
	d := n.in[0].shape.Dimensions
	images, channels, h, w := d[0], d[1], d[2], d[3]
	p.emit("sum", r.leaves(), n.out, func(x *run) {
		from, out := r.bind(x), x.tensor(n.out[0]).f32()
		sums := make([]kernel.Sum16, images*channels)
		x.tasks(len(sums), func(t int, s *scratch) {
			plane := s.get(slotIn, h*w)
			from.fill(plane, w, t/channels, t%channels, 0, h, s)
			sums[t].Add(plane)
		})
		for i := range out {
			total := sums[i]
			for image := 1; all && image < images; image++ {
				for lane, v := range sums[image*channels+i] {
					total[lane] += v
				}
			}
			out[i] = float32(total.Total())
		}
	})
	return true
}
