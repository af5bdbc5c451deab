package dvcyaml

import (
	"math/big"
	"strconv"
	"strings"
)

// A document that says %YAML 1.1 has other plain scalars: yes, no, on, off, y and n
// are booleans, 017 is octal, 1:30 is 90, and a sign before a point makes a string.
// Everything else is read as in 1.2. ruamel warns of 1e3 there, and reads it.

// resolve11 is resolve by the rules of YAML 1.1.
func resolve11(s string) kind {
	if s == "" {
		return kindNull
	}
	if _, ok := bools11[strings.ToLower(s)]; ok && isCased(s) {
		return kindBool
	}
	switch c := s[0]; {
	case c != '-' && c != '+' && c != '.' && !isDigit(c):
		return resolve(s)
	case isFloat(s) && !isSignedPoint(s), isSexagesimal(s, isDigit) && strings.Contains(s, "."):
		return kindFloat
	case isInt11(s):
		return kindInt
	case isTimestamp(s):
		return kindTimestamp
	}
	return kindString
}

// Keys in lower case; isCased says which other spellings count.
var bools11 = map[string]bool{
	"y": true, "yes": true, "true": true, "on": true, "n": false, "no": false, "false": false, "off": false,
}

// isCased reports abc, Abc and ABC.
func isCased(s string) bool {
	lower := strings.ToLower(s)
	return s == lower || s == strings.ToUpper(s) || s == strings.ToUpper(s[:1])+lower[1:]
}

// isSignedPoint reports numbers such as -.5, though not -.inf.
func isSignedPoint(s string) bool {
	unsigned := trimSign(s)
	return len(unsigned) < len(s) && len(unsigned) > 1 && unsigned[0] == '.' && isDigitOrBar(unsigned[1])
}

// isInt11 matches the integer forms of YAML 1.1: octal with a leading zero, 0b
// and 0x, base 60, and decimals.
func isInt11(s string) bool {
	digits := trimSign(s)
	switch {
	case digits == "":
		return false
	case run(digits, func(c byte) bool { return c >= '0' && c <= '7' || c == '_' }) == len(digits):
		return true
	case digits[0] == '0' && len(digits) > 1:
		return digits[1] != 'o' && !isDigitOrBar(digits[1]) && isInt(s) // 0b and 0x
	case isSexagesimal(s, func(c byte) bool { return c >= '1' && c <= '9' }):
		return !strings.Contains(s, ".")
	}
	return isDigit(digits[0]) && run(digits, isDigitOrBar) == len(digits)
}

// isSexagesimal matches numbers to the base of 60, such as 190:20:30 and 1:30.5.
func isSexagesimal(s string, first func(byte) bool) bool {
	s = trimSign(s)
	if s == "" || !first(s[0]) {
		return false
	}
	s = s[run(s, isDigitOrBar):]
	parts := 0
	for s != "" && s[0] == ':' {
		s = s[1:]
		n := run(s, isDigit)
		if n == 0 || n > 2 || n == 2 && s[0] > '5' {
			return false
		}
		s = s[n:]
		parts++
	}
	return parts > 0 && (s == "" || s[0] == '.' && run(s[1:], isDigitOrBar) == len(s)-1)
}

// convert11 gives a plain scalar of YAML 1.1 its value.
func convert11(k kind, s string) (any, error) {
	digits := strings.ReplaceAll(s, "_", "")
	switch {
	case k == kindBool:
		return bools11[strings.ToLower(s)], nil
	case (k == kindInt || k == kindFloat) && strings.Contains(s, ":"):
		return sexagesimal(digits, k)
	case k == kindInt:
		if octal := trimSign(digits); len(octal) > 1 && octal[0] == '0' && isDigit(octal[1]) {
			sign := digits[:len(digits)-len(octal)]
			return parseInt(sign + "0o" + octal[1:])
		}
	}
	return convert(k, s)
}

// sexagesimal is the value of parts between colons, each worth 60 of the next.
// The sign holds for the whole.
func sexagesimal(s string, k kind) (any, error) {
	negative := s[0] == '-'
	if k == kindFloat {
		sum := 0.0
		for part := range strings.SplitSeq(trimSign(s), ":") {
			f, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return nil, errNumber
			}
			sum = sum*60 + f
		}
		if negative {
			sum = -sum
		}
		return sum, nil
	}
	sum := new(big.Int)
	for part := range strings.SplitSeq(trimSign(s), ":") {
		n, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, errNumber
		}
		sum.Add(sum.Mul(sum, big.NewInt(60)), n)
	}
	if negative {
		sum.Neg(sum)
	}
	if sum.IsInt64() {
		return sum.Int64(), nil
	}
	return sum, nil
}
