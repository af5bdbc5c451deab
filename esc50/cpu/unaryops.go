package cpu

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// unaryRun computes one operation on a flat operand.
type unaryRun func(x *run, dst, a any)

func unaryOp[T, R any1](f func(T) R) unaryRun {
	return func(x *run, dst, a any) {
		d, s := dst.([]R), a.([]T)
		x.spans(len(d), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				d[i] = f(s[i])
			}
		})
	}
}

// unary adds an operation on one operand.
func (f *function) unary(op compute.OpType, x compute.Value) (compute.Value, error) {
	if isNarrow(x) {
		w, err := f.wide(x)
		if err != nil {
			return nil, err
		}
		v, err := f.unary(op, w[0])
		if err != nil || v.(*value).shape.DType == dtypes.Bool {
			return v, err
		}
		return f.narrow(v, nil, x)
	}
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	out := in[0].shape.Clone()
	if op == compute.OpTypeIsFinite || op == compute.OpTypeIsNaN {
		out.DType = dtypes.Bool
	} else if out, err = shapeinference.UnaryOp(op, out); err != nil {
		return nil, err
	}
	if op == compute.OpTypeAbs && out.DType.IsComplex() {
		out.DType = out.DType.RealDType()
	}
	do := unaryOn(op, in[0].shape.DType)
	if do == nil {
		return nil, unsupported(op, in[0].shape.DType)
	}
	return f.map1(op, in, out, do)
}

func (f *function) map1(op compute.OpType, in []*value, out shapes.Shape, do unaryRun) (compute.Value, error) {
	return f.add1(&node{op: op, in: in, run: func(x *run, in, out []tensor) { do(x, out[0].flat, in[0].flat) }}, out)
}

func unaryOn(op compute.OpType, dtype dtypes.DType) unaryRun {
	switch dtype {
	case dtypes.Bool:
		if op == compute.OpTypeLogicalNot {
			return unaryOp(func(a bool) bool { return !a })
		}
		return nil
	case dtypes.Float32:
		if do, ok := kernelUnary[op]; ok {
			return func(x *run, dst, a any) {
				d, s := dst.([]float32), a.([]float32)
				x.spans(len(d), func(lo, hi int) { do(d[lo:hi], s[lo:hi]) })
			}
		}
		return floatUnary[float32](op)
	case dtypes.Float64:
		return floatUnary[float64](op)
	case dtypes.Int8:
		return integerUnary[int8](op)
	case dtypes.Int16:
		return integerUnary[int16](op)
	case dtypes.Int32:
		return integerUnary[int32](op)
	case dtypes.Int64:
		return integerUnary[int64](op)
	case dtypes.Uint8:
		return integerUnary[uint8](op)
	case dtypes.Uint16:
		return integerUnary[uint16](op)
	case dtypes.Uint32:
		return integerUnary[uint32](op)
	case dtypes.Uint64:
		return integerUnary[uint64](op)
	case dtypes.Complex64:
		return complexUnary[complex64](op)
	case dtypes.Complex128:
		return complexUnary[complex128](op)
	}
	return nil
}

func integerUnary[T integer](op compute.OpType) unaryRun {
	switch op {
	case compute.OpTypeNeg:
		return unaryOp(func(a T) T { return -a })
	case compute.OpTypeBitwiseNot:
		return unaryOp(func(a T) T { return ^a })
	case compute.OpTypeBitCount:
		return unaryOp(func(a T) T { return T(bits.OnesCount64(uint64(a) & lowBits[T]())) })
	case compute.OpTypeClz:
		return unaryOp(func(a T) T {
			return T(bits.LeadingZeros64(uint64(a)&lowBits[T]()) - 64 + int(8*unsafe.Sizeof(a)))
		})
	case compute.OpTypeAbs:
		return unaryOp(func(a T) T {
			if a < 0 {
				return -a
			}
			return a
		})
	case compute.OpTypeSign:
		return unaryOp(func(a T) T {
			switch {
			case a < 0:
				return T(0) - 1
			case a > 0:
				return 1
			}
			return 0
		})
	}
	return nil
}

// lowBits are as many ones as a type has bits.
func lowBits[T integer]() uint64 { return ^uint64(0) >> (64 - 8*unsafe.Sizeof(T(0))) }

// kernelUnary are the operations on float32 that have kernels.
var kernelUnary = map[compute.OpType]func(dst, x []float32){
	compute.OpTypeSqrt:     kernel.Sqrt,
	compute.OpTypeSign:     kernel.Sign,
	compute.OpTypeAbs:      kernel.Abs,
	compute.OpTypeNeg:      kernel.Neg,
	compute.OpTypeExp:      kernel.Exp,
	compute.OpTypeLog:      kernel.Log,
	compute.OpTypeLogistic: kernel.Logistic,
	compute.OpTypeTanh:     kernel.Tanh,
	compute.OpTypeSin:      kernel.Sin,
	compute.OpTypeCos:      kernel.Cos,
}

// scalarFuncs are the functions that are computed in double precision and
// rounded to the type. None depends on the platform: package math's own Exp and
// Log differ between architectures.
var scalarFuncs = map[compute.OpType]func(float64) float64{
	compute.OpTypeAbs:      math.Abs,
	compute.OpTypeNeg:      func(x float64) float64 { return -x },
	compute.OpTypeCeil:     math.Ceil,
	compute.OpTypeFloor:    math.Floor,
	compute.OpTypeRound:    math.RoundToEven,
	compute.OpTypeExp:      detmath.Exp,
	compute.OpTypeLog:      detmath.Log,
	compute.OpTypeExpm1:    expm1,
	compute.OpTypeLog1p:    log1p,
	compute.OpTypeTanh:     tanh,
	compute.OpTypeSin:      detmath.Sin,
	compute.OpTypeCos:      detmath.Cos,
	compute.OpTypeErf:      erf,
	compute.OpTypeLogistic: func(x float64) float64 { return 1 / (1 + detmath.Exp(-x)) },
	compute.OpTypeSqrt:     math.Sqrt,
	compute.OpTypeRsqrt:    func(x float64) float64 { return 1 / math.Sqrt(x) },
	compute.OpTypeSign: func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	},
}

func floatUnary[T float](op compute.OpType) unaryRun {
	switch op {
	case compute.OpTypeIsFinite:
		return unaryOp(func(a T) bool { return a-a == 0 })
	case compute.OpTypeIsNaN:
		return unaryOp(func(a T) bool { return a != a })
	}
	f, ok := scalarFuncs[op]
	if !ok {
		return nil
	}
	return unaryOp(func(a T) T { return T(f(float64(a))) })
}

// ConvertDType converts the elements to another type.
func (f *function) ConvertDType(x compute.Value, dtype dtypes.DType) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	out := in[0].shape.Clone()
	out.DType = dtype
	do := convertOn(in[0].shape.DType, dtype)
	if do == nil {
		return nil, unsupported(compute.OpTypeConvertDType, in[0].shape.DType, "to "+dtype.String())
	}
	return f.map1(compute.OpTypeConvertDType, in, out, do)
}
