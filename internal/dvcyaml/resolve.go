package dvcyaml

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/params/pyjson"
)

// kind is the type that a plain scalar is read as.
type kind uint8

const (
	kindString kind = iota
	kindNull
	kindBool
	kindInt
	kindFloat
	kindTimestamp
	kindMerge // <<
	kindValue // =
)

// resolve says what a plain scalar is read as: the YAML 1.2 core schema with
// the extensions of DVC's YAML library (binary numbers, underscores,
// timestamps, << and =).
// The first byte decides which forms are possible, as in ruamel's table of
// resolvers.
func resolve(s string) kind {
	if s == "" {
		return kindNull
	}
	switch c := s[0]; c {
	case '~':
		if len(s) == 1 {
			return kindNull
		}
	case 'n', 'N':
		if s == "null" || s == "Null" || s == "NULL" {
			return kindNull
		}
	case 't', 'T':
		if s == "true" || s == "True" || s == "TRUE" {
			return kindBool
		}
	case 'f', 'F':
		if s == "false" || s == "False" || s == "FALSE" {
			return kindBool
		}
	case '<':
		if s == "<<" {
			return kindMerge
		}
	case '=':
		if len(s) == 1 {
			return kindValue
		}
	case '-', '+', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return resolveNumber(s)
	}
	return kindString
}

// resolveNumber tells apart what begins like a number. The three forms exclude
// each other.
func resolveNumber(s string) kind {
	switch {
	case isFloat(s):
		return kindFloat
	case isInt(s):
		return kindInt
	case isTimestamp(s):
		return kindTimestamp
	}
	return kindString
}

func isDigit(c byte) bool      { return c >= '0' && c <= '9' }
func isDigitOrBar(c byte) bool { return isDigit(c) || c == '_' }

// run is the length of the longest prefix of s made of bytes that fit.
func run(s string, fits func(byte) bool) int {
	n := 0
	for n < len(s) && fits(s[n]) {
		n++
	}
	return n
}

func trimSign(s string) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[1:]
	}
	return s
}

// isFloat matches the float forms. The exponent of a number that begins with
// its point must have a sign.
func isFloat(s string) bool {
	if s == ".nan" || s == ".NaN" || s == ".NAN" {
		return true
	}
	s = trimSign(s)
	if s == ".inf" || s == ".Inf" || s == ".INF" {
		return true
	}
	if s == "" {
		return false
	}
	if s[0] == '.' {
		n := run(s[1:], isDigitOrBar)
		rest := s[1+n:]
		return n > 0 && (rest == "" || isExponent(rest, true))
	}
	if !isDigit(s[0]) {
		return false
	}
	rest := s[run(s, isDigitOrBar):]
	if rest == "" {
		return false
	}
	if rest[0] != '.' {
		return isExponent(rest, false)
	}
	rest = rest[1:]
	rest = rest[run(rest, isDigitOrBar):]
	return rest == "" || isExponent(rest, false)
}

// isExponent matches e, a sign that may be missing unless it is needed, and
// digits.
func isExponent(s string, needSign bool) bool {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return false
	}
	digits := trimSign(s[1:])
	if needSign && len(digits) == len(s)-1 {
		return false
	}
	return digits != "" && run(digits, isDigit) == len(digits)
}

// isInt matches the integer forms. Underscores may stand anywhere, even at the
// end; a leading zero changes nothing, and octal needs 0o.
func isInt(s string) bool {
	s = trimSign(s)
	if s == "" {
		return false
	}
	if run(s, isDigitOrBar) == len(s) {
		return true
	}
	if len(s) < 3 || s[0] != '0' {
		return false
	}
	var fits func(byte) bool
	switch s[1] {
	case 'b':
		fits = func(c byte) bool { return c == '0' || c == '1' || c == '_' }
	case 'o':
		fits = func(c byte) bool { return c >= '0' && c <= '7' || c == '_' }
	case 'x':
		fits = func(c byte) bool {
			return isDigitOrBar(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		}
	default:
		return false
	}
	return run(s[2:], fits) == len(s)-2
}

var errNumber = errors.New("not a number")

// parseInt reads what isInt accepts; there are strings such as "-_" that have
// the form of an integer and no value.
func parseInt(s string) (any, error) {
	s = strings.ReplaceAll(s, "_", "")
	digits, base := trimSign(s), 10
	if len(digits) > 1 && digits[0] == '0' {
		switch digits[1] {
		case 'b':
			base = 2
		case 'o':
			base = 8
		case 'x':
			base = 16
		}
	}
	if base != 10 {
		digits = digits[2:]
	}
	if s != "" && s[0] == '-' {
		digits = "-" + digits
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return n, nil
	}
	// Python's int refuses more digits, in base 10 only: the other bases take
	// time in proportion.
	if base == 10 && len(strings.TrimPrefix(digits, "-")) > pyjson.MaxDigits {
		return nil, errNumber
	}
	if n, ok := new(big.Int).SetString(digits, base); ok {
		return n, nil
	}
	return nil, errNumber
}

// parseFloat reads what isFloat accepts.
func parseFloat(s string) (float64, error) {
	s = strings.ReplaceAll(s, "_", "")
	switch strings.ToLower(trimSign(s)) {
	case ".nan":
		return math.NaN(), nil
	case ".inf":
		if s[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNumber
	}
	return f, nil // out of range is infinity, as in Python
}

// Date is a calendar day, YYYY-MM-DD: a timestamp without a time.
type Date struct{ time.Time }

// String is the day as YYYY-MM-DD.
func (d Date) String() string { return d.Format("2006-01-02") }

// isTimestamp matches a date, or a date and a time of day.
func isTimestamp(s string) bool {
	if len(s) < 8 || run(s[:4], isDigit) != 4 || s[4] != '-' {
		return false
	}
	rest := s[5:]
	// A date alone needs two digits for month and day, before a time of day one
	// is enough.
	month := min(run(rest, isDigit), 2)
	if month == 0 || len(rest) <= month || rest[month] != '-' {
		return false
	}
	rest = rest[month+1:]
	day := min(run(rest, isDigit), 2)
	if day == 0 {
		return false
	}
	rest = rest[day:]
	if rest == "" {
		return month == 2 && day == 2
	}
	if rest[0] == 'T' || rest[0] == 't' {
		rest = rest[1:]
	} else {
		n := run(rest, isBlank)
		if n == 0 {
			return false
		}
		rest = rest[n:]
	}
	_, ok := cutClock(rest)
	return ok
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// cutClock matches d?d:dd:dd, a fraction and a zone; it returns the zone.
func cutClock(s string) (zone string, ok bool) {
	n := run(s, isDigit)
	if n == 0 || n > 2 {
		return "", false
	}
	s = s[n:]
	for range 2 {
		if len(s) < 3 || s[0] != ':' || !isDigit(s[1]) || !isDigit(s[2]) {
			return "", false
		}
		s = s[3:]
	}
	if s != "" && s[0] == '.' {
		s = s[1:]
		s = s[run(s, isDigit):]
	}
	if s == "" {
		return "", true
	}
	s = s[run(s, isBlank):]
	if s == "Z" {
		return s, true
	}
	if len(s) < 2 || s[0] != '-' && s[0] != '+' {
		return "", false
	}
	zone = s
	s = s[1:]
	n = run(s, isDigit)
	if n == 0 || n > 2 {
		return "", false
	}
	s = s[n:]
	return zone, s == "" || len(s) == 3 && s[0] == ':' && isDigit(s[1]) && isDigit(s[2])
}

// parseTimestamp reads what isTimestamp accepts: a Date, or a time.Time in the
// zone that was written (UTC if none was).
func parseTimestamp(s string) (any, error) {
	if run(s, func(c byte) bool { return isDigit(c) || c == '-' }) == len(s) {
		t, err := time.Parse("2006-01-02", s)
		return Date{t}, err
	}
	i := strings.IndexAny(s, "Tt \t")
	day, clock := s[:i], strings.TrimLeft(s[i+1:], " \t")
	zone, _ := cutClock(clock)
	clock = strings.TrimRight(strings.TrimSuffix(clock, zone), " \t")
	t, err := time.Parse("2006-1-2 15:4:5", day+" "+strings.TrimSuffix(clock, "."))
	if err != nil || zone == "" || zone == "Z" {
		return t, err
	}
	hours, minutes, _ := strings.Cut(zone[1:], ":")
	h, _ := strconv.Atoi(hours)
	m, _ := strconv.Atoi(minutes)
	offset := h*3600 + m*60
	if zone[0] == '-' {
		offset = -offset
	}
	y, mo, d := t.Date()
	hh, mm, ss := t.Clock()
	return time.Date(y, mo, d, hh, mm, ss, t.Nanosecond(), time.FixedZone("", offset)), nil
}
