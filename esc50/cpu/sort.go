package cpu

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// order describes a Sort: rows of size elements, step apart.
type order struct {
	size, step int
	count      int // of rows
}

// start is the place of the first element of a row.
func (o *order) start(row int) int { return row/o.step*o.step*o.size + row%o.step }

// comparison tells whether element i of a row comes before element j.
type comparison func(i, j int) bool

// Sort orders operands by a comparison of elements, which takes one of the left
// and one of the right for each operand: (l0, r0, l1, r1, ...), as GoMLX and
// StableHLO have it; the comment of compute.Function has another order. It is
// always stable, so that the result is the same everywhere.
func (f *function) Sort(comparator compute.Function, axis int, stable bool, inputs ...compute.Value) ([]compute.Value, error) {
	in, err := f.own(inputs...)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("Sort: no operands")
	}
	g, captured, err := f.callee(compute.OpTypeSort, "the comparator", comparator)
	if err != nil {
		return nil, err
	}
	shape := in[0].shape
	if axis < 0 {
		axis += shape.Rank()
	}
	if axis < 0 || axis >= shape.Rank() {
		return nil, fmt.Errorf("Sort(%s): no axis %d", shape, axis)
	}
	if len(g.params) != 2*len(in) || len(g.outputs) != 1 || !g.outputs[0].shape.IsScalar() || g.outputs[0].shape.DType != dtypes.Bool {
		return nil, fmt.Errorf("Sort: the comparator takes %d values and returns %v, not %d and a bool", len(g.params), shapesOf(g.outputs), 2*len(in))
	}
	for i, p := range g.params {
		v := in[i/2]
		if !p.shape.IsScalar() || p.shape.DType != v.shape.DType {
			return nil, fmt.Errorf("Sort: parameter %d of the comparator is %s, operand %d %s", i, p.shape, i/2, v.shape)
		}
		if !slices.Equal(v.shape.Dimensions, shape.Dimensions) {
			return nil, fmt.Errorf("Sort: operand %d is %s, operand 0 %s", i/2, v.shape, shape)
		}
	}
	o := &order{size: shape.Dimensions[axis], step: strides(shape.Dimensions)[axis], count: 0}
	if o.size > 0 {
		o.count = shape.Size() / o.size
	}
	n := &node{op: compute.OpTypeSort, in: append(in, captured...)}
	if key, op, ok := simpleOrder(g); ok {
		n.run = func(x *run, in, out []tensor) {
			x.tasks(o.count, func(row int, _ *scratch) {
				o.sort(row, in[:len(out)], out, keyOrder(op, in[key].flat, o.start(row), o.step))
			})
		}
		return f.addAll(n, shapesOf(in))
	}
	p := g.compile()
	n.run = func(x *run, in, out []tensor) {
		args := make([]tensor, 2*len(out), 2*len(out)+len(captured))
		for i := range args {
			args[i] = tensor{g.params[i].shape, dtypes.MakeAnySlice(g.params[i].shape.DType, 1)}
		}
		args = append(args, in[len(out):]...)
		for row := range o.count {
			start := o.start(row)
			o.sort(row, in[:len(out)], out, func(i, j int) bool {
				for k := range out {
					copySame(args[2*k].flat, piece(in[k].flat, start+i*o.step, 1))
					copySame(args[2*k+1].flat, piece(in[k].flat, start+j*o.step, 1))
				}
				answer := p.call(x, args)
				defer x.release(answer)
				return answer[0].flat.([]bool)[0]
			})
		}
	}
	return f.addAll(n, shapesOf(in))
}

// sort fills a row of each result.
func (o *order) sort(row int, in, out []tensor, before comparison) {
	places := make([]int, o.size)
	for i := range places {
		places[i] = i
	}
	sort.SliceStable(places, func(i, j int) bool { return before(places[i], places[j]) })
	start := o.start(row)
	for k := range out {
		move(out[k].flat, in[k].flat, func(yield func(to, from, step, n int)) {
			for i, from := range places {
				yield(start+i*o.step, start+from*o.step, 1, 1)
			}
		})
	}
}

// simpleOrder recognises a comparator that is just a comparison of the left and
// the right element of one operand: it need not be run for each pair.
func simpleOrder(g *function) (operand int, op compute.OpType, ok bool) {
	n := root(g.outputs[0]).node
	if len(n.in) != 2 {
		return 0, 0, false
	}
	param := func(v *value) int {
		v = root(v)
		if v.node.op == compute.OpTypeConvertDType && v.node.in[0].shape.DType.IsHalfPrecision() && v.shape.DType == dtypes.Float32 {
			v = root(v.node.in[0]) // exact, and in the same order
		}
		return slices.Index(g.params, v)
	}
	l, r := param(n.in[0]), param(n.in[1])
	if l < 0 || l%2 != 0 || r != l+1 {
		return 0, 0, false
	}
	return l / 2, n.op, n.op == compute.OpTypeLessThan || n.op == compute.OpTypeGreaterThan
}

// keyOrder compares elements of one operand.
func keyOrder(op compute.OpType, flat any, start, step int) comparison {
	switch s := flat.(type) {
	case []int8:
		return orderBy(op, s, start, step)
	case []int16:
		return orderBy(op, s, start, step)
	case []int32:
		return orderBy(op, s, start, step)
	case []int64:
		return orderBy(op, s, start, step)
	case []uint8:
		return orderBy(op, s, start, step)
	case []uint16:
		return orderBy(op, s, start, step)
	case []uint32:
		return orderBy(op, s, start, step)
	case []uint64:
		return orderBy(op, s, start, step)
	case []float32:
		return orderBy(op, s, start, step)
	case []float64:
		return orderBy(op, s, start, step)
	case []float16.Float16:
		return orderHalf(op, s, start, step)
	case []bfloat16.BFloat16:
		return orderHalf(op, s, start, step)
	}
	panic(fmt.Sprintf("Sort of %T", flat))
}

func orderBy[T cmp.Ordered](op compute.OpType, s []T, start, step int) comparison {
	if op == compute.OpTypeLessThan {
		return func(i, j int) bool { return s[start+i*step] < s[start+j*step] }
	}
	return func(i, j int) bool { return s[start+i*step] > s[start+j*step] }
}

func orderHalf[H interface {
	half
	Float32() float32
}](op compute.OpType, s []H, start, step int) comparison {
	wide := make([]float32, 0)
	for at := start; at < len(s); at += step {
		wide = append(wide, s[at].Float32())
	}
	return orderBy(op, wide, 0, 1)
}
