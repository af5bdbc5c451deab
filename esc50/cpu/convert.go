package cpu

import "github.com/gomlx/compute/dtypes"

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
	}
	return nil
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
