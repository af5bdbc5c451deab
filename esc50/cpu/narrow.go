package cpu

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Types that are stored only: 16 bit floats are computed with in float32 and
// rounded, integers of less than a byte, which lie packed in bytes, in 8 bits
// and cut off.

// wideType is the type that values of a type are computed in.
func wideType(dtype dtypes.DType) dtypes.DType {
	switch dtype {
	case dtypes.Float16, dtypes.BFloat16:
		return dtypes.Float32
	case dtypes.Int1, dtypes.Int2, dtypes.Int4:
		return dtypes.Int8
	case dtypes.Uint1, dtypes.Uint2, dtypes.Uint4:
		return dtypes.Uint8
	}
	return dtype
}

func typeOf(v compute.Value) dtypes.DType {
	if own, ok := v.(*value); ok && own != nil {
		return own.shape.DType
	}
	return dtypes.InvalidDType
}

// isNarrow tells whether v is of a type that is stored only.
func isNarrow(v compute.Value) bool { return wideType(typeOf(v)) != typeOf(v) }

// isPacked tells whether v is of integers of less than a byte.
func isPacked(v compute.Value) bool { return packed(typeOf(v)) }

// packed is DType.IsPacked for any type, valid or not.
func packed(dtype dtypes.DType) bool {
	w := wideType(dtype)
	return w != dtype && w != dtypes.Float32
}

// wide converts operands to the types that they are computed in.
func (f *function) wide(operands ...compute.Value) ([]compute.Value, error) {
	all := make([]compute.Value, len(operands))
	for i, v := range operands {
		all[i] = v
		if isNarrow(v) {
			w, err := f.ConvertDType(v, wideType(typeOf(v)))
			if err != nil {
				return nil, err
			}
			all[i] = w
		}
	}
	return all, nil
}

// narrow converts a result back to the type of the operand like.
func (f *function) narrow(v compute.Value, err error, like compute.Value) (compute.Value, error) {
	if err != nil {
		return nil, err
	}
	return f.ConvertDType(v, typeOf(like))
}

// unpacked moves elements about that are packed in bytes.
func (f *function) unpacked(do func(wide []compute.Value) (compute.Value, error), operands ...compute.Value) (compute.Value, error) {
	for _, v := range operands {
		if typeOf(v) != typeOf(operands[0]) {
			return nil, fmt.Errorf("backend %s: operands of %s and %s", BackendName, typeOf(operands[0]), typeOf(v))
		}
	}
	w, err := f.wide(operands...)
	if err != nil {
		return nil, err
	}
	v, err := do(w)
	return f.narrow(v, err, operands[0])
}

// as is a shape with another type.
func as(shape shapes.Shape, dtype dtypes.DType) shapes.Shape {
	shape = shape.Clone()
	shape.DType = dtype
	return shape
}

// unpack sets dst, bytes, to the integers of bits each in src, low bits first.
func unpack(dst, src []uint8, bits int, signed bool) {
	per := 8 / bits
	for i := range dst {
		v := src[i/per] >> (i % per * bits) << (8 - bits)
		if signed {
			dst[i] = uint8(int8(v) >> (8 - bits))
		} else {
			dst[i] = v >> (8 - bits)
		}
	}
}

// pack is the reverse; what is left of the last byte is zero.
func pack(dst, src []uint8, bits int) {
	clear(dst)
	per, mask := 8/bits, uint8(1)<<bits-1
	for i, v := range src {
		dst[i/per] |= v & mask << (i % per * bits)
	}
}
