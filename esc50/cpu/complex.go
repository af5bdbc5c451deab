package cpu

import (
	"fmt"
	"math"
	"math/cmplx"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// Arithmetic of complex numbers, in double precision with every product rounded
// before it is added: Go's own operators may fuse the two.

func complexMul(a, b complex128) complex128 {
	return complex(float64(real(a)*real(b))-float64(imag(a)*imag(b)), float64(real(a)*imag(b))+float64(imag(a)*real(b)))
}

// complexDiv is Smith's division, which does not overflow on the way.
func complexDiv(a, b complex128) complex128 {
	if math.Abs(real(b)) >= math.Abs(imag(b)) {
		r := imag(b) / real(b)
		d := real(b) + float64(r*imag(b))
		return complex((real(a)+float64(imag(a)*r))/d, (imag(a)-float64(real(a)*r))/d)
	}
	r := real(b) / imag(b)
	d := imag(b) + float64(r*real(b))
	return complex((float64(real(a)*r)+imag(a))/d, (float64(imag(a)*r)-real(a))/d)
}

func complexAbs(a complex128) float64 {
	m, n := math.Abs(real(a)), math.Abs(imag(a))
	if m < n {
		m, n = n, m
	}
	if m == 0 || math.IsInf(m, 0) {
		return m
	}
	r := n / m
	return float64(m * math.Sqrt(1+float64(r*r))) // not to be fused where it is inlined
}

func complexExp(a complex128) complex128 {
	if imag(a) == 0 {
		return complex(detmath.Exp(real(a)), imag(a))
	}
	e := detmath.Exp(real(a))
	return complex(float64(e*detmath.Cos(imag(a))), float64(e*detmath.Sin(imag(a))))
}

func complexLog(a complex128) complex128 {
	return complex(detmath.Log(complexAbs(a)), atan2(imag(a), real(a)))
}

// complexExpm1 keeps what exp(a)-1 loses near zero.
func complexExpm1(a complex128) complex128 {
	x, y := real(a), imag(a)
	half := detmath.Sin(y / 2)
	return complex(float64(expm1(x)*detmath.Cos(y))-float64(2*float64(half*half)), float64(detmath.Exp(x)*detmath.Sin(y)))
}

// complexLog1p does so for log(1+a): |1+a|^2 is 1 + x(2+x) + y^2.
func complexLog1p(a complex128) complex128 {
	x, y := real(a), imag(a)
	return complex(log1p(float64(x*(2+x))+float64(y*y))/2, atan2(y, 1+x))
}

func complexSqrt(a complex128) complex128 {
	if a == 0 {
		return complex(0, imag(a))
	}
	r := math.Sqrt((math.Abs(real(a)) + complexAbs(a)) / 2)
	other := math.Abs(imag(a)) / (2 * r)
	if real(a) >= 0 {
		return complex(r, math.Copysign(other, imag(a)))
	}
	return complex(other, math.Copysign(r, imag(a)))
}

func complexPow(a, b complex128) complex128 {
	switch {
	case b == 0:
		return 1
	case a == 0:
		return 0
	}
	return complexExp(complexMul(b, complexLog(a)))
}

func complexTanh(a complex128) complex128 {
	if math.Abs(real(a)) > 20 {
		return complex(math.Copysign(1, real(a)), 0)
	}
	e := complexExpm1(a * 2)
	return complexDiv(e, e+2)
}

func complexSign(a complex128) complex128 {
	if a == 0 {
		return a
	}
	r := complexAbs(a)
	return complex(real(a)/r, imag(a)/r)
}

// parts applies a function to the real and the imaginary part.
func parts(f func(float64) float64) func(complex128) complex128 {
	return func(a complex128) complex128 { return complex(f(real(a)), f(imag(a))) }
}

var complexFuncs = map[compute.OpType]func(complex128) complex128{
	compute.OpTypeNeg:   func(a complex128) complex128 { return -a },
	compute.OpTypeConj:  func(a complex128) complex128 { return complex(real(a), -imag(a)) },
	compute.OpTypeExp:   complexExp,
	compute.OpTypeExpm1: complexExpm1,
	compute.OpTypeLog:   complexLog,
	compute.OpTypeLog1p: complexLog1p,
	compute.OpTypeSqrt:  complexSqrt,
	compute.OpTypeRsqrt: func(a complex128) complex128 { return complexDiv(1, complexSqrt(a)) },
	compute.OpTypeTanh:  complexTanh,
	compute.OpTypeSign:  complexSign,
	compute.OpTypeCeil:  parts(math.Ceil),
	compute.OpTypeFloor: parts(math.Floor),
	compute.OpTypeRound: parts(math.RoundToEven),
}

func complexUnary[C complexNumber](op compute.OpType) unaryRun {
	switch op {
	case compute.OpTypeAbs:
		return complexPart[C](complexAbs)
	case compute.OpTypeReal:
		return complexPart[C](func(a complex128) float64 { return real(a) })
	case compute.OpTypeImag:
		return complexPart[C](func(a complex128) float64 { return imag(a) })
	case compute.OpTypeIsFinite:
		return unaryOp(func(a C) bool { return !cmplx.IsInf(complex128(a)) && !cmplx.IsNaN(complex128(a)) })
	case compute.OpTypeIsNaN:
		return unaryOp(func(a C) bool { return math.IsNaN(real(complex128(a))) || math.IsNaN(imag(complex128(a))) })
	}
	f, ok := complexFuncs[op]
	if !ok {
		return nil
	}
	return unaryOp(func(a C) C { return C(f(complex128(a))) })
}

// complexPart makes real numbers of the precision of complex ones.
func complexPart[C complexNumber](f func(complex128) float64) unaryRun {
	return func(x *run, dst, a any) {
		if _, ok := dst.([]float32); ok {
			unaryOp(func(a C) float32 { return float32(f(complex128(a))) })(x, dst, a)
			return
		}
		unaryOp(func(a C) float64 { return f(complex128(a)) })(x, dst, a)
	}
}

func complexOp[C complexNumber](op compute.OpType) pairRun {
	pair := func(f func(a, b complex128) complex128) pairRun {
		return pairOp(func(a, b C) C { return C(f(complex128(a), complex128(b))) })
	}
	switch op {
	case compute.OpTypeAdd:
		return pairOp(func(a, b C) C { return a + b })
	case compute.OpTypeSub:
		return pairOp(func(a, b C) C { return a - b })
	case compute.OpTypeMul:
		return pair(complexMul)
	case compute.OpTypeDiv:
		return pair(complexDiv)
	case compute.OpTypePow:
		return pair(complexPow)
	}
	return nil
}

func complexReduce[C complexNumber](op compute.OpType) reduceRun {
	switch op {
	case compute.OpTypeReduceSum:
		return reduceOp(0, func(a, b C) C { return a + b })
	case compute.OpTypeReduceProduct:
		return reduceOp(1, func(a, b C) C { return C(complexMul(complex128(a), complex128(b))) })
	}
	return nil
}

// Complex makes complex numbers of their parts; one of them may be a scalar.
func (f *function) Complex(re, im compute.Value) (compute.Value, error) {
	in, err := f.own(re, im)
	if err != nil {
		return nil, err
	}
	r, i := in[0].shape, in[1].shape
	out := r
	if r.IsScalar() {
		out = i
	}
	if r.DType != i.DType || !r.IsScalar() && !i.IsScalar() && !r.Equal(i) {
		return nil, fmt.Errorf("Complex: the parts are %s and %s", r, i)
	}
	p := broadcast(out.Dimensions, r.Dimensions, i.Dimensions)
	n := &node{op: compute.OpTypeComplex, in: in}
	switch r.DType {
	case dtypes.Float32:
		out = as(out, dtypes.Complex64)
		n.run = func(x *run, in, out []tensor) {
			applyPairs(x, &p, out[0].flat.([]complex64), in[0].f32(), in[1].f32(), func(a, b float32) complex64 { return complex(a, b) })
		}
	case dtypes.Float64:
		out = as(out, dtypes.Complex128)
		n.run = func(x *run, in, out []tensor) {
			applyPairs(x, &p, out[0].flat.([]complex128), in[0].flat.([]float64), in[1].flat.([]float64),
				func(a, b float64) complex128 { return complex(a, b) })
		}
	default:
		return nil, unsupported(compute.OpTypeComplex, r.DType, "the parts are Float32 or Float64")
	}
	return f.add1(n, out)
}

// Conj adds the operation.
func (f *function) Conj(x compute.Value) (compute.Value, error) {
	return f.unary(compute.OpTypeConj, x)
}

// Real is the real part, of a float the number itself.
func (f *function) Real(x compute.Value) (compute.Value, error) {
	if typeOf(x).IsFloat() {
		return f.Identity(x)
	}
	return f.part(compute.OpTypeReal, x)
}

// Imag is the imaginary part, of a float zero.
func (f *function) Imag(x compute.Value) (compute.Value, error) {
	if typeOf(x).IsFloat() {
		return f.Sub(x, x)
	}
	return f.part(compute.OpTypeImag, x)
}

func (f *function) part(op compute.OpType, x compute.Value) (compute.Value, error) {
	in, err := f.own(x)
	if err != nil {
		return nil, err
	}
	dtype := in[0].shape.DType
	if !dtype.IsComplex() {
		return nil, unsupported(op, dtype, "not a complex number")
	}
	return f.map1(op, in, as(in[0].shape, dtype.RealDType()), unaryOn(op, dtype))
}

// complexDot multiplies complex operands by four products of their parts.
func (f *function) complexDot(lhs compute.Value, lc, lb []int, rhs compute.Value, rc, rb []int) (compute.Value, error) {
	b := &rewrite{f: f}
	lr, li, rr, ri := b.do(f.Real(lhs)), b.do(f.Imag(lhs)), b.do(f.Real(rhs)), b.do(f.Imag(rhs))
	dot := func(l, r compute.Value) compute.Value {
		if b.err != nil {
			return nil
		}
		return b.do(f.DotGeneral(l, lc, lb, r, rc, rb, compute.DotGeneralConfig{}))
	}
	a, c, d, e := dot(lr, rr), dot(li, ri), dot(lr, ri), dot(li, rr)
	if b.err != nil {
		return nil, b.err
	}
	re, im := b.do(f.Sub(a, c)), b.do(f.Add(d, e))
	if b.err != nil {
		return nil, b.err
	}
	return f.Complex(re, im)
}

// complexShape is a shape of complex numbers with the precision of a real type.
func complexShape(shape shapes.Shape) shapes.Shape {
	if shape.DType == dtypes.Float64 {
		return as(shape, dtypes.Complex128)
	}
	return as(shape, dtypes.Complex64)
}
