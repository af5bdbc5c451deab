package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// reduction describes which elements of the operand meet in a result: result o
// takes, for each of the outer places, a run of n elements.
type reduction struct {
	size  int   // number of results
	first []int // place of the first element, by result
	outer []int // places of the runs relative to it, in order
	n     int
	// matrices, each rows by columns, of which the columns are reduced, if
	// columns is not zero.
	matrices, rows, columns int
}

func newReduction(dims, axes []int) *reduction {
	stride := strides(dims)
	first, outer := []int{0}, []int{0}
	r := &reduction{n: 1}
	last := len(dims)
	for last > 0 && slices.Contains(axes, last-1) {
		last--
		r.n *= dims[last]
	}
	grow := func(places []int, axis int) []int {
		var all []int
		for _, p := range places {
			for i := range dims[axis] {
				all = append(all, p+i*stride[axis])
			}
		}
		return all
	}
	for axis := range last {
		if slices.Contains(axes, axis) {
			outer = grow(outer, axis)
		} else {
			first = grow(first, axis)
		}
	}
	r.size, r.first, r.outer = len(first), first, outer
	r.findColumns(dims, axes)
	return r
}

// findColumns looks for reduced axes that are neighbours, and kept ones after.
func (r *reduction) findColumns(dims, axes []int) {
	axis, n := 0, [3]int{1, 1, 1}
	for part, reduced := range []bool{false, true, false} {
		for ; axis < len(dims) && slices.Contains(axes, axis) == reduced; axis++ {
			n[part] *= dims[axis]
		}
	}
	if axis == len(dims) && n[2] > 1 {
		r.matrices, r.rows, r.columns = n[0], n[1], n[2]
	}
}

// reduce adds a reduction.
func (f *function) reduce(op compute.OpType, x compute.Value, axes []int) (compute.Value, error) {
	if isNarrow(x) {
		w, err := f.wide(x)
		if err != nil {
			return nil, err
		}
		v, err := f.reduce(op, w[0], axes)
		return f.narrow(v, err, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		for axis := range in[0].shape.Rank() {
			axes = append(axes, axis)
		}
	}
	out, err := shapeinference.Reduce(in[0].shape, axes)
	if err != nil {
		return nil, err
	}
	do := reduceOn(op, out.DType)
	if do == nil {
		return nil, unsupported(op, out.DType)
	}
	r := newReduction(in[0].shape.Dimensions, axes)
	n := &node{op: op, in: in, attr: axes, run: func(x *run, in, out []tensor) { do(x, r, out[0].flat, in[0].flat) }}
	return f.add1(n, out)
}

type reduceRun func(x *run, r *reduction, dst, src any)

func reduceOn(op compute.OpType, dtype dtypes.DType) reduceRun {
	switch dtype {
	case dtypes.Bool:
		switch op {
		case compute.OpTypeReduceLogicalAnd:
			return reduceOp(true, func(a, b bool) bool { return a && b })
		case compute.OpTypeReduceLogicalOr:
			return reduceOp(false, func(a, b bool) bool { return a || b })
		case compute.OpTypeReduceLogicalXor:
			return reduceOp(false, func(a, b bool) bool { return a != b })
		}
		return nil
	case dtypes.Float32:
		switch op {
		case compute.OpTypeReduceSum:
			return sumFloat32
		case compute.OpTypeReduceMax:
			return extremeFloat32(kernel.Max, dtype.LowestValue().(float32))
		case compute.OpTypeReduceMin:
			return extremeFloat32(kernel.Min, dtype.HighestValue().(float32))
		}
		return reduceNumber[float32](op, dtype)
	case dtypes.Float64:
		return reduceNumber[float64](op, dtype)
	case dtypes.Int8:
		return reduceInteger[int8](op, dtype)
	case dtypes.Int16:
		return reduceInteger[int16](op, dtype)
	case dtypes.Int32:
		return reduceInteger[int32](op, dtype)
	case dtypes.Int64:
		return reduceInteger[int64](op, dtype)
	case dtypes.Uint8:
		return reduceInteger[uint8](op, dtype)
	case dtypes.Uint16:
		return reduceInteger[uint16](op, dtype)
	case dtypes.Uint32:
		return reduceInteger[uint32](op, dtype)
	case dtypes.Uint64:
		return reduceInteger[uint64](op, dtype)
	case dtypes.Complex64:
		return complexReduce[complex64](op)
	case dtypes.Complex128:
		return complexReduce[complex128](op)
	}
	return nil
}

func reduceInteger[T integer](op compute.OpType, dtype dtypes.DType) reduceRun {
	switch op {
	case compute.OpTypeReduceBitwiseAnd:
		return reduceOp(^T(0), func(a, b T) T { return a & b })
	case compute.OpTypeReduceBitwiseOr:
		return reduceOp(0, func(a, b T) T { return a | b })
	case compute.OpTypeReduceBitwiseXor:
		return reduceOp(0, func(a, b T) T { return a ^ b })
	}
	return reduceNumber[T](op, dtype)
}

func reduceNumber[T number](op compute.OpType, dtype dtypes.DType) reduceRun {
	switch op {
	case compute.OpTypeReduceSum:
		return reduceOp(0, func(a, b T) T { return a + b })
	case compute.OpTypeReduceProduct:
		return reduceOp(1, func(a, b T) T { return a * b })
	case compute.OpTypeReduceMax:
		return reduceOp(dtype.LowestValue().(T), func(a, b T) T { return max(a, b) })
	case compute.OpTypeReduceMin:
		return reduceOp(dtype.HighestValue().(T), func(a, b T) T { return min(a, b) })
	}
	return nil
}

// each runs f for every result, spread over the workers.
func (r *reduction) each(x *run, f func(result int, s *scratch)) {
	work := max(1, r.n*len(r.outer))
	per := max(1, grain/work)
	x.tasks((r.size+per-1)/per, func(t int, s *scratch) {
		for i := t * per; i < min(r.size, (t+1)*per); i++ {
			f(i, s)
		}
	})
}

func reduceOp[T any1](start T, f func(a, b T) T) reduceRun {
	return func(x *run, r *reduction, dst, src any) {
		d, s := dst.([]T), src.([]T)
		r.each(x, func(i int, _ *scratch) {
			acc := start
			for _, o := range r.outer {
				at := r.first[i] + o
				for _, v := range s[at : at+r.n] {
					acc = f(acc, v)
				}
			}
			d[i] = acc
		})
	}
}

// extremeFloat32 is a maximum or minimum, which does not depend on the order: a
// run is folded in halves.
func extremeFloat32(op kernel.Op, start float32) reduceRun {
	f := map[kernel.Op]func(a, b float32) float32{
		kernel.Max: func(a, b float32) float32 { return max(a, b) }, kernel.Min: func(a, b float32) float32 { return min(a, b) },
	}[op]
	plain := reduceOp(start, f)
	return func(x *run, r *reduction, dst, src any) {
		if r.n < 2*kernel.Lanes {
			plain(x, r, dst, src)
			return
		}
		d, s := dst.([]float32), src.([]float32)
		r.each(x, func(i int, own *scratch) {
			acc, spare := start, own.get(slotIn, foldBlock)
			for _, o := range r.outer {
				for row := s[r.first[i]+o:][:r.n]; len(row) > 0; {
					n := min(len(row), foldBlock)
					part := row[:n]
					row = row[n:]
					for n > kernel.Lanes {
						half := (n + 1) / 2
						kernel.Binary(op, spare[:n-half], part[:n-half], part[half:])
						copy(spare[n-half:half], part[n-half:half])
						part, n = spare[:half], half
					}
					for _, v := range part {
						acc = f(acc, v)
					}
				}
			}
			d[i] = acc
		})
	}
}

// foldBlock is how many elements are folded at a time.
const foldBlock = 512

// sumFloat32 adds in double precision: in sixteen lanes along a run, and in the
// order of the elements across runs.
func sumFloat32(x *run, r *reduction, dst, src any) {
	d, s := dst.([]float32), src.([]float32)
	if r.columns > 0 {
		r.sumColumns(x, d, s)
		return
	}
	r.each(x, func(i int, _ *scratch) {
		if r.n == 1 {
			var acc float64
			for _, o := range r.outer {
				acc += float64(s[r.first[i]+o])
			}
			d[i] = float32(acc)
			return
		}
		var acc kernel.Sum16
		for _, o := range r.outer {
			at := r.first[i] + o
			acc.Add(s[at : at+r.n])
		}
		d[i] = float32(acc.Total())
	})
}

// sumColumns adds matrices up down their columns.
func (r *reduction) sumColumns(x *run, dst, src []float32) {
	c := newColumns(r.rows, r.columns)
	if r.matrices == 1 && c.parts > 1 {
		c.sum(x, dst, src)
		return
	}
	each := (c.blocks + sumBlocks - 1) / sumBlocks
	x.tasks(r.matrices*each, func(t int, _ *scratch) {
		matrix, m := t/each, new(kernel.Moments)
		for b := t % each * sumBlocks; b < min(c.blocks, (t%each+1)*sumBlocks); b++ {
			*m = kernel.Moments{}
			at := b * kernel.Lanes
			to := dst[matrix*c.columns+at:][:min(kernel.Lanes, c.columns-at)]
			m.AddColumns(src[matrix*c.rows*c.columns+at:], c.columns, c.rows, len(to))
			for i := range to {
				to[i] = float32(m[0][i])
			}
		}
	})
}

// sumBlocks is how many blocks of columns are a task, if one has all rows.
const sumBlocks = 4

// sum sets dst to the sums of the columns.
func (c *columns) sum(x *run, dst, src []float32) {
	sums, _ := c.sums(x, func(m *kernel.Moments, _, at, rows, n int) { m.AddColumns(src[at:], c.columns, rows, n) })
	for i, v := range sums {
		dst[i] = float32(v)
	}
}
