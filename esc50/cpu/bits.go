package cpu

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
)

// Bitcast reads the bits of x as another type. Elements are little-endian.
func (f *function) Bitcast(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.Bitcast(in[0].shape, dtype)
	if err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeBitcast, in: in, run: func(_ *run, in, out []tensor) {
		copy(dtypes.UnsafeByteSliceFromAny(out[0].flat), dtypes.UnsafeByteSliceFromAny(in[0].flat))
	}}, out)
}

// RNGBitGenerator fills a tensor with random bits: PCG-DXSM, as GoMLX's Go
// backend draws them, so that the same state gives the same bits there, and the
// same next state, whose words have their bytes reversed.
func (f *function) RNGBitGenerator(state compute.Value, shape shapes.Shape) (newState, values compute.Value, err error) {
	in, err := f.own(state)
	if err != nil {
		return nil, nil, err
	}
	if !in[0].shape.Equal(compute.RNGStateShape) {
		return nil, nil, fmt.Errorf("RNGBitGenerator: the state is %s, not %s", in[0].shape, compute.RNGStateShape)
	}
	out, err := f.add(&node{op: compute.OpTypeRNGBitGenerator, in: in}, in[0].shape, shape)
	if err != nil {
		return nil, nil, err
	}
	return out[0], out[1], nil
}

// random emits the step that moves a generator's state on. The bits wait.
func (p *plan) random(n *node) {
	p.dense(n.in[0])
	words := (stored(n.out[1].shape.DType, n.out[1].shape.Size()).bytes() + 7) / 8
	p.emit(n.op.String(), n.in, n.out[:1], func(x *run) {
		from, to := x.tensor(n.in[0]).flat.([]uint64), x.tensor(n.out[0]).flat.([]uint64)
		after := pcg{from[0], from[1]}.skip(uint64(words))
		copy(to, from)
		to[0], to[1] = bits.ReverseBytes64(after.hi), bits.ReverseBytes64(after.lo)
	})
	p.waiting[n.out[1]] = true
}

// drawable tells whether v are random bits that are not in memory, of a size that
// a chain can draw itself.
func (p *plan) drawable(v *value) bool {
	r := root(v)
	return p.waiting[r] && r.node.op == compute.OpTypeRNGBitGenerator && r.shape.DType == dtypes.Uint32
}

// draw emits the step that draws random bits to memory.
func (p *plan) draw(v *value) {
	state := v.node.in[0]
	p.emit("draw", []*value{state}, []*value{v}, func(x *run) {
		from := x.tensor(state).flat.([]uint64)
		pcg{from[0], from[1]}.draw(x, dtypes.UnsafeByteSliceFromAny(x.tensor(v).flat))
	})
}

// DynamicSlice cuts a box that starts at places known at the run: scalars, or one
// vector of them.
func (f *function) DynamicSlice(x compute.Value, starts []compute.Value, size []int) (compute.Value, error) {
	if isPacked(x) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) { return f.DynamicSlice(w[0], starts, size) }, x)
	}
	in, err := f.own(append([]compute.Value{x}, starts...)...)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.DynamicSlice(in[0].shape, size)
	if err != nil {
		return nil, err
	}
	dims := in[0].shape.Dimensions
	if err := scalars(compute.OpTypeDynamicSlice, in[1:], len(dims)); err != nil {
		return nil, err
	}
	return f.add1(&node{op: compute.OpTypeDynamicSlice, in: in, run: func(x *run, in, out []tensor) {
		move(out[0].flat, in[0].flat, strided(0, size, boxStart(x, dims, size, in[1:]), strides(dims)))
	}}, out)
}

// DynamicUpdateSlice replaces such a box.
func (f *function) DynamicUpdateSlice(x, update compute.Value, starts []compute.Value) (compute.Value, error) {
	if isPacked(x) && isPacked(update) {
		return f.unpacked(func(w []compute.Value) (compute.Value, error) {
			return f.DynamicUpdateSlice(w[0], w[1], starts)
		}, x, update)
	}
	in, err := f.own(append([]compute.Value{x, update}, starts...)...)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.DynamicUpdateSlice(in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	dims, size := in[0].shape.Dimensions, in[1].shape.Dimensions
	if err := scalars(compute.OpTypeDynamicUpdateSlice, in[2:], len(dims)); err != nil {
		return nil, err
	}
	for axis := range dims {
		if size[axis] > dims[axis] {
			return nil, fmt.Errorf("DynamicUpdateSlice: update %s does not fit in %s", in[1].shape, in[0].shape)
		}
	}
	return f.add1(&node{op: compute.OpTypeDynamicUpdateSlice, in: in, run: func(x *run, in, out []tensor) {
		move(out[0].flat, in[0].flat, func(yield func(to, from, step, n int)) { yield(0, 0, 1, out[0].shape.Size()) })
		move(out[0].flat, in[1].flat, func(yield func(to, from, step, n int)) {
			places := strided(0, size, boxStart(x, dims, size, in[2:]), strides(dims))
			places(func(from, to, step, n int) { // the other way round
				for i := range n {
					yield(to+i*step, from+i, 1, 1)
				}
			})
		})
	}}, out)
}

// scalars checks the starts of a box.
func scalars(op compute.OpType, starts []*value, rank int) error {
	if len(starts) == 1 && starts[0].shape.DType.IsInt() && slices.Equal(starts[0].shape.Dimensions, []int{rank}) {
		return nil
	}
	if len(starts) != rank {
		return fmt.Errorf("%s: %d starts for %d axes", op, len(starts), rank)
	}
	for _, v := range starts {
		if !v.shape.IsScalar() || !v.shape.DType.IsInt() {
			return fmt.Errorf("%s: a start is %s, not a scalar integer", op, v.shape)
		}
	}
	return nil
}

// boxStart is the place where a box starts, moved to fit.
func boxStart(x *run, dims, size []int, starts []tensor) int {
	var places []int64
	for _, t := range starts {
		places = append(places, whole(x, t)...)
	}
	at := 0
	for axis, step := range strides(dims) {
		at += max(0, min(int(places[axis]), dims[axis]-size[axis])) * step
	}
	return at
}
