package cpu

import "github.com/gomlx/compute"

// The operations on each element, by name; see [compute.StandardOps].

// Abs adds the operation.
func (f *function) Abs(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeAbs, x) }

// BitwiseNot adds the operation.
func (f *function) BitwiseNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeBitwiseNot, x)
}

// Ceil adds the operation.
func (f *function) Ceil(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeCeil, x)
}

// Exp adds the operation.
func (f *function) Exp(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeExp, x) }

// Expm1 adds the operation.
func (f *function) Expm1(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeExpm1, x)
}

// Floor adds the operation.
func (f *function) Floor(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeFloor, x)
}

// IsFinite adds the operation.
func (f *function) IsFinite(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsFinite, x)
}

// IsNaN adds the operation.
func (f *function) IsNaN(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeIsNaN, x)
}

// Log adds the operation.
func (f *function) Log(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeLog, x) }

// Log1p adds the operation.
func (f *function) Log1p(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLog1p, x)
}

// LogicalNot adds the operation.
func (f *function) LogicalNot(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogicalNot, x)
}

// Logistic adds the operation.
func (f *function) Logistic(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeLogistic, x)
}

// Neg adds the operation.
func (f *function) Neg(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeNeg, x) }

// Round adds the operation.
func (f *function) Round(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRound, x)
}

// Rsqrt adds the operation.
func (f *function) Rsqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeRsqrt, x)
}

// Sign adds the operation.
func (f *function) Sign(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSign, x)
}

// Sqrt adds the operation.
func (f *function) Sqrt(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeSqrt, x)
}

// Tanh adds the operation.
func (f *function) Tanh(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeTanh, x)
}

// Add adds the operation.
func (f *function) Add(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeAdd, l, r)
}

// BitwiseAnd adds the operation.
func (f *function) BitwiseAnd(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeBitwiseAnd, l, r)
}

// BitwiseOr adds the operation.
func (f *function) BitwiseOr(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeBitwiseOr, l, r)
}

// BitwiseXor adds the operation.
func (f *function) BitwiseXor(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeBitwiseXor, l, r)
}

// Div adds the operation.
func (f *function) Div(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeDiv, l, r)
}

// LogicalAnd adds the operation.
func (f *function) LogicalAnd(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeLogicalAnd, l, r)
}

// LogicalOr adds the operation.
func (f *function) LogicalOr(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeLogicalOr, l, r)
}

// LogicalXor adds the operation.
func (f *function) LogicalXor(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeLogicalXor, l, r)
}

// Max adds the operation.
func (f *function) Max(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeMax, l, r)
}

// Min adds the operation.
func (f *function) Min(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeMin, l, r)
}

// Mul adds the operation.
func (f *function) Mul(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeMul, l, r)
}

// Pow adds the operation.
func (f *function) Pow(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypePow, l, r)
}

// Rem adds the operation.
func (f *function) Rem(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeRem, l, r)
}

// Sub adds the operation.
func (f *function) Sub(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeSub, l, r)
}

// Equal adds the operation.
func (f *function) Equal(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeEqual, l, r)
}

// GreaterOrEqual adds the operation.
func (f *function) GreaterOrEqual(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeGreaterOrEqual, l, r)
}

// GreaterThan adds the operation.
func (f *function) GreaterThan(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeGreaterThan, l, r)
}

// LessOrEqual adds the operation.
func (f *function) LessOrEqual(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeLessOrEqual, l, r)
}

// LessThan adds the operation.
func (f *function) LessThan(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeLessThan, l, r)
}

// NotEqual adds the operation.
func (f *function) NotEqual(l, r compute.Value) (compute.Value, error) {
	return f.compare(compute.OpTypeNotEqual, l, r)
}

// ReduceMax adds the reduction.
func (f *function) ReduceMax(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMax, x, axes)
}

// ReduceMin adds the reduction.
func (f *function) ReduceMin(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceMin, x, axes)
}

// ReduceProduct adds the reduction.
func (f *function) ReduceProduct(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceProduct, x, axes)
}

// ReduceSum adds the reduction.
func (f *function) ReduceSum(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceSum, x, axes)
}

// ReduceLogicalAnd adds the reduction.
func (f *function) ReduceLogicalAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalAnd, x, axes)
}

// ReduceLogicalOr adds the reduction.
func (f *function) ReduceLogicalOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalOr, x, axes)
}

// ShiftLeft adds the operation.
func (f *function) ShiftLeft(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeShiftLeft, l, r)
}

// ShiftRightArithmetic adds the operation.
func (f *function) ShiftRightArithmetic(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeShiftRightArithmetic, l, r)
}

// ShiftRightLogical adds the operation.
func (f *function) ShiftRightLogical(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeShiftRightLogical, l, r)
}

// Cos adds the operation.
func (f *function) Cos(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeCos, x) }

// Erf adds the operation.
func (f *function) Erf(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeErf, x) }

// Sin adds the operation.
func (f *function) Sin(x compute.Value) (compute.Value, error) { return f.unary(compute.OpTypeSin, x) }

// Atan2 is the angle of the point (r, l).
func (f *function) Atan2(l, r compute.Value) (compute.Value, error) {
	return f.arithmetic(compute.OpTypeAtan2, l, r)
}

// BitCount adds the operation.
func (f *function) BitCount(x compute.Value) (compute.Value, error) {
	return f.integerBits(compute.OpTypeBitCount, x)
}

// Clz adds the operation.
func (f *function) Clz(x compute.Value) (compute.Value, error) {
	return f.integerBits(compute.OpTypeClz, x)
}

// integerBits adds an operation that depends on how many bits an integer has.
func (f *function) integerBits(op compute.OpType, x compute.Value) (compute.Value, error) {
	if isPacked(x) {
		return nil, unsupported(op, typeOf(x), "it is computed with in 8 bits")
	}
	return f.unary(op, x)
}

// ReduceLogicalXor adds the reduction.
func (f *function) ReduceLogicalXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceLogicalXor, x, axes)
}

// ReduceBitwiseAnd adds the reduction.
func (f *function) ReduceBitwiseAnd(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseAnd, x, axes)
}

// ReduceBitwiseOr adds the reduction.
func (f *function) ReduceBitwiseOr(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseOr, x, axes)
}

// ReduceBitwiseXor adds the reduction.
func (f *function) ReduceBitwiseXor(x compute.Value, axes ...int) (compute.Value, error) {
	return f.reduce(compute.OpTypeReduceBitwiseXor, x, axes)
}
