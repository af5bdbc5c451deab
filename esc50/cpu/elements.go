package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// integer, float and number are the Go types of elements.
type (
	integer interface {
		int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
	}
	float  interface{ float32 | float64 }
	number interface{ integer | float }
	half   interface {
		float16.Float16 | bfloat16.BFloat16
	}
	complexNumber interface{ complex64 | complex128 }

	any1 interface {
		number | bool | half | complexNumber
	}
)

// numbers are the types of arithmetic; bool is the other one.
var numbers = []dtypes.DType{
	dtypes.Int8, dtypes.Int16, dtypes.Int32, dtypes.Int64,
	dtypes.Uint8, dtypes.Uint16, dtypes.Uint32, dtypes.Uint64,
	dtypes.Float32, dtypes.Float64,
}

// numberType are the loops over windows for one type of numbers.
type numberType interface {
	reduceWindow(kind compute.ReduceOpType, dtype dtypes.DType, w *window) func(x *run, dst, src any)
	scatterWindows(w *window, kind compute.ReduceOpType, in, out []tensor)
}

// numbersOf are those of a Go type.
type numbersOf[T number] struct{}

var numberTypes = map[dtypes.DType]numberType{
	dtypes.Int8: numbersOf[int8]{}, dtypes.Int16: numbersOf[int16]{}, dtypes.Int32: numbersOf[int32]{}, dtypes.Int64: numbersOf[int64]{},
	dtypes.Uint8: numbersOf[uint8]{}, dtypes.Uint16: numbersOf[uint16]{}, dtypes.Uint32: numbersOf[uint32]{}, dtypes.Uint64: numbersOf[uint64]{},
	dtypes.Float32: numbersOf[float32]{}, dtypes.Float64: numbersOf[float64]{},
}

// move moves elements about, of whatever type.
func move(dst, src any, f mover) {
	switch d := dst.(type) {
	case []bool:
		moveAs(d, src, f)
	case []int8:
		moveAs(d, src, f)
	case []int16:
		moveAs(d, src, f)
	case []int32:
		moveAs(d, src, f)
	case []int64:
		moveAs(d, src, f)
	case []uint8:
		moveAs(d, src, f)
	case []uint16:
		moveAs(d, src, f)
	case []uint32:
		moveAs(d, src, f)
	case []uint64:
		moveAs(d, src, f)
	case []float32:
		moveAs(d, src, f)
	case []float64:
		moveAs(d, src, f)
	case []float16.Float16:
		moveAs(d, src, f)
	case []bfloat16.BFloat16:
		moveAs(d, src, f)
	case []complex64:
		moveAs(d, src, f)
	case []complex128:
		moveAs(d, src, f)
	}
}

// mover says, for runs of n elements, where in dst each comes from in src: n
// elements from src[from], step apart, to dst[to] and on.
type mover func(yield func(to, from, step, n int))

func moveAs[T any1](dst []T, source any, f mover) {
	src := source.([]T)
	f(func(to, from, step, n int) {
		d := dst[to : to+n]
		if n == 0 {
			return
		}
		switch step {
		case 1:
			copy(d, src[from:from+n])
		case 0:
			for i := range d[:min(n, 1024)] {
				d[i] = src[from]
			}
			for done := 1024; done < n; done += 1024 {
				copy(d[done:], d[:1024])
			}
		default:
			for i := range d {
				d[i] = src[from+i*step]
			}
		}
	})
}

// strides are the distances between neighbours along each axis.
func strides(dims []int) []int {
	s := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		s[i] = n
		n *= dims[i]
	}
	return s
}

// strided is a mover that fills dst, of shape dims and contiguous from some place
// on, from src with the given offset and stride per axis.
func strided(to int, dims []int, offset int, stride []int) mover {
	return func(yield func(to, from, step, n int)) {
		rank := len(dims)
		if rank == 0 {
			yield(to, offset, 1, 1)
			return
		}
		for _, d := range dims {
			if d == 0 {
				return
			}
		}
		inner, step := dims[rank-1], stride[rank-1]
		for rank > 1 && stride[rank-2] == step*inner { // longer runs
			rank--
			inner *= dims[rank-1]
		}
		at := make([]int, rank-1)
		to, from := to, offset
		for {
			yield(to, from, step, inner)
			to += inner
			axis := rank - 2
			for ; axis >= 0; axis-- {
				at[axis]++
				from += stride[axis]
				if at[axis] < dims[axis] {
					break
				}
				from -= at[axis] * stride[axis]
				at[axis] = 0
			}
			if axis < 0 {
				return
			}
		}
	}
}
