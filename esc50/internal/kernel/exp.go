package kernel

import (
	"math"
	"unsafe"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// function is one of a single number.
type function int

const (
	exponential function = iota
	logistic
	hyperbolicTangent
	logarithm
	sine
	cosine
	squareRoot
	signum
	absolute
	negative
	fromUint32
	unaryCount
)

type unaryFunc func(dst, x *float32, n int)

// Exp sets dst to e**x, computed in double precision and rounded; dst may be x.
func Exp(dst, x []float32) { call(exponential, dst, x) }

// Logistic sets dst to 1/(1+e**-x), likewise.
func Logistic(dst, x []float32) { call(logistic, dst, x) }

// Tanh sets dst to the hyperbolic tangents of x, likewise.
func Tanh(dst, x []float32) { call(hyperbolicTangent, dst, x) }

// Log sets dst to the natural logarithms of x, likewise.
func Log(dst, x []float32) { call(logarithm, dst, x) }

// Sin sets dst to the sines of x, which are radians, likewise.
func Sin(dst, x []float32) { call(sine, dst, x) }

// Cos sets dst to the cosines of x, likewise.
func Cos(dst, x []float32) { call(cosine, dst, x) }

// Sqrt sets dst to the square roots of x; dst may be x.
func Sqrt(dst, x []float32) { call(squareRoot, dst, x) }

// Sign sets dst to -1 or 1 by the sign of x, and to x where that is zero or not
// a number; dst may be x.
func Sign(dst, x []float32) { call(signum, dst, x) }

// Abs sets dst to x without signs; dst may be x.
func Abs(dst, x []float32) { call(absolute, dst, x) }

// Neg sets dst to x with the other signs; dst may be x.
func Neg(dst, x []float32) { call(negative, dst, x) }

// FromUint32 sets dst to x, rounded; dst may lie in x's memory.
func FromUint32(dst []float32, x []uint32) {
	call(fromUint32, dst, unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(x))), len(x)))
}

func call(f function, dst, x []float32) {
	need(len(x), len(dst))
	unary(f, dst, x[:len(dst)])
}

// unaryFuncs are the functions in portable Go.
var unaryFuncs = [unaryCount]func(x float32) float32{
	exponential:       rounded(exp),
	logistic:          rounded(func(x float64) float64 { return 1 / (1 + exp(-x)) }),
	hyperbolicTangent: rounded(tanh),
	logarithm:         rounded(detmath.Log),
	sine:              rounded(detmath.Sin),
	cosine:            rounded(detmath.Cos),
	squareRoot:        rounded(math.Sqrt),
	absolute:          func(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) },
	fromUint32:        func(x float32) float32 { return float32(math.Float32bits(x)) },
	negative:          func(x float32) float32 { return math.Float32frombits(math.Float32bits(x) ^ 1<<31) },
	signum: func(x float32) float32 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	},
}

// rounded computes in double precision.
func rounded(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func unaryGeneric(f function, dst, x []float32) {
	do := unaryFuncs[f]
	for i, v := range x {
		dst[i] = do(v)
	}
}

// exp is e**x for what is rounded to single precision: 5e-12 of e**x-1 off where
// that is small. Below -200 and above 200 it is as there.
//
// The polynomial's coefficients, from the last, are those of a Chebyshev fit of
// (e**x-1)/x for |x| up to half of ln 2.
func exp(x float64) float64 {
	if x != x {
		return x
	}
	x = max(-200, min(x, 200))
	k := math.FMA(x, 1/math.Ln2, 0x1.8p52) // its low bits are the whole number
	x = math.FMA(k-0x1.8p52, -math.Ln2, x)
	s := 0x1.a136bf03ec612p-16
	for _, c := range [...]float64{0x1.a17e052cd2c8fp-13, 0x1.6c166bde96885p-10, 0x1.1110a6173845ep-7, 0x1.55555565c7e0ep-5,
		0x1.5555557e7777ep-3, 0x1.fffffffffe062p-2, 0x1.fffffffff61ddp-1, 1} {
		s = math.FMA(s, x, c)
	}
	return math.Float64frombits(math.Float64bits(s) + math.Float64bits(k)<<52)
}

// tanh is (e-1)/(e+1) with e = exp(2x), which loses as many bits as x is small;
// where that would reach single precision, the beginning of its series.
func tanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case x != x:
		return x
	case a < 0x1p-12:
		return math.Copysign(a-float64(float64(float64(a*a)*a)*(1./3)), x)
	}
	e := exp(2 * a)
	return math.Copysign((e-1)/(e+1), x)
}
