package pyjson

import (
	"bytes"
	"math"
	"strconv"
)

// AppendFloat appends f as Python's repr writes it: the shortest digits that
// read back to f, positional for decimal exponents from -4 to 15 and with an
// exponent of at least two digits otherwise: 1.0, 0.0001, 1e-05, 1e+16, -0.0,
// nan, inf, -inf.
func AppendFloat(dst []byte, f float64) []byte {
	return appendFloat(dst, f, 64, 1e-4, 1e16)
}

// AppendFloat32 appends f as numpy 2.3 and later write a float32: the shortest
// digits that identify the float32, positional for magnitudes in [1e-4, 1e6)
// and for zero.
func AppendFloat32(dst []byte, f float32) []byte {
	return appendFloat(dst, float64(f), 32, 1e-4, 1e6)
}

// appendFloat writes f with the shortest digits for its bits: positional where
// the magnitude is zero or in [low, high), else with an exponent, which Go
// writes as Python does, with a sign and two digits at least. A whole number
// gets ".0", so that it is read as a float again.
func appendFloat(dst []byte, f float64, bits int, low, high float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < low || a >= high) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, bits)
	if bytes.IndexByte(dst[start:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}
