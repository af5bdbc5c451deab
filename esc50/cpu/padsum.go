package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// The gradient of a slice is a tensor of zeros but for the slice, and that of
// many slices of a tensor, as a recurrent network has them, is the sum of as
// many such tensors. They are not made: each is added where it belongs.

// padding is the attribute of a Pad node.
type padding struct{ axes []compute.PadAxis }

// padded collects the node if it surrounds a float32 tensor with zeros for a
// sum, or adds two that are collected, and tells whether it did.
func (p *plan) padded(n *node) bool {
	if len(n.out) != 1 || n.out[0].shape.DType != dtypes.Float32 {
		return false
	}
	switch n.op {
	case compute.OpTypePad:
		if !isZero(n.in[1]) || n.in[0].shape.Size() == 0 || !p.summed(n.out[0]) {
			return false
		}
		for _, a := range n.attr.(padding).axes {
			if a.Start < 0 || a.End < 0 || a.Interior != 0 {
				return false
			}
		}
		p.pads[n.out[0]] = []*node{n}
		return true
	case compute.OpTypeAdd:
		l, r := p.pads[n.in[0]], p.pads[n.in[1]]
		if l == nil || r == nil || n.in[0] == n.in[1] || !n.in[0].shape.Equal(n.in[1].shape) || !p.summed(n.in[0]) || !p.summed(n.in[1]) {
			return false
		}
		delete(p.pads, n.in[0])
		delete(p.pads, n.in[1])
		p.pads[n.out[0]] = append(l, r...)
		return true
	}
	return false
}

// summed tells whether all that becomes of v is one addition.
func (p *plan) summed(v *value) bool {
	u := p.users[v]
	return len(u) == 1 && u[0] != nil && u[0].op == compute.OpTypeAdd
}

// settlePads brings a sum that was collected to memory.
func (p *plan) settlePads(v *value) {
	list := p.pads[v]
	if list == nil {
		return
	}
	delete(p.pads, v)
	var read []*value
	sizes := 0
	for _, n := range list {
		p.dense(n.in[0])
		read = append(read, n.in[0])
		sizes += n.in[0].shape.Size()
	}
	// Slices apart are added at once, so many in a task.
	each := len(list)
	if disjoint(list) {
		each = max(1, grain*len(list)/sizes)
	}
	p.emit("sum of slices", read, []*value{v}, func(x *run) {
		out := x.tensor(v).f32()
		x.spans(len(out), func(lo, hi int) { clear(out[lo:hi]) })
		x.tasks((len(list)+each-1)/each, func(t int, _ *scratch) {
			for _, n := range list[t*each : min(len(list), (t+1)*each)] {
				n.addSlice(out, x.tensor(n.in[0]).f32())
			}
		})
	})
}

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

// addSlice adds the operand of a Pad node where it belongs.
func (n *node) addSlice(out, in []float32) {
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
				out[at+i*step] += in[from+i]
			}
			return
		}
		kernel.Binary(kernel.Add, out[at:at+run], out[at:at+run], in[from:from+run])
	})
}
