package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// The gradient of a slice is a tensor of zeros but for the slice, and that of
// many slices of a tensor, as a recurrent network has them, is the sum of as
// many such tensors. They are not made: each is added where it belongs.

// padding is the attribute of a Pad node.
type padding struct{ axes []compute.PadAxis }

// padSum is a sum of slices surrounded by zeros.
type padSum struct {
	v     *value
	pads  []*node // of the slices
	apart bool    // no two have an element in common: they are written one by one
	whole bool    // and all elements are in one
	begun bool    // its memory is there
}

// padPlace is where a slice belongs.
type padPlace struct {
	sum *padSum
	cut cut
}

// padSums finds the sums of slices of float32.
func (p *plan) padSums(order []*node) {
	for _, n := range order {
		if len(n.out) != 1 || n.out[0].shape.DType != dtypes.Float32 || p.done[n] {
			continue
		}
		switch n.op {
		case compute.OpTypePad:
			if !isZero(n.in[1]) || n.in[0].shape.Size() == 0 || !p.summed(n.out[0]) ||
				slices.ContainsFunc(n.attr.(padding).axes, func(a compute.PadAxis) bool { return a.Start < 0 || a.End < 0 || a.Interior != 0 }) {
				continue
			}
			p.pads[n.out[0]] = &padSum{v: n.out[0], pads: []*node{n}}
		case compute.OpTypeAdd:
			l, r := p.pads[n.in[0]], p.pads[n.in[1]]
			if l == nil || r == nil || n.in[0] == n.in[1] || !n.in[0].shape.Equal(n.in[1].shape) || !p.summed(n.in[0]) || !p.summed(n.in[1]) {
				continue
			}
			delete(p.pads, n.in[0])
			delete(p.pads, n.in[1])
			p.pads[n.out[0]] = &padSum{v: n.out[0], pads: append(l.pads, r.pads...)}
		default:
			continue
		}
		p.padded[n] = p.pads[n.out[0]]
	}
	for _, s := range p.pads {
		s.apart = disjoint(s.pads)
		s.whole = s.apart && s.size() == s.v.shape.Size()
		for _, n := range s.pads {
			p.padded[n] = s
		}
	}
}

// size is the number of elements of all slices.
func (s *padSum) size() int {
	size := 0
	for _, n := range s.pads {
		size += n.in[0].shape.Size()
	}
	return size
}

// place is where a value belongs in sums of slices apart, so that a chain can
// write it there as it is computed.
func (p *plan) place(v *value) []padPlace {
	var all []padPlace
	for _, u := range p.users[v] {
		switch {
		case u == nil:
		case u.op == compute.OpTypeIdentity || u.op == compute.OpTypeReshape:
			all = append(all, p.place(u.out[0])...)
		case u.op == compute.OpTypePad && p.padded[u] != nil && u.in[0] == v:
			s := p.padded[u]
			c, ok := u.cut()
			if !s.apart || !ok || p.placed[u] {
				continue
			}
			p.placed[u] = true
			p.zeros(s)
			all = append(all, padPlace{s, c})
		}
	}
	return all
}

// zeros takes the memory of a sum that slices alone do not fill.
func (p *plan) zeros(s *padSum) {
	if s.whole || s.begun {
		return
	}
	s.begun = true
	p.emit("zeros", nil, []*value{s.v}, func(x *run) {
		out := x.tensor(s.v).f32()
		x.spans(len(out), func(lo, hi int) { clear(out[lo:hi]) })
	})
}

// cut is where the operand of a Pad node lies in the result.
func (n *node) cut() (cut, bool) {
	first, stride := 0, strides(n.out[0].shape.Dimensions)
	for axis, a := range n.attr.(padding).axes {
		first += a.Start * stride[axis]
	}
	return runs(first, n.in[0].shape.Dimensions, stride)
}

// summed tells whether all that becomes of v is one addition.
func (p *plan) summed(v *value) bool {
	u := p.users[v]
	return len(u) == 1 && u[0] != nil && u[0].op == compute.OpTypeAdd
}

// settlePads brings a sum that was found to memory. Chains write slices as they
// compute them, all that wait together; the rest are added here.
func (p *plan) settlePads(v *value) {
	s := p.pads[v]
	if s == nil {
		return
	}
	delete(p.pads, v)
	p.together(s.pads)
	var rest []*node
	for _, n := range s.pads {
		p.dense(n.in[0])
	}
	var read []*value
	for _, n := range s.pads {
		if !p.placed[n] {
			rest, read = append(rest, n), append(read, n.in[0])
		}
	}
	if len(rest) == 0 {
		return
	}
	fresh := !s.begun
	write := []*value{v}
	if !fresh {
		read, write = append(read, v), nil
	}
	// Slices apart are added at once, so many in a task.
	each := len(rest)
	if s.apart {
		each = max(1, grain*len(s.pads)/s.size())
	}
	p.emit("sum of slices", read, write, func(x *run) {
		out := x.tensor(v).f32()
		if fresh {
			x.spans(len(out), func(lo, hi int) { clear(out[lo:hi]) })
		}
		x.tasks((len(rest)+each-1)/each, func(t int, _ *scratch) {
			for _, n := range rest[t*each : min(len(rest), (t+1)*each)] {
				n.addSlice(out, x.tensor(n.in[0]).f32(), !fresh && s.whole)
			}
		})
	})
}

// together runs the chains of slices that wait as one, as far as they are of the
// same size.
func (p *plan) together(pads []*node) {
	var group []*node
	for _, n := range pads {
		r := root(n.in[0])
		if p.inChain(r) && !slices.Contains(group, r.node) && (len(group) == 0 || r.shape.Size() == group[0].out[0].shape.Size()) {
			group = append(group, r.node)
		}
	}
	for some := range slices.Chunk(group, mostTogether) {
		p.chain(some...)
	}
}

// mostTogether is how many slices a chain computes.
const mostTogether = 8

// disjoint tells whether no two of the slices have an element in common.
func disjoint(list []*node) bool {
	if len(list) > mostSlices {
		return false
	}
	for i, n := range list {
		for _, m := range list[:i] {
			if n.meets(m) {
				return false
			}
		}
	}
	return true
}

// mostSlices bounds the number of slices that are compared two by two.
const mostSlices = 1024

// meets tells whether the boxes of two slices have an element in common.
func (n *node) meets(m *node) bool {
	for axis, a := range n.attr.(padding).axes {
		b := m.attr.(padding).axes[axis]
		if a.Start+n.in[0].shape.Dimensions[axis] <= b.Start || b.Start+m.in[0].shape.Dimensions[axis] <= a.Start {
			return false
		}
	}
	return true
}

// addSlice adds the operand of a Pad node where it belongs, or to zero if nothing
// is there yet.
func (n *node) addSlice(out, in []float32, first bool) {
	dims, axes := n.in[0].shape.Dimensions, n.attr.(padding).axes
	to := strides(n.out[0].shape.Dimensions)
	offset := 0
	for i, a := range axes {
		offset += a.Start * to[i]
	}
	// Along the last axes that are whole, or the last alone, elements are runs.
	strided(0, dims, offset, to[:len(dims)])(func(from, at, step, run int) {
		if step != 1 {
			for i := range run {
				to := &out[at+i*step]
				if first {
					*to = 0
				}
				*to += in[from+i]
			}
			return
		}
		if first {
			kernel.Binary(kernel.Add, out[at:at+run], in[from:from+run], zero)
			return
		}
		kernel.Binary(kernel.Add, out[at:at+run], out[at:at+run], in[from:from+run])
	})
}
