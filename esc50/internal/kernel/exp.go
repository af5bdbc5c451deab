package kernel

import (
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// function is one of a single number.
type function int

const (
	exponential function = iota
	logistic
	hyperbolicTangent
	logarithm
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

func call(f function, dst, x []float32) {
	need(len(x), len(dst))
	unary(f, dst, x[:len(dst)])
}

func unaryGeneric(f function, dst, x []float32) {
	for i, v := range x {
		switch f {
		case exponential:
			dst[i] = float32(detmath.Exp(float64(v)))
		case logistic:
			dst[i] = float32(1 / (1 + detmath.Exp(-float64(v))))
		case hyperbolicTangent:
			dst[i] = float32(tanh(float64(v)))
		case logarithm:
			dst[i] = float32(detmath.Log(float64(v)))
		}
	}
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
	e := detmath.Exp(min(2*a, 200))
	return math.Copysign((e-1)/(e+1), x)
}
