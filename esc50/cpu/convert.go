package cpu

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// convertOn returns the conversion between two types, nil if there is none.
func convertOn(from, to dtypes.DType) unaryRun {
	switch {
	case packed(from):
		return convertPacked(from, to)
	case packed(to):
		return convertToPacked(from, to)
	}
	if do := loads[from]; do != nil && to == dtypes.Float32 {
		return func(x *run, dst, a any) {
			d := dst.([]float32)
			x.spans(len(d), func(lo, hi int) { do(d[lo:hi], a, lo) })
		}
	}
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
	case dtypes.Complex64:
		return convertComplex[complex64](to)
	case dtypes.Complex128:
		return convertComplex[complex128](to)
	}
	return nil
}

// loads read so many elements of a type, from some place on, as float32.
var loads = map[dtypes.DType]func(dst []float32, src any, at int){
	dtypes.Bool:     loadEach(one[float32]),
	dtypes.Int8:     load[int8],
	dtypes.Int16:    load[int16],
	dtypes.Int32:    load[int32],
	dtypes.Int64:    load[int64],
	dtypes.Uint8:    load[uint8],
	dtypes.Uint16:   load[uint16],
	dtypes.Uint32:   func(dst []float32, src any, at int) { kernel.FromUint32(dst, src.([]uint32)[at:]) },
	dtypes.Uint64:   load[uint64],
	dtypes.Float64:  load[float64],
	dtypes.Float16:  loadEach(float16.Float16.Float32),
	dtypes.BFloat16: loadEach(bfloat16.BFloat16.Float32),
}

func load[T number](dst []float32, src any, at int) {
	for i, v := range src.([]T)[at:][:len(dst)] {
		dst[i] = float32(v)
	}
}

func loadEach[T any1](f func(T) float32) func(dst []float32, src any, at int) {
	return func(dst []float32, src any, at int) {
		for i, v := range src.([]T)[at:][:len(dst)] {
			dst[i] = f(v)
		}
	}
}

// convertPacked converts by way of bytes.
func convertPacked(from, to dtypes.DType) unaryRun {
	last := convertOn(wideType(from), to)
	if last == nil {
		return nil
	}
	return func(x *run, dst, a any) {
		n := length(dst)
		if packed(to) {
			n *= to.ValuesPerStorageUnit()
		}
		n = min(n, length(a)*from.ValuesPerStorageUnit())
		wide := dtypes.MakeAnySlice(wideType(from), n)
		unpack(dtypes.UnsafeByteSliceFromAny(wide), a.([]uint8), from.Bits(), wideType(from) == dtypes.Int8)
		last(x, dst, wide)
	}
}

// convertToPacked does so the other way.
func convertToPacked(from, to dtypes.DType) unaryRun {
	first := convertOn(from, wideType(to))
	if first == nil {
		return nil
	}
	return func(x *run, dst, a any) {
		wide := dtypes.MakeAnySlice(wideType(to), length(a))
		first(x, wide, a)
		pack(dst.([]uint8), dtypes.UnsafeByteSliceFromAny(wide), to.Bits())
	}
}

// convertComplex drops the imaginary part unless the other type is complex.
func convertComplex[C complexNumber](to dtypes.DType) unaryRun {
	switch to {
	case dtypes.Complex64:
		return unaryOp(func(a C) complex64 { return complex64(a) })
	case dtypes.Complex128:
		return unaryOp(func(a C) complex128 { return complex128(a) })
	case dtypes.Bool:
		return unaryOp(func(a C) bool { return a != 0 })
	}
	last := convertFrom[float64](to)
	if last == nil {
		return nil
	}
	return func(x *run, dst, a any) {
		parts := make([]float64, length(a))
		unaryOp(func(a C) float64 { return real(complex128(a)) })(x, parts, a)
		last(x, dst, parts)
	}
}

// convertHalf converts by way of float32.
func convertHalf[H half](to dtypes.DType, widen func(H) float32) unaryRun {
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
		return unaryOp(whole1[F, int8]())
	case dtypes.Int16:
		return unaryOp(whole1[F, int16]())
	case dtypes.Int32:
		return unaryOp(whole1[F, int32]())
	case dtypes.Int64:
		return unaryOp(whole1[F, int64]())
	case dtypes.Uint8:
		return unaryOp(whole1[F, uint8]())
	case dtypes.Uint16:
		return unaryOp(whole1[F, uint16]())
	case dtypes.Uint32:
		return unaryOp(whole1[F, uint32]())
	case dtypes.Uint64:
		return unaryOp(whole1[F, uint64]())
	case dtypes.Float16:
		return unaryOp(func(a F) float16.Float16 { return toFloat16(float32(a)) })
	case dtypes.BFloat16:
		return unaryOp(func(a F) bfloat16.BFloat16 { return toBFloat16(float32(a)) })
	case dtypes.Complex64:
		return unaryOp(func(a F) complex64 { return complex(float32(a), 0) })
	case dtypes.Complex128:
		return unaryOp(func(a F) complex128 { return complex(float64(a), 0) })
	}
	return nil
}

// whole1 converts a number to an integer: of integers the low bits, of a float
// the whole part, the nearest integer there is where it does not fit and zero
// for NaN, as XLA has it. Go leaves those to the processor.
func whole1[F number, I integer]() func(F) I {
	if F(1)/F(2) == 0 {
		return func(a F) I { return I(a) }
	}
	low, high := bounds[I]()
	// The first float beyond: high+1 is a power of two, exact in either type.
	beyond := 2 * F(high/2+1)
	return func(a F) I {
		switch {
		case a != a:
			return 0
		case a >= beyond:
			return high
		case a <= F(low):
			return low
		}
		return I(a)
	}
}

// bounds are the least and the largest integer of a type.
func bounds[I integer]() (low, high I) {
	if zero := I(0); zero-1 > zero {
		return 0, zero - 1
	}
	for bit := I(1); bit > 0; bit <<= 1 {
		high |= bit
	}
	return -high - 1, high
}

func convertBool(to dtypes.DType) unaryRun {
	switch to {
	case dtypes.Bool:
		return unaryOp(func(a bool) bool { return a })
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
		return unaryOp(func(a bool) float16.Float16 { return toFloat16(one[float32](a)) })
	case dtypes.BFloat16:
		return unaryOp(func(a bool) bfloat16.BFloat16 { return toBFloat16(one[float32](a)) })
	case dtypes.Complex64:
		return unaryOp(func(a bool) complex64 { return complex(one[float32](a), 0) })
	case dtypes.Complex128:
		return unaryOp(func(a bool) complex128 { return complex(one[float64](a), 0) })
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
