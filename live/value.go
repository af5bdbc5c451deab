package live

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Float16 is a number known to be exact in half precision. Logged by
// [Logger.LogValue] it appears in the history with the few digits that
// identify it among half-precision numbers.
type Float16 float64

// kind tells which field of a value holds it.
type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInt
	kindUint
	kindFloat64
	kindFloat32
	kindFloat16
	kindString
	kindBig  // any is a *big.Int
	kindTree // any is []value or *group
)

// value is a number or text without an allocation.
type value struct {
	kind kind
	bits uint64
	str  string
	any  any
}

// floatValue is a float64; NaN and infinities become texts, as in DVCLive.
func floatValue(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{kind: kindString, str: nonFinite(f)}
	}
	return value{kind: kindFloat64, bits: math.Float64bits(f)}
}

// intValue keeps the bits of the two's complement.
func intValue(i int64) value { return value{kind: kindInt, bits: uint64(i)} }

// nonFinite is what DVCLive turns a NaN or an infinity into.
func nonFinite(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case f > 0:
		return "inf"
	}
	return "-inf"
}

// float is the number of a float of any width.
func (v value) float() float64 { return math.Float64frombits(v.bits) }

// scalarValue converts what may be logged as a metric.
func scalarValue(x any) (value, error) {
	switch x := x.(type) {
	case float64:
		return floatValue(x), nil
	case float32:
		return narrowValue(float64(x), kindFloat32), nil
	case Float16:
		return narrowValue(float64(x), kindFloat16), nil
	case int:
		return intValue(int64(x)), nil
	case int8:
		return intValue(int64(x)), nil
	case int16:
		return intValue(int64(x)), nil
	case int32:
		return intValue(int64(x)), nil
	case int64:
		return intValue(x), nil
	case uint:
		return uintValue(uint64(x)), nil
	case uint8:
		return intValue(int64(x)), nil
	case uint16:
		return intValue(int64(x)), nil
	case uint32:
		return intValue(int64(x)), nil
	case uint64:
		return uintValue(x), nil
	case bool:
		return boolValue(x), nil
	case string:
		return value{kind: kindString, str: x}, nil
	case time.Duration:
		return floatValue(x.Seconds()), nil
	case *big.Int:
		if f, _ := new(big.Float).SetInt(x).Float64(); math.IsInf(f, 0) {
			return value{}, fmt.Errorf("integer of %d bits is too large for a metric", x.BitLen())
		}
		return value{kind: kindBig, any: x}, nil
	}
	return value{}, fmt.Errorf("%w %T: log a number, a bool or a string", ErrType, x)
}

// uintValue is for what may not fit an int64.
func uintValue(u uint64) value { return value{kind: kindUint, bits: u} }

// boolValue has 1 for true in bits.
func boolValue(b bool) value {
	v := value{kind: kindBool}
	if b {
		v.bits = 1
	}
	return v
}

// narrowValue marks a float as of less width; a text of a NaN stays one.
func narrowValue(f float64, k kind) value {
	v := floatValue(f)
	if v.kind == kindFloat64 {
		v.kind = k
	}
	return v
}

// appendCell appends the text of a history cell, quoted where needed.
func (v value) appendCell(dst []byte) []byte {
	switch v.kind {
	case kindBool:
		if v.bits != 0 {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case kindFloat32:
		return pyjson.AppendFloat32(dst, float32(v.float()))
	// The history has the shortest digits of the width, the summary those of
	// a float64: so does DVCLive.
	case kindFloat16:
		return appendFloat16(dst, v.float())
	case kindString:
		return appendQuoted(dst, v.str)
	}
	return v.appendJSON(dst, 0)
}

// appendJSON appends v as it stands in metrics.json. Narrow floats are widened.
func (v value) appendJSON(dst []byte, depth int) []byte {
	switch v.kind {
	case kindBool:
		return strconv.AppendBool(dst, v.bits != 0)
	case kindInt:
		return strconv.AppendInt(dst, int64(v.bits), 10)
	case kindUint:
		return strconv.AppendUint(dst, v.bits, 10)
	case kindFloat64, kindFloat32, kindFloat16:
		return appendJSONFloat(dst, v.float())
	case kindString:
		return pyjson.AppendString(dst, v.str, true)
	case kindBig:
		return v.any.(*big.Int).Append(dst, 10)
	case kindTree:
		return appendJSONTree(dst, v.any, depth)
	}
	return append(dst, "null"...)
}

// appendJSONFloat writes non-finite numbers as Python's json module does.
func appendJSONFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	return pyjson.AppendFloat(dst, f)
}

// appendQuoted appends a history cell: in double quotes if it holds a tab, a
// double quote or a line feed.
func appendQuoted(dst []byte, s string) []byte {
	quote := false
	for i := 0; i < len(s) && !quote; i++ {
		quote = s[i] == '\t' || s[i] == '"' || s[i] == '\n'
	}
	if !quote {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for i := range len(s) {
		if s[i] == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '"')
}
