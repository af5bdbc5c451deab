// Package detmath has the few transcendental functions that esc50 needs, with
// the same bits on every processor.
//
// The functions of package math are allowed to differ: Exp and Log have
// assembler versions on some architectures, and where an architecture has a
// fused multiply-add the compiler may use it for x*y + z, so that even the
// portable versions round differently on arm64 and amd64. The functions here
// only add, multiply and divide, and convert every product explicitly, which
// the language defines to forbid fusing (returned products too: a caller may inline
// them). They are accurate to about one unit
// in the last place, not correctly rounded.
package detmath

import "math"

const (
	ln2Hi  = 6.93147180369123816490e-01 // 33 bits of ln 2, so that k*ln2Hi is exact
	ln2Lo  = 1.90821492927058770002e-10 // the rest
	log10E = 4.34294481903251827651e-01
	ln10   = 2.30258509299404568402
)

// series evaluates c[0] + x*(c[1] + x*(c[2] + ...)) without fusing.
func series(x float64, c []float64) float64 {
	s := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		s = c[i] + float64(x*s)
	}
	return s
}

// The Taylor coefficients of sin(y)/y and cos(y) in y², enough for |y| <= π/4.
var (
	sinCoef = []float64{1, -1. / 6, 1. / 120, -1. / 5040, 1. / 362880, -1. / 39916800, 1. / 6227020800, -1. / 1307674368000, 1. / 355687428096000}
	cosCoef = []float64{1, -1. / 2, 1. / 24, -1. / 720, 1. / 40320, -1. / 3628800, 1. / 479001600, -1. / 87178291200, 1. / 20922789888000}
)

// SinPi returns sin(πx). The reduction is exact, so that it is accurate for
// every finite x; it is NaN for an infinity or NaN.
func SinPi(x float64) float64 {
	r := x - 2*math.RoundToEven(x/2) // exact, in [-1, 1]
	switch {
	case r > 0.5:
		r = 1 - r
	case r < -0.5:
		r = -1 - r
	}
	if math.Abs(r) <= 0.25 {
		y := math.Pi * r
		return float64(y * series(float64(y*y), sinCoef))
	}
	y := math.Pi * (0.5 - math.Abs(r))
	return math.Copysign(series(float64(y*y), cosCoef), r)
}

// CosPi returns cos(πx), as accurately as SinPi.
func CosPi(x float64) float64 {
	r := math.Abs(x - 2*math.RoundToEven(x/2)) // exact, in [0, 1]
	if r <= 0.25 {
		y := math.Pi * r
		return series(float64(y*y), cosCoef)
	}
	// cos(πr) = sin(π(1/2 - r)); the difference is exact above 1/4.
	return SinPi(0.5 - r)
}

// Sin returns the sine of x radians, good to about 1e-16 times the magnitude of
// x or the result, whichever is more.
func Sin(x float64) float64 {
	r, ok := halfTurns(x)
	if !ok {
		return math.NaN()
	}
	s := SinPi(math.Abs(r))
	if math.Signbit(r) != math.Signbit(x) {
		return -s
	}
	return s
}

// Cos returns the cosine of x radians, likewise.
func Cos(x float64) float64 {
	r, ok := halfTurns(x)
	if !ok {
		return math.NaN()
	}
	return CosPi(r)
}

// halfTurns is |x|/π without whole turns, in [-1, 1], unless x is no number.
func halfTurns(x float64) (r float64, ok bool) {
	r = math.Abs(float64(x * (1 / math.Pi)))
	return r - 2*math.RoundToEven(r/2), x-x == 0
}

var expCoef = []float64{1, 1, 1. / 2, 1. / 6, 1. / 24, 1. / 120, 1. / 720, 1. / 5040, 1. / 40320, 1. / 362880, 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800}

// Exp returns e**x; it is 0 below -745 and +Inf above 709.78.
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	k := math.RoundToEven(x / math.Ln2)
	r := (x - float64(k*ln2Hi)) - float64(k*ln2Lo)
	return math.Ldexp(series(r, expCoef), int(k))
}

// Exp10 returns 10**x.
func Exp10(x float64) float64 { return Exp(float64(x * ln10)) }

// The coefficients of 2*atanh(s)/s in s², enough for |s| <= (√2-1)/(√2+1).
var logCoef = []float64{2, 2. / 3, 2. / 5, 2. / 7, 2. / 9, 2. / 11, 2. / 13, 2. / 15, 2. / 17, 2. / 19, 2. / 21, 2. / 23}

// Log returns the natural logarithm of x: -Inf for 0, NaN below.
func Log(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case math.IsInf(x, 1):
		return x
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := (m - 1) / (m + 1)
	k := float64(e)
	return float64(k*ln2Hi) + (float64(s*series(float64(s*s), logCoef)) + float64(k*ln2Lo))
}

// Log10 returns the decimal logarithm of x: -Inf for 0, NaN below.
func Log10(x float64) float64 { return float64(Log(x) * log10E) }
