package params

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errNoLiteral = errors.New("not a literal")

// maxNesting bounds the depth of literals.
const maxNesting = 200

// pyLiteral reads what ast.literal_eval reads, without complex numbers and
// bytes. Tuples and sets become lists.
func pyLiteral(s string) (any, error) {
	p := pyParser{s: s}
	v, err := p.tuple(0, "")
	if err != nil {
		return nil, err
	}
	if p.space(); p.s != "" {
		return nil, errNoLiteral
	}
	return v, nil
}

// pyParser reads literals from s, which is always what remains. The text is a
// logical line: comments are gone, and the line breaks in brackets are blanks.
type pyParser struct{ s string }

func (p *pyParser) space() { p.s = strings.TrimLeft(p.s, " \t\r\n\f") }

// eat passes a token and the white space before it, or the white space only.
func (p *pyParser) eat(token string) bool {
	p.space()
	if !strings.HasPrefix(p.s, token) {
		return false
	}
	p.s = p.s[len(token):]
	return true
}

// tuple reads values between commas up to a closing bracket; without a comma
// it is the value alone.
func (p *pyParser) tuple(depth int, end string) (any, error) {
	if end != "" && p.eat(end) {
		return []any{}, nil
	}
	var list []any
	comma := false
	for {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		more := p.eat(",")
		comma = comma || more
		p.space()
		switch {
		case end == "" && p.s == "" || end != "" && p.eat(end):
			if !comma {
				return v, nil
			}
			return list, nil
		case !more:
			return nil, errNoLiteral
		}
	}
}

// value reads one literal. Names, calls and operators, but for a sign before a
// number, are none.
func (p *pyParser) value(depth int) (any, error) {
	if depth > maxNesting {
		return nil, errNoLiteral
	}
	p.space()
	if p.s == "" {
		return nil, errNoLiteral
	}
	switch c := p.s[0]; {
	case c == '(':
		p.s = p.s[1:]
		return p.tuple(depth, ")")
	case c == '[':
		p.s = p.s[1:]
		return p.list(depth)
	case c == '{':
		p.s = p.s[1:]
		return p.dict(depth)
	case c == '-' || c == '+':
		p.s = p.s[1:]
		if next := strings.TrimLeft(p.s, " \t\r\n\f("); strings.HasPrefix(next, "-") || strings.HasPrefix(next, "+") {
			return nil, errNoLiteral // literals have one sign
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		return negate(v, c == '-')
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	return p.word()
}

// negate applies a sign to a number. Booleans, which are numbers to Python's
// operators, get none: literal_eval refuses -True.
func negate(v any, minus bool) (any, error) {
	switch x := v.(type) {
	case int64:
		if minus {
			return -x, nil
		}
		return x, nil
	case float64:
		if minus {
			return -x, nil
		}
		return x, nil
	case *big.Int:
		if minus {
			return new(big.Int).Neg(x), nil
		}
		return x, nil
	}
	return nil, errNoLiteral
}

// list reads the rest of a list after its bracket; a comma may follow the last
// element.
func (p *pyParser) list(depth int) (any, error) {
	list := []any{}
	for !p.eat("]") {
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if !p.eat(",") {
			if !p.eat("]") {
				return nil, errNoLiteral
			}
			break
		}
	}
	return list, nil
}

// dict reads a mapping or a set.
func (p *pyParser) dict(depth int) (any, error) {
	m := &Map{}
	var set []any
	for !p.eat("}") {
		k, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		// The first element decides which of both it is. An empty pair of
		// braces is a mapping.
		if set == nil && p.eat(":") {
			v, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			switch k.(type) {
			case []any, *Map:
				return nil, errNoLiteral
			}
			m.Set(k, v)
		} else if m.Len() == 0 {
			set = append(set, k)
		} else {
			return nil, errNoLiteral
		}
		if !p.eat(",") {
			if !p.eat("}") {
				return nil, errNoLiteral
			}
			break
		}
	}
	if set != nil {
		return set, nil
	}
	return m, nil
}

// number reads an integer of any base or a float. It takes all characters that
// a number could have and lets the conversions judge; a sign belongs to it only
// after the e of an exponent, which in hexadecimal is a digit.
func (p *pyParser) number() (any, error) {
	n := 0
	for n < len(p.s) {
		c := p.s[n]
		signed := (c == '+' || c == '-') && (p.s[n-1] == 'e' || p.s[n-1] == 'E') && !strings.HasPrefix(strings.ToLower(p.s), "0x")
		if !signed && c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			break
		}
		n++
	}
	text := p.s[:n]
	p.s = p.s[n:]
	if len(text) > 1 && text[0] == '0' && strings.Trim(text, "0_") != "" && text[1] >= '0' && text[1] <= '9' && !strings.ContainsAny(text, ".eE") {
		return nil, errNoLiteral // 010 is no number in Python 3
	}
	if i, err := strconv.ParseInt(strings.TrimLeft(text, "0"), 0, 64); err == nil && text[0] != '0' {
		return i, nil
	}
	if b, ok := new(big.Int).SetString(text, 0); ok {
		if b.IsInt64() {
			return b.Int64(), nil
		}
		return b, nil
	}
	// Go has floats in hexadecimal, Python's literals have not.
	if strings.ContainsAny(text, "xXpP") || strings.HasSuffix(text, "_") {
		return nil, errNoLiteral
	}
	// 1e999 is infinity in Python, too.
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return nil, errNoLiteral
	}
	return f, nil
}

// word reads None, True, False, or string literals one after the other.
func (p *pyParser) word() (any, error) {
	for _, w := range []struct {
		name  string
		value any
	}{{"None", nil}, {"True", true}, {"False", false}} {
		rest, ok := strings.CutPrefix(p.s, w.name)
		if ok && (rest == "" || !isWordChar(rest)) {
			p.s = rest
			return w.value, nil
		}
	}
	text, err := p.string()
	if err != nil {
		return nil, err
	}
	for {
		p.space()
		more, err := p.string()
		if err != nil {
			return text, nil
		}
		text += more
	}
}

// isWordChar reports whether s, which is not empty, goes on with a character of
// a name: Nonesuch is not None.
func isWordChar(s string) bool {
	c := s[0]
	return c == '_' || c >= utf8.RuneSelf || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// string reads one string literal; on failure nothing is consumed.
func (p *pyParser) string() (string, error) {
	i := strings.IndexAny(p.s, `'"`)
	if i < 0 || i > 2 {
		return "", errNoLiteral
	}
	// Bytes and formatted strings, b'' and f'', are no parameters.
	prefix := strings.ToLower(p.s[:i])
	if prefix != "" && prefix != "r" && prefix != "u" {
		return "", errNoLiteral
	}
	rest := p.s[i:]
	quote := rest[:1]
	if strings.HasPrefix(rest, strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	rest = rest[len(quote):]
	var b strings.Builder
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, quote):
			p.s = rest[len(quote):]
			return b.String(), nil
		// In a raw string the backslash stays, and yet keeps a quote from
		// ending it.
		case rest[0] == '\\' && len(rest) > 1 && prefix == "r":
			b.WriteString(rest[:2])
			rest = rest[2:]
		case rest[0] == '\\' && len(rest) > 1:
			n := pyEscape(&b, rest)
			if n == 0 {
				return "", errNoLiteral
			}
			rest = rest[n:]
		default:
			b.WriteByte(rest[0])
			rest = rest[1:]
		}
	}
	return "", errNoLiteral
}

// pyEscape writes what the escape sequence at the start of s stands for and
// returns its length, 0 for a bad one. An unknown escape stands for itself.
func pyEscape(b *strings.Builder, s string) int {
	c := s[1]
	if c == '\n' {
		return 2
	}
	if i := strings.IndexByte(`\'"abfnrtv`, c); i >= 0 {
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[i])
		return 2
	}
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]; digits > 0 {
		if len(s) < 2+digits {
			return 0
		}
		n, err := strconv.ParseUint(s[2:2+digits], 16, 32)
		if err != nil || n > utf8.MaxRune {
			return 0
		}
		b.WriteRune(rune(n))
		return 2 + digits
	}
	// An octal escape has one to three digits.
	if c >= '0' && c <= '7' {
		n := 1
		for n < 4 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[1:n], 8, 16)
		b.WriteRune(rune(v))
		return n
	}
	b.WriteString(s[:2])
	return 2
}
