package cpu

import (
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// dot describes a general product as matrices: for each of batch, the m by k
// elements of the left and the n by k of the right operand give m by n.
type dot struct {
	batch, m, n, k int
	left, right    side
	// out are the places of the result's matrices and pitch the distance between
	// their rows, if those are not one after the other: then out is not nil.
	out     []int
	pitch   int
	swapped bool // the operands, by a transposition of the result
	// columns are the places of the result's columns, if those are not neighbours,
	// but in blocks, each of which is a matrix then.
	columns []int
}

// result is the place of a row of the result, and the distance to the next.
func (d *dot) result(matrix, row int) (at, pitch int) {
	if d.out == nil {
		return (matrix*d.m + row) * d.n, d.n
	}
	return d.out[matrix] + row*d.pitch, d.pitch
}

// side is how an operand of a product lies in memory: the places of its
// matrices, of their rows (of the right operand: of the columns), and of the
// depths that are summed. An element is at the sum of the three.
type side struct {
	batch, rows, depth []int
	axes               [3][]int // that they are of
}

// newSide sorts the axes of an operand.
func newSide(dims, batch, contracting []int) side {
	var free []int
	for axis := range dims {
		if !slices.Contains(batch, axis) && !slices.Contains(contracting, axis) {
			free = append(free, axis)
		}
	}
	s := side{axes: [3][]int{batch, free, contracting}}
	return s.restrided(dims, strides(dims))
}

// restrided is the same side with other strides of the operand's axes.
func (s *side) restrided(dims, stride []int) side {
	of := func(axes []int) []int {
		var d, by []int
		for _, axis := range axes {
			d, by = append(d, dims[axis]), append(by, stride[axis])
		}
		return offsets(d, by)
	}
	return side{of(s.axes[0]), of(s.axes[1]), of(s.axes[2]), s.axes}
}

// offsets are those of all elements with the given dimensions and strides.
func offsets(dims, stride []int) []int {
	all := []int{0}
	for axis, n := range dims {
		next := make([]int, 0, len(all)*n)
		for _, p := range all {
			for i := range n {
				next = append(next, p+i*stride[axis])
			}
		}
		all = next
	}
	return all
}

// DotGeneral multiplies and sums along the contracting axes.
func (f *function) DotGeneral(lhs compute.Value, lc, lb []int, rhs compute.Value, rc, rb []int,
	config compute.DotGeneralConfig) (compute.Value, error) {
	in, err := f.own(lhs, rhs)
	if err != nil {
		return nil, err
	}
	l, r := in[0].shape, in[1].shape
	out, err := shapeinference.DotGeneral(l, lc, lb, r, rc, rb, config)
	if err != nil {
		return nil, err
	}
	if l.DType.IsComplex() && config == (compute.DotGeneralConfig{}) {
		return f.complexDot(lhs, lc, lb, rhs, rc, rb)
	}
	sum := config.AccumulatorDType
	if sum == dtypes.InvalidDType {
		sum = l.DType
	}
	sum = wideType(sum)
	if sum != l.DType || out.DType != sum {
		return f.dotAs(sum, out.DType, in, lc, lb, rc, rb)
	}
	d := &dot{left: newSide(l.Dimensions, lb, lc), right: newSide(r.Dimensions, rb, rc)}
	d.batch, d.m, d.n, d.k = len(d.left.batch), len(d.left.rows), len(d.right.rows), len(d.left.depth)
	product := dotOn(l.DType)
	if product == nil {
		return nil, unsupported(compute.OpTypeDotGeneral, l.DType)
	}
	return f.add1(&node{op: compute.OpTypeDotGeneral, in: in, attr: d, run: func(x *run, in, out []tensor) {
		product(x, d, out[0].flat, in[0].flat, in[1].flat)
	}}, out)
}

// dotAs multiplies in another type and converts the result.
func (f *function) dotAs(sum, to dtypes.DType, in []*value, lc, lb, rc, rb []int) (compute.Value, error) {
	l, err := f.ConvertDType(in[0], sum)
	if err != nil {
		return nil, err
	}
	r, err := f.ConvertDType(in[1], sum)
	if err != nil {
		return nil, err
	}
	v, err := f.DotGeneral(l, lc, lb, r, rc, rb, compute.DotGeneralConfig{})
	if err != nil {
		return nil, err
	}
	return f.ConvertDType(v, to)
}

func dotOn(dtype dtypes.DType) func(x *run, d *dot, dst, l, r any) {
	switch dtype {
	case dtypes.Float32:
		return dotFloat32
	case dtypes.Float64:
		return dotNumber[float64]
	case dtypes.Int8:
		return dotNumber[int8]
	case dtypes.Int16:
		return dotNumber[int16]
	case dtypes.Int32:
		return dotNumber[int32]
	case dtypes.Int64:
		return dotNumber[int64]
	case dtypes.Uint8:
		return dotNumber[uint8]
	case dtypes.Uint16:
		return dotNumber[uint16]
	case dtypes.Uint32:
		return dotNumber[uint32]
	case dtypes.Uint64:
		return dotNumber[uint64]
	}
	return nil
}

func dotNumber[T number](x *run, d *dot, dst, l, r any) {
	left, right, out := l.([]T), r.([]T), dst.([]T)
	x.tasks(d.batch*d.m, func(row int, _ *scratch) {
		b := row / d.m
		from := d.left.batch[b] + d.left.rows[row%d.m]
		for j, column := range d.right.rows {
			var acc T
			column += d.right.batch[b]
			for k, depth := range d.left.depth {
				acc += T(left[from+depth] * right[column+d.right.depth[k]])
			}
			out[row*d.n+j] = acc
		}
	})
}

// smallProduct is the most multiplications of a product that is done by inner
// products in sixteen lanes: below it, packing costs more than it saves.
const smallProduct = 1 << 16

// small tells, by the shape alone, which of the two orders of sums a product has.
func (d *dot) small() bool { return d.batch*d.m*d.n*d.k <= smallProduct }

// dotFloat32 multiplies, small products at once and others by packing
// (product.go), which in a compiled graph is a step of its own.
func dotFloat32(x *run, d *dot, dst, l, r any) {
	out, left, right := dst.([]float32), l.([]float32), r.([]float32)
	switch {
	case d.k == 0:
		clear(out)
	case d.small():
		d.lanes(x, out, left, right)
	default:
		p := newProduct(d)
		packed := x.alloc(p.packedSize())
		defer x.free(packed)
		p.pack(x, packed, right)
		p.run(x, out, left, packed)
	}
}

// lanes lays the operands out in rows of whole vectors, padded with zeros, and
// takes inner products of four rows with six columns at a time.
func (d *dot) lanes(x *run, out, l, r []float32) {
	kp, mp := roundUp(d.k, kernel.Lanes), roundUp(d.m, kernel.Rows)
	left, right := x.alloc(d.batch*mp*kp), x.alloc(d.batch*d.n*kp)
	defer x.free(left)
	defer x.free(right)
	d.left.pad(left, l, kp, mp)
	d.right.pad(right, r, kp, d.n)
	columns := make([]int, roundUp(d.n, kernel.Columns))
	for i := range columns {
		columns[i] = min(i, d.n-1) * kp
	}
	taps := kernel.NewTaps(columns)
	blocks := mp / kernel.Rows
	x.tasks(d.batch*blocks, func(t int, s *scratch) {
		b, block := t/blocks, t%blocks
		sums := s.get(slotOut, kernel.Rows*len(columns))
		clear(sums)
		kernel.Weights(sums, left[(b*mp+block*kernel.Rows)*kp:], kp, right[b*d.n*kp:(b+1)*d.n*kp], taps, kp/kernel.Lanes)
		for row := range min(kernel.Rows, d.m-block*kernel.Rows) {
			for j := range d.n {
				at := (b*d.m+block*kernel.Rows+row)*d.n + j
				out[at] = sums[kernel.Rows*kernel.Columns*(j/kernel.Columns)+kernel.Columns*row+j%kernel.Columns]
			}
		}
	})
}

// pad copies matrices to rows of pitch elements, so many rows apart.
func (s *side) pad(to, from []float32, pitch, apart int) {
	clear(to)
	for b, matrix := range s.batch {
		for i, row := range s.rows {
			dst := to[(b*apart+i)*pitch:]
			for k, depth := range s.depth {
				dst[k] = from[matrix+row+depth]
			}
		}
	}
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
