package cpu

import (
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// chainBlock is how many elements of a chain run at a time, chainGrain how many
// are a task at least.
const (
	chainBlock = 1024
	chainGrain = 2 * chainBlock
)

// run computes what the chain stores.
func (c *chain) run(x *run) {
	do := c.bind(x)
	each := max(chainGrain, min(4*chainGrain, c.size/(2*leastTasks)/chainBlock*chainBlock))
	x.tasks((c.size+each-1)/each, func(t int, s *scratch) {
		do(t*each, min(c.size, (t+1)*each), s)
	})
}

// bind returns what computes elements lo to hi-1.
func (c *chain) bind(x *run) func(lo, hi int, s *scratch) {
	leaves := make([]any, len(c.leaves))
	for i, l := range c.leaves {
		leaves[i] = x.tensor(l.v).flat
	}
	stored := make([][]float32, len(c.ops))
	for i, o := range c.ops {
		if o.stored {
			stored[i] = x.tensor(o.v).f32()
		}
	}
	sums := make([][][]float32, len(c.ops))
	for i, o := range c.ops {
		for _, to := range o.to {
			sums[i] = append(sums[i], x.tensor(to.sum.v).f32())
		}
	}
	return func(first, end int, s *scratch) {
		spare := s.get(slotIn, (c.slots+len(c.leaves))*chainBlock)
		values, operands := make([][]float32, len(c.ops)), make([][]float32, len(c.leaves))
		for lo := first; lo < end; lo += chainBlock {
			hi := min(end, lo+chainBlock)
			for i, l := range c.leaves {
				if lo > first && l.repeats() {
					operands[i] = operands[i][:hi-lo]
					continue
				}
				operands[i] = l.block(leaves[i], spare[(c.slots+i)*chainBlock:][:chainBlock], lo, hi)
			}
			get := func(in int) []float32 {
				if in < 0 {
					return operands[-1-in]
				}
				return values[in]
			}
			for i, o := range c.ops {
				dst := spare[o.slot*chainBlock:][:hi-lo]
				if o.stored {
					dst = stored[i][lo:hi]
				}
				values[i] = dst
				if o.unary != nil {
					o.unary(dst, get(o.in[0]))
				} else {
					kernel.Binary(o.binary, dst, get(o.in[0]), get(o.in[1]))
				}
				for k, to := range o.to {
					to.cut.each(lo, hi, func(at, j, n int) { kernel.Binary(kernel.Add, sums[i][k][at:at+n], dst[j:j+n], zero) })
				}
			}
		}
	}
}

// zero is what an element of a slice is added to in a sum of slices.
var zero = []float32{0}

// repeats tells whether every block has the same elements.
func (l *view) repeats() bool {
	return l.inner == 1 && l.period > 1 && chainBlock%l.period == 0 && l.cut.run == 0 && !l.drawn && l.v.shape.DType == dtypes.Float32
}

// block are the elements for lo to hi-1 of the result: one if they are all the
// same, otherwise in memory or laid out in spare.
func (l *view) block(from any, spare []float32, lo, hi int) []float32 {
	flat, ok := from.([]float32)
	switch {
	case l.drawn:
		state, words := from.([]uint64), asUint32(spare[:hi-lo])
		pcg{state[0], state[1]}.skip(uint64(lo) / 2).fill(dtypes.UnsafeByteSliceFromAny(words))
		kernel.FromUint32(spare[:hi-lo], words)
		return spare[:hi-lo]
	case !ok:
		loads[l.v.shape.DType](spare[:hi-lo], from, lo)
		return spare[:hi-lo]
	}
	flat = flat[l.first:]
	if l.cut.run > 0 {
		return l.cut.block(flat, spare, lo, hi)
	}
	if l.period == 1 {
		return flat[:1]
	}
	if l.inner == 1 {
		at := lo % l.period
		if at+hi-lo <= l.period {
			return flat[at:][:hi-lo]
		}
		for i := 0; i < hi-lo; {
			n := copy(spare[i:hi-lo], flat[at:l.period])
			i, at = i+n, 0
		}
		return spare[:hi-lo]
	}
	if first := lo / l.inner; first == (hi-1)/l.inner {
		return flat[first%l.period:][:1]
	}
	for i := lo; i < hi; {
		end := min(hi, (i/l.inner+1)*l.inner)
		fill(spare[i-lo:end-lo], flat[i/l.inner%l.period])
		i = end
	}
	return spare[:hi-lo]
}

// fill sets all elements, most of them by copying what is set.
func fill(dst []float32, v float32) {
	n := min(len(dst), kernel.Lanes)
	for i := range dst[:n] {
		dst[i] = v
	}
	for ; n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
}

// asUint32 are the bits of numbers, in place.
func asUint32(x []float32) []uint32 {
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(x))), len(x))
}

// blockUnary are the operations on one operand, of one element or as many as
// the result has.
var blockUnary = make(map[compute.OpType]func(dst, a []float32))

func init() {
	for op, f := range kernelUnary {
		blockUnary[op] = eachOf(f)
	}
	for op, f := range scalarFuncs {
		if blockUnary[op] == nil {
			blockUnary[op] = eachOf(func(dst, a []float32) {
				for i, v := range a {
					dst[i] = float32(f(float64(v)))
				}
			})
		}
	}
}

// eachOf makes an operation of one that takes as many elements as it gives.
func eachOf(f func(dst, a []float32)) func(dst, a []float32) {
	return func(dst, a []float32) {
		f(dst[:len(a)], a)
		for i := len(a); i < len(dst); i++ {
			dst[i] = dst[0]
		}
	}
}
