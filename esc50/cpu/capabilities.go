package cpu

import (
	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
)

// capabilities is what this backend implements: static shapes of bool, integers
// and floats. Arithmetic of 16 bit floats is done in float32 and rounded.
var capabilities = compute.Capabilities{
	Operations: operations(
		compute.OpTypeParameter,
		compute.OpTypeConstant,
		compute.OpTypeIdentity,
		compute.OpTypeReshape,
		compute.OpTypeTranspose,
		compute.OpTypeBroadcastInDim,
		compute.OpTypeReverse,
		compute.OpTypeSlice,
		compute.OpTypeConcatenate,
		compute.OpTypePad,
		compute.OpTypeIota,
		compute.OpTypeConvertDType,
		compute.OpTypeArgMinMax,
		compute.OpTypeWhere,
		compute.OpTypeClamp,
		compute.OpTypeDotGeneral,
		compute.OpTypeConvGeneral,
		compute.OpTypeReduceWindow,
		compute.OpTypeSelectAndScatterMax,
		compute.OpTypeSelectAndScatterMin,
		compute.OpTypeBatchNormForTraining,
		compute.OpTypeBatchNormForInference,
		compute.OpTypeBatchNormGradient,
		compute.OpTypeGather,
		compute.OpTypeScatterSum,
		compute.OpTypeScatterMax,
		compute.OpTypeScatterMin,
		compute.OpTypeDynamicSlice,
		compute.OpTypeDynamicUpdateSlice,
		compute.OpTypeBitcast,
		compute.OpTypeRNGBitGenerator,
		compute.OpTypeShiftLeft,
		compute.OpTypeShiftRightArithmetic,
		compute.OpTypeShiftRightLogical,
		compute.OpTypeCos,
		compute.OpTypeErf,
		compute.OpTypeSin,
		compute.OpTypeAbs,
		compute.OpTypeBitwiseNot,
		compute.OpTypeCeil,
		compute.OpTypeExp,
		compute.OpTypeExpm1,
		compute.OpTypeFloor,
		compute.OpTypeIsFinite,
		compute.OpTypeIsNaN,
		compute.OpTypeLog,
		compute.OpTypeLog1p,
		compute.OpTypeLogicalNot,
		compute.OpTypeLogistic,
		compute.OpTypeNeg,
		compute.OpTypeRound,
		compute.OpTypeRsqrt,
		compute.OpTypeSign,
		compute.OpTypeSqrt,
		compute.OpTypeTanh,
		compute.OpTypeAdd,
		compute.OpTypeBitwiseAnd,
		compute.OpTypeBitwiseOr,
		compute.OpTypeBitwiseXor,
		compute.OpTypeDiv,
		compute.OpTypeLogicalAnd,
		compute.OpTypeLogicalOr,
		compute.OpTypeLogicalXor,
		compute.OpTypeMax,
		compute.OpTypeMin,
		compute.OpTypeMul,
		compute.OpTypePow,
		compute.OpTypeRem,
		compute.OpTypeSub,
		compute.OpTypeEqual,
		compute.OpTypeGreaterOrEqual,
		compute.OpTypeGreaterThan,
		compute.OpTypeLessOrEqual,
		compute.OpTypeLessThan,
		compute.OpTypeNotEqual,
		compute.OpTypeReduceMax,
		compute.OpTypeReduceMin,
		compute.OpTypeReduceProduct,
		compute.OpTypeReduceSum,
		compute.OpTypeReduceLogicalAnd,
		compute.OpTypeReduceLogicalOr,
		compute.OpTypeCall,
		compute.OpTypeIf,
		compute.OpTypeWhile,
		compute.OpTypeSort,
		compute.OpTypeAtan2,
		compute.OpTypeBitCount,
		compute.OpTypeClz,
		compute.OpTypeComplex,
		compute.OpTypeConj,
		compute.OpTypeReal,
		compute.OpTypeImag,
		compute.OpTypeFFT,
		compute.OpTypeEqualTotalOrder,
		compute.OpTypeNotEqualTotalOrder,
		compute.OpTypeLessThanTotalOrder,
		compute.OpTypeLessOrEqualTotalOrder,
		compute.OpTypeGreaterThanTotalOrder,
		compute.OpTypeGreaterOrEqualTotalOrder,
		compute.OpTypeReduceLogicalXor,
		compute.OpTypeReduceBitwiseAnd,
		compute.OpTypeReduceBitwiseOr,
		compute.OpTypeReduceBitwiseXor,
		compute.OpTypeOptimizationBarrier,
		compute.OpTypeSchedulingBarrier,
	),
	Functions: true,
	DTypes:    types(),
}

func operations(all ...compute.OpType) map[compute.OpType]bool {
	m := make(map[compute.OpType]bool)
	for _, op := range all {
		m[op] = true
	}
	return m
}

func types() map[dtypes.DType]bool {
	m := make(map[dtypes.DType]bool)
	for _, t := range append([]dtypes.DType{
		dtypes.Bool, dtypes.Float16, dtypes.BFloat16, dtypes.Complex64, dtypes.Complex128,
		dtypes.Int1, dtypes.Int2, dtypes.Int4, dtypes.Uint1, dtypes.Uint2, dtypes.Uint4,
	}, numbers...) {
		m[t] = true
	}
	return m
}
