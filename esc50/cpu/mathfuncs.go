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

// atan is the arc tangent, as package math has it (Cephes), with every product
// rounded before it is added.
func atan(x float64) float64 {
	const (
		low    = 6.123233995736765886130e-17 // of pi/2
		tan3pi = 2.41421356237309504880      // tan(3*pi/8)
	)
	series := func(x float64) float64 {
		z := float64(x * x)
		p := polynomial(z, -8.750608600031904122785e-01, -1.615753718733365076637e+01, -7.500855792314704667340e+01,
			-1.228866684490136173410e+02, -6.485021904942025371773e+01)
		q := polynomial(z, 1, 2.485846490142306297962e+01, 1.650270098316988542046e+02, 4.328810604912902668951e+02,
			4.853903996359136964868e+02, 1.945506571482613964425e+02)
		return float64(x*(float64(z*p)/q)) + x
	}
	a := math.Abs(x)
	switch {
	case a <= 0.66:
		a = series(a)
	case a > tan3pi:
		a = math.Pi/2 - series(1/a) + low
	default:
		a = math.Pi/4 + series((a-1)/(a+1)) + 0.5*low
	}
	return math.Copysign(a, x)
}

// polynomial has the coefficients of the highest power first.
func polynomial(x float64, coefficients ...float64) float64 {
	acc := 0.0
	for _, c := range coefficients {
		acc = float64(acc*x) + c
	}
	return acc
}

// atan2 is the angle of the point (x, y).
func atan2(y, x float64) float64 {
	switch {
	case x != x || y != y:
		return math.NaN()
	case y == 0 && !math.Signbit(x):
		return math.Copysign(0, y)
	case y == 0:
		return math.Copysign(math.Pi, y)
	case x == 0:
		return math.Copysign(math.Pi/2, y)
	case math.IsInf(x, 0) && math.IsInf(y, 0) && x > 0:
		return math.Copysign(math.Pi/4, y)
	case math.IsInf(x, 0) && math.IsInf(y, 0):
		return math.Copysign(3*math.Pi/4, y)
	case math.IsInf(x, 1):
		return math.Copysign(0, y)
	case math.IsInf(x, -1):
		return math.Copysign(math.Pi, y)
	case math.IsInf(y, 0):
		return math.Copysign(math.Pi/2, y)
	}
	q := atan(y / x)
	if x < 0 {
		q += math.Copysign(math.Pi, y)
	}
	return q
}
