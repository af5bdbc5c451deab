package live

import (
	"bytes"
	"math"
	"strconv"
)

// appendFloat16 appends a half-precision number as numpy 2.3 and later print
// it: the shortest digits that identify it among half-precision numbers,
// positional for magnitudes in [1e-4, 1e3) and for zero. f is finite.
func appendFloat16(dst []byte, f float64) []byte {
	if a := math.Abs(f); f != 0 && (a < 1e-4 || a >= 1e3) {
		return strconv.AppendFloat(dst, shortest16(f), 'e', -1, 64)
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, shortest16(f), 'f', -1, 64)
	if bytes.IndexByte(dst[n:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// shortest16 returns the decimal number of fewest digits that lies nearer to f
// than to any other half-precision number. Five digits always do.
func shortest16(f float64) float64 {
	// digits after the first, so up to five in all.
	for digits := range 5 {
		text := strconv.FormatFloat(f, 'e', digits, 64)
		if g, err := strconv.ParseFloat(text, 64); err == nil && roundTo16(g) == f {
			return g
		}
	}
	return f
}

// roundTo16 rounds to the nearest half-precision number, ties to even.
func roundTo16(f float64) float64 {
	const minExp, fraction, largest = -14, 10, 65504
	if f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	// Subnormal numbers share the step of the smallest normal ones.
	step := math.Ldexp(1, max(math.Ilogb(f), minExp)-fraction)
	r := math.RoundToEven(f/step) * step
	if math.Abs(r) > largest {
		return math.Copysign(math.Inf(1), f)
	}
	return r
}

// widen32 is the float64 nearest to the shortest decimal text of f, so that a
// float32 parameter of 0.1 is written as 0.1.
func widen32(f float32) float64 {
	g, err := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64)
	if err != nil {
		return float64(f) // an infinity or a NaN
	}
	return g
}
