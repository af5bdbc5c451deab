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
	left, right    mover
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
	d := &dot{batch: 1, m: 1, n: 1, k: 1}
	for _, axis := range lb {
		d.batch *= l.Dimensions[axis]
	}
	for _, axis := range lc {
		d.k *= l.Dimensions[axis]
	}
	side := func(dims, batch, contracting []int, free *int) mover {
		axes := slices.Clone(batch)
		for axis := range dims {
			if !slices.Contains(batch, axis) && !slices.Contains(contracting, axis) {
				axes = append(axes, axis)
				*free *= dims[axis]
			}
		}
		axes = append(axes, contracting...)
		from := strides(dims)
		to, stride := make([]int, len(axes)), make([]int, len(axes))
		for i, axis := range axes {
			to[i], stride[i] = dims[axis], from[axis]
		}
		return strided(to, 0, stride)
	}
	d.left = side(l.Dimensions, lb, lc, &d.m)
	d.right = side(r.Dimensions, rb, rc, &d.n)
	product := dotOn(l.DType)
	if product == nil {
		return nil, unsupported(compute.OpTypeDotGeneral, l.DType)
	}
	return f.add1(&node{op: compute.OpTypeDotGeneral, in: in, run: func(x *run, in, out []tensor) {
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
	left, right, out := make([]T, d.batch*d.m*d.k), make([]T, d.batch*d.n*d.k), dst.([]T)
	move(left, l, d.left)
	move(right, r, d.right)
	x.tasks(d.batch*d.m, func(row int, _ *scratch) {
		b := row / d.m
		for j := range d.n {
			var acc T
			other := right[(b*d.n+j)*d.k:]
			for i, v := range left[row*d.k : (row+1)*d.k] {
				acc += T(v * other[i])
			}
			out[row*d.n+j] = acc
		}
	})
}

// dotFloat32 lays the operands out in rows of whole vectors, padded with zeros,
// and multiplies four rows by six columns at a time.
func dotFloat32(x *run, d *dot, dst, l, r any) {
	out := dst.([]float32)
	if d.k == 0 {
		clear(out)
		return
	}
	kp := roundUp(d.k, kernel.Lanes)
	mp := roundUp(d.m, kernel.Rows)
	left, right := x.alloc(d.batch*mp*kp), x.alloc(d.batch*d.n*kp)
	defer x.free(left)
	defer x.free(right)
	pad := func(to []float32, from any, m mover, rows, rowsTo int) {
		clear(to)
		flat := make([]float32, d.batch*rows*d.k)
		move(flat, from, m)
		for i := range d.batch * rows {
			b, row := i/rows, i%rows
			copy(to[(b*rowsTo+row)*kp:], flat[i*d.k:(i+1)*d.k])
		}
	}
	pad(left, l, d.left, d.m, mp)
	pad(right, r, d.right, d.n, d.n)
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

func roundUp(n, to int) int { return (n + to - 1) / to * to }
