package cpu

import (
	"math"

	"github.com/reprodl/reprodl/esc50/internal/detmath"
)

// Functions of one number, the same on every platform. They are meant for
// results that are rounded to single precision.

// expm1 is exp(x)-1; Kahan's quotient undoes the rounding of exp(x).
func expm1(x float64) float64 {
	u := detmath.Exp(x)
	switch {
	case u == 1:
		return x
	case u-1 == -1:
		return -1
	case math.IsInf(u, 0) || u != u:
		return u
	}
	return float64((u-1)*x) / detmath.Log(u)
}

// log1p is log(1+x), likewise.
func log1p(x float64) float64 {
	u := 1 + x
	if u == 1 || math.IsInf(u, 0) {
		return x
	}
	return float64(detmath.Log(u)*x) / (u - 1)
}

func tanh(x float64) float64 {
	if math.Abs(x) > 20 {
		return math.Copysign(1, x)
	}
	e := expm1(2 * x)
	return e / (e + 2)
}

// pow is x to the power y. Whole powers are products, others are good to about
// single precision.
func pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case y == math.Trunc(y) && math.Abs(y) < 1<<31:
		p, n := 1.0, int64(math.Abs(y))
		for ; n > 0; n >>= 1 {
			if n&1 == 1 {
				p = float64(p * x)
			}
			x = float64(x * x)
		}
		if y < 0 {
			return 1 / p
		}
		return p
	case x == 0 || math.IsInf(x, 0) || math.IsInf(y, 0) || x < 0:
		return math.Pow(x, y) // exact: zero, one, infinite or not a number
	}
	return detmath.Exp(float64(y * detmath.Log(x)))
}

// sin and cos are good to about 1e-16 times the magnitude of x.
func sin(x float64) float64 {
	if x-x != 0 {
		return math.NaN()
	}
	return detmath.SinPi(float64(x * (1 / math.Pi)))
}

func cos(x float64) float64 {
	if x-x != 0 {
		return math.NaN()
	}
	return detmath.CosPi(float64(x * (1 / math.Pi)))
}

// erf is the error function: its power series up to 3, a continued fraction for
// the rest of it above.
func erf(x float64) float64 {
	a := math.Abs(x)
	square := float64(a * a)
	switch {
	case x != x:
		return x
	case a < 3:
		term, sum := a, a
		for n := 1.0; n < 60; n++ {
			term = float64(-term*square) / n
			sum += term / (2*n + 1)
		}
		a = float64(sum * (2 / math.SqrtPi))
	case a < 6:
		fraction := a
		for n := 60.0; n > 0; n-- {
			fraction = a + n/2/fraction
		}
		a = 1 - detmath.Exp(-square)/float64(fraction*math.SqrtPi)
	default:
		a = 1
	}
	return math.Copysign(a, x)
}
