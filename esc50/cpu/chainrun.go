package cpu

import (
	"github.com/gomlx/compute"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// chainBlock is how many elements of a chain run at a time, chainGrain how many
// are a task.
const (
	chainBlock = 1024
	chainGrain = 16 * chainBlock
)

// run computes what the chain stores.
func (c *chain) run(x *run) {
	leaves := make([][]float32, len(c.leaves))
	for i, l := range c.leaves {
		leaves[i] = x.tensor(l.v).f32()
	}
	stored := make([][]float32, len(c.ops))
	for i, o := range c.ops {
		if o.stored {
			stored[i] = x.tensor(o.v).f32()
		}
	}
	x.tasks((c.size+chainGrain-1)/chainGrain, func(t int, s *scratch) {
		spare := s.get(slotIn, (c.slots+len(c.leaves))*chainBlock)
		values, operands := make([][]float32, len(c.ops)), make([][]float32, len(c.leaves))
		for lo := t * chainGrain; lo < min(c.size, (t+1)*chainGrain); lo += chainBlock {
			hi := min(c.size, lo+chainBlock)
			for i, l := range c.leaves {
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
				if len(o.v.node.in) == 1 {
					blockUnary[o.op](dst, get(o.in[0]))
				} else {
					blockBinary(o.op)(dst, get(o.in[0]), get(o.in[1]))
				}
			}
		}
	})
}

// block are the elements for lo to hi-1 of the result: one if they are all the
// same, otherwise in memory or laid out in spare.
func (l *view) block(flat, spare []float32, lo, hi int) []float32 {
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
		v := flat[i/l.inner%l.period]
		for ; i < end; i++ {
			spare[i-lo] = v
		}
	}
	return spare[:hi-lo]
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

// blockBinary is an operation on two operands, likewise.
func blockBinary(op compute.OpType) func(dst, a, b []float32) {
	if k, ok := kernelOps[op]; ok {
		return func(dst, a, b []float32) { kernel.Binary(k, dst, a, b) }
	}
	return nil
}
