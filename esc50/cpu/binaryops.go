package cpu

import (
	"math"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// pairRun computes one operation on flat operands.
type pairRun func(x *run, p *pairs, dst, a, b any)

// pairOp makes a pairRun of a Go function of elements.
func pairOp[T, R any1](f func(T, T) R) pairRun {
	return func(x *run, p *pairs, dst, a, b any) { applyPairs(x, p, dst.([]R), a.([]T), b.([]T), f) }
}

// binary adds a node for an operation on two operands that broadcast; of nil
// the type is not supported.
func (f *function) binary(op compute.OpType, out shapes.Shape, in []*value, do pairRun) (compute.Value, error) {
	if do == nil {
		return nil, unsupported(op, in[0].shape.DType)
	}
	p := broadcast(out.Dimensions, in[0].shape.Dimensions, in[1].shape.Dimensions)
	return f.add1(&node{op: op, in: in, run: func(x *run, in, out []tensor) {
		do(x, &p, out[0].flat, in[0].flat, in[1].flat)
	}}, out)
}

// arithmetic adds an operation whose result has the type of its operands.
func (f *function) arithmetic(op compute.OpType, l, r compute.Value) (compute.Value, error) {
	if isNarrow(l) && isNarrow(r) && typeOf(l) == typeOf(r) {
		w, err := f.wide(l, r)
		if err != nil {
			return nil, err
		}
		v, err := f.arithmetic(op, w[0], w[1])
		return f.narrow(v, err, l)
	}
	in, err := f.own(l, r)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.BinaryOp(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	return f.binary(op, out, in, arithmeticOn(op, out.DType))
}

// compare adds an operation whose result is bool.
func (f *function) compare(op compute.OpType, l, r compute.Value) (compute.Value, error) {
	w, err := f.wide(l, r)
	if err != nil {
		return nil, err
	}
	in, err := f.own(w...)
	if err != nil {
		return nil, err
	}
	out, err := shapeinference.ComparisonOp(op, in[0].shape, in[1].shape)
	if err != nil {
		return nil, err
	}
	return f.binary(op, out, in, compareOn(op, in[0].shape.DType))
}

func arithmeticOn(op compute.OpType, dtype dtypes.DType) pairRun {
	switch dtype {
	case dtypes.Bool:
		switch op {
		case compute.OpTypeLogicalAnd:
			return pairOp(func(a, b bool) bool { return a && b })
		case compute.OpTypeLogicalOr:
			return pairOp(func(a, b bool) bool { return a || b })
		case compute.OpTypeLogicalXor:
			return pairOp(func(a, b bool) bool { return a != b })
		}
		return nil
	case dtypes.Float32:
		if k, ok := kernelOps[op]; ok {
			return func(x *run, p *pairs, dst, a, b any) {
				kernelPairs(x, p, k, dst.([]float32), a.([]float32), b.([]float32))
			}
		}
		return floatOp[float32](op)
	case dtypes.Float64:
		return floatOp[float64](op)
	case dtypes.Int8:
		return integerOp[int8](op)
	case dtypes.Int16:
		return integerOp[int16](op)
	case dtypes.Int32:
		return integerOp[int32](op)
	case dtypes.Int64:
		return integerOp[int64](op)
	case dtypes.Uint8:
		return integerOp[uint8](op)
	case dtypes.Uint16:
		return integerOp[uint16](op)
	case dtypes.Uint32:
		return integerOp[uint32](op)
	case dtypes.Uint64:
		return integerOp[uint64](op)
	case dtypes.Complex64:
		return complexOp[complex64](op)
	case dtypes.Complex128:
		return complexOp[complex128](op)
	}
	return nil
}

var kernelOps = map[compute.OpType]kernel.Op{
	compute.OpTypeAdd: kernel.Add, compute.OpTypeSub: kernel.Sub,
	compute.OpTypeMul: kernel.Mul, compute.OpTypeDiv: kernel.Div,
	compute.OpTypeMax: kernel.Max, compute.OpTypeMin: kernel.Min,
}

func kernelPairs(x *run, p *pairs, op kernel.Op, dst, a, b []float32) {
	p.each(x, func(at, ia, ib, n int) {
		kernel.Binary(op, dst[at:at+n], a[ia:ia+1+(n-1)*p.sa], b[ib:ib+1+(n-1)*p.sb])
	})
}

func numberOp[T number](op compute.OpType) pairRun {
	switch op {
	case compute.OpTypeAdd:
		return pairOp(func(a, b T) T { return a + b })
	case compute.OpTypeSub:
		return pairOp(func(a, b T) T { return a - b })
	case compute.OpTypeMul:
		return pairOp(func(a, b T) T { return a * b })
	}
	return nil
}

func floatOp[T float](op compute.OpType) pairRun {
	switch op {
	case compute.OpTypeDiv:
		return pairOp(func(a, b T) T { return a / b })
	case compute.OpTypeMax:
		return pairOp(func(a, b T) T { return max(a, b) })
	case compute.OpTypeMin:
		return pairOp(func(a, b T) T { return min(a, b) })
	case compute.OpTypeRem:
		return pairOp(func(a, b T) T { return T(math.Mod(float64(a), float64(b))) })
	case compute.OpTypePow:
		return pairOp(func(a, b T) T { return T(pow(float64(a), float64(b))) })
	case compute.OpTypeAtan2:
		return pairOp(func(a, b T) T { return T(atan2(float64(a), float64(b))) })
	}
	return numberOp[T](op)
}

func integerOp[T integer](op compute.OpType) pairRun {
	switch op {
	case compute.OpTypeDiv:
		return pairOp(func(a, b T) T {
			if b == 0 {
				return 0
			}
			return a / b
		})
	case compute.OpTypeRem:
		return pairOp(func(a, b T) T {
			if b == 0 {
				return 0
			}
			return a % b
		})
	case compute.OpTypeMax:
		return pairOp(func(a, b T) T { return max(a, b) })
	case compute.OpTypeMin:
		return pairOp(func(a, b T) T { return min(a, b) })
	case compute.OpTypePow:
		return pairOp(func(a, b T) T {
			p := T(1)
			for ; b > 0; b >>= 1 {
				if b&1 == 1 {
					p *= a
				}
				a *= a
			}
			return p
		})
	case compute.OpTypeBitwiseAnd:
		return pairOp(func(a, b T) T { return a & b })
	case compute.OpTypeBitwiseOr:
		return pairOp(func(a, b T) T { return a | b })
	case compute.OpTypeBitwiseXor:
		return pairOp(func(a, b T) T { return a ^ b })
	case compute.OpTypeShiftLeft:
		return pairOp(func(a, b T) T { return a << uint64(b) })
	case compute.OpTypeShiftRightArithmetic:
		return pairOp(func(a, b T) T { return a >> uint64(b) })
	case compute.OpTypeShiftRightLogical:
		return pairOp(func(a, b T) T { return T(uint64(a) & lowBits[T]() >> uint64(b)) })
	}
	return numberOp[T](op)
}

func compareOn(op compute.OpType, dtype dtypes.DType) pairRun {
	switch dtype {
	case dtypes.Bool:
		return equalOp[bool](op)
	case dtypes.Float32:
		return compareOp[float32](op)
	case dtypes.Float64:
		return compareOp[float64](op)
	case dtypes.Int8:
		return compareOp[int8](op)
	case dtypes.Int16:
		return compareOp[int16](op)
	case dtypes.Int32:
		return compareOp[int32](op)
	case dtypes.Int64:
		return compareOp[int64](op)
	case dtypes.Uint8:
		return compareOp[uint8](op)
	case dtypes.Uint16:
		return compareOp[uint16](op)
	case dtypes.Uint32:
		return compareOp[uint32](op)
	case dtypes.Uint64:
		return compareOp[uint64](op)
	case dtypes.Complex64:
		return equalOp[complex64](op)
	case dtypes.Complex128:
		return equalOp[complex128](op)
	}
	return nil
}

func equalOp[T any1](op compute.OpType) pairRun {
	switch op {
	case compute.OpTypeEqual:
		return pairOp(func(a, b T) bool { return a == b })
	case compute.OpTypeNotEqual:
		return pairOp(func(a, b T) bool { return a != b })
	}
	return nil
}

func compareOp[T number](op compute.OpType) pairRun {
	switch op {
	case compute.OpTypeLessThan:
		return pairOp(func(a, b T) bool { return a < b })
	case compute.OpTypeLessOrEqual:
		return pairOp(func(a, b T) bool { return a <= b })
	case compute.OpTypeGreaterThan:
		return pairOp(func(a, b T) bool { return a > b })
	case compute.OpTypeGreaterOrEqual:
		return pairOp(func(a, b T) bool { return a >= b })
	}
	return equalOp[T](op)
}
