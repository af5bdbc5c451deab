package cpu

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// convertOn returns the conversion between two types, nil if there is none.
func convertOn(from, to dtypes.DType) unaryRun {
	switch from {
	case dtypes.Bool:
		return convertBool(to)
	case dtypes.Float32:
		return convertFrom[float32](to)
	case dtypes.Float64:
		return convertFrom[float64](to)
	case dtypes.Int8:
		return convertFrom[int8](to)
	case dtypes.Int16:
		return convertFrom[int16](to)
	case dtypes.Int32:
		return convertFrom[int32](to)
	case dtypes.Int64:
		return convertFrom[int64](to)
	case dtypes.Uint8:
		return convertFrom[uint8](to)
	case dtypes.Uint16:
		return convertFrom[uint16](to)
	case dtypes.Uint32:
		return convertFrom[uint32](to)
	case dtypes.Uint64:
		return convertFrom[uint64](to)
	case dtypes.Float16:
		return convertHalf(to, float16.Float16.Float32)
	case dtypes.BFloat16:
		return convertHalf(to, bfloat16.BFloat16.Float32)
	}
	return nil
}

// convertHalf converts by way of float32.
func convertHalf[H half](to dtypes.DType, widen func(H) float32) unaryRun {
	if to == dtypes.Float32 {
		return unaryOp(widen)
	}
	last := convertFrom[float32](to)
	if last == nil {
		return nil
	}
	return func(x *run, dst, a any) {
		wide := x.alloc(length(a))
		defer x.free(wide)
		unaryOp(widen)(x, wide, a)
		last(x, dst, wide)
	}
}

func convertFrom[F number](to dtypes.DType) unaryRun {
	switch to {
	case dtypes.Bool:
		return unaryOp(func(a F) bool { return a != 0 })
	case dtypes.Float32:
		return unaryOp(func(a F) float32 { return float32(a) })
	case dtypes.Float64:
		return unaryOp(func(a F) float64 { return float64(a) })
	case dtypes.Int8:
		return unaryOp(func(a F) int8 { return int8(a) })
	case dtypes.Int16:
		return unaryOp(func(a F) int16 { return int16(a) })
	case dtypes.Int32:
		return unaryOp(func(a F) int32 { return int32(a) })
	case dtypes.Int64:
		return unaryOp(func(a F) int64 { return int64(a) })
	case dtypes.Uint8:
		return unaryOp(func(a F) uint8 { return uint8(a) })
	case dtypes.Uint16:
		return unaryOp(func(a F) uint16 { return uint16(a) })
	case dtypes.Uint32:
		return unaryOp(func(a F) uint32 { return uint32(a) })
	case dtypes.Uint64:
		return unaryOp(func(a F) uint64 { return uint64(a) })
	case dtypes.Float16:
		return unaryOp(func(a F) float16.Float16 { return float16.FromFloat32(float32(a)) })
	case dtypes.BFloat16:
		return unaryOp(func(a F) bfloat16.BFloat16 { return bfloat16.FromFloat32(float32(a)) })
	}
	return nil
}

func convertBool(to dtypes.DType) unaryRun {
	switch to {
	case dtypes.Bool:
		return unaryOp(func(a bool) bool { return a })
	case dtypes.Float32:
		return unaryOp(one[float32])
	case dtypes.Float64:
		return unaryOp(one[float64])
	case dtypes.Int8:
		return unaryOp(one[int8])
	case dtypes.Int16:
		return unaryOp(one[int16])
	case dtypes.Int32:
		return unaryOp(one[int32])
	case dtypes.Int64:
		return unaryOp(one[int64])
	case dtypes.Uint8:
		return unaryOp(one[uint8])
	case dtypes.Uint16:
		return unaryOp(one[uint16])
	case dtypes.Uint32:
		return unaryOp(one[uint32])
	case dtypes.Uint64:
		return unaryOp(one[uint64])
	case dtypes.Float16:
		return unaryOp(func(a bool) float16.Float16 { return float16.FromFloat32(one[float32](a)) })
	case dtypes.BFloat16:
		return unaryOp(func(a bool) bfloat16.BFloat16 { return bfloat16.FromFloat32(one[float32](a)) })
	}
	return nil
}

// one is one for true and zero for false.
func one[T number](b bool) T {
	if b {
		return 1
	}
	return 0
}
