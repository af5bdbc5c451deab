package params

import (
	"errors"
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quoted is a string in quotes; it becomes plain text when it is used. Until
// then it is kept apart, because '1' is a text and 1 a number, and because only
// an unquoted element can be the start of a sweep.
type quoted struct {
	text  string
	quote byte
}

// reference is text with ${key} in it.
type reference string

// valueParser reads the part of an override after its equals sign.
type valueParser struct {
	s     string
	pos   int
	depth int
}

// fail is an error at the current place, counted in bytes from 1.
func (p *valueParser) fail(format string, args ...any) error {
	return fmt.Errorf("%s at %d", fmt.Sprintf(format, args...), p.pos+1)
}

// peek returns the next byte, and 0 at the end. A NUL in the text is taken for
// the end as well, and refused there.
func (p *valueParser) peek() byte {
	if p.pos < len(p.s) {
		return p.s[p.pos]
	}
	return 0
}

// blanks passes blanks and tabs, the only white space of the grammar.
func (p *valueParser) blanks() {
	for p.peek() == ' ' || p.peek() == '\t' {
		p.pos++
	}
}

// eat passes c with the blanks around it.
func (p *valueParser) eat(c byte) bool {
	mark := p.pos
	p.blanks()
	if p.peek() != c {
		p.pos = mark
		return false
	}
	p.pos++
	p.blanks()
	return true
}

// whole reads a value, or several between commas, which are a sweep.
func (p *valueParser) whole() (any, error) {
	// key= is the empty string: the grammar makes the value after the sign
	// optional.
	if p.s == "" {
		return "", nil
	}
	first, err := p.element()
	if err != nil {
		return nil, err
	}
	list := []any{first}
	for p.eat(',') {
		v, err := p.element()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if p.pos < len(p.s) {
		return nil, p.fail("unexpected %q", p.s[p.pos:])
	}
	// One element is a value even if it is a sweep by itself, as choice(a,b)
	// is.
	if len(list) == 1 {
		return first, nil
	}
	for _, v := range list {
		if _, ok := v.(*sweep); ok {
			return nil, errors.New("a sweep inside a sweep")
		}
	}
	return &sweep{list: list, simple: true}, nil
}

var functionStart = lazyregexp.New(`^([A-Za-z_][\w-]*)[ \t]*\(`)

// item reads an element of a collection, which cannot be a sweep.
func (p *valueParser) item() (any, error) {
	v, err := p.element()
	if _, ok := v.(*sweep); ok && err == nil {
		return nil, p.fail("a sweep inside a list or a mapping")
	}
	return v, err
}

// element reads a scalar, a list, a mapping or a function call.
func (p *valueParser) element() (any, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, p.fail("nested too deep")
	}
	defer func() { p.depth-- }()
	switch c := p.peek(); {
	case c == '[':
		return p.listValue()
	case c == '{':
		return p.dictValue()
	case c == '\'' || c == '"':
		return p.quotedValue()
	case c == 0:
		return nil, p.fail("a value is missing")
	}
	if m := functionStart.FindStringSubmatch(p.s[p.pos:]); m != nil {
		p.pos += len(m[0])
		p.blanks()
		return p.call(m[1])
	}
	return p.primitive(false)
}

// listValue reads [a,b]. It has no comma after the last element, unlike in
// Python.
func (p *valueParser) listValue() (any, error) {
	p.pos++
	p.blanks()
	list := []any{}
	if p.eat(']') {
		return list, nil
	}
	for {
		v, err := p.item()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.close(']') {
			return list, nil
		}
		if !p.eat(',') {
			return nil, p.fail("expected ',' or ']'")
		}
	}
}

// close passes a closing bracket and the blanks before it.
func (p *valueParser) close(c byte) bool {
	mark := p.pos
	p.blanks()
	if p.peek() != c {
		p.pos = mark
		return false
	}
	p.pos++
	return true
}

// dictValue reads {k:v}. Keys are text without quotes, typed like values (1 is
// an integer key), in which neither a colon nor a reference may stand.
func (p *valueParser) dictValue() (any, error) {
	p.pos++
	p.blanks()
	m := &Map{}
	if p.close('}') {
		return m, nil
	}
	for {
		k, err := p.primitive(true)
		if err != nil {
			return nil, err
		}
		if !p.eat(':') {
			return nil, p.fail("expected ':' after a key")
		}
		v, err := p.item()
		if err != nil {
			return nil, err
		}
		m.Set(k, v)
		if p.close('}') {
			return m, nil
		}
		if !p.eat(',') {
			return nil, p.fail("expected ',' or '}'")
		}
	}
}

// quotedValue reads a string in quotes, in which a backslash escapes quotes
// and the backslashes before them, and nothing else.
func (p *valueParser) quotedValue() (any, error) {
	quote := p.peek()
	var b strings.Builder
	for i := p.pos + 1; i < len(p.s); i++ {
		// n backslashes come before the character at i+n. Half of them remain
		// before a quote; if their number is odd, the last one escapes the
		// quote.
		n := 0
		for i+n < len(p.s) && p.s[i+n] == '\\' {
			n++
		}
		if i+n >= len(p.s) {
			break
		}
		if p.s[i+n] != quote {
			b.WriteString(p.s[i : i+n+1])
			i += n
			continue
		}
		b.WriteString(p.s[i : i+n/2])
		i += n
		if n%2 == 0 {
			p.pos = i + 1
			return quoted{b.String(), quote}, nil
		}
		b.WriteByte(quote)
	}
	return nil, p.fail("the quote %c is not closed", quote)
}

const (
	// The characters of the tokens UNQUOTED_CHAR and ESC of Hydra's grammar.
	// Letters, digits, colons and blanks are dealt with apart; what is none of
	// these needs quotes.
	freeChars    = "/-\\+.$%*@?|_"
	escapedChars = "\\()[]{}:=, \t"
)

// primitive reads text without quotes up to what cannot be part of it. Alone
// among themselves, numbers, booleans and null are what they look like.
func (p *valueParser) primitive(isKey bool) (any, error) {
	var b strings.Builder
	literal := true // nothing was escaped
	refs := false
	trim := 0 // the length without the blanks at the end
	start := p.pos
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		switch {
		case c == '$' && strings.HasPrefix(p.s[p.pos:], "${") && !isKey:
			end := strings.IndexByte(p.s[p.pos:], '}')
			if end < 3 {
				return nil, p.fail("the reference ${ is not closed")
			}
			b.WriteString(p.s[p.pos : p.pos+end+1])
			p.pos += end
			refs = true
		case c == '\\' && p.pos+1 < len(p.s) && strings.IndexByte(escapedChars, p.s[p.pos+1]) >= 0:
			p.pos++
			b.WriteByte(p.s[p.pos])
			literal = false
		case c == ' ' || c == '\t':
			b.WriteByte(c)
			p.pos++
			continue
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', strings.IndexByte(freeChars, c) >= 0, c == ':' && !isKey:
			b.WriteByte(c)
		case strings.IndexByte(",]})", c) >= 0 || c == ':':
			return p.finish(b.String()[:trim], start, literal, refs)
		default:
			r, _ := utf8.DecodeRuneInString(p.s[p.pos:])
			return nil, p.fail("%q needs quotes", r)
		}
		p.pos++
		trim = b.Len()
	}
	return p.finish(b.String()[:trim], start, literal, refs)
}

// finish turns the text of a primitive into its value. start is the offset
// where it began; literal says that no character was escaped, refs that there
// is a reference in it.
func (p *valueParser) finish(s string, start int, literal, refs bool) (any, error) {
	switch {
	case s == "" && start == p.pos:
		return nil, p.fail("a value is missing")
	case s == "":
		return nil, errors.New("a value of blanks only")
	case refs:
		return reference(s), nil
	case literal:
		return guess(s), nil
	}
	return s, nil
}

var (
	// INT and FLOAT of Hydra's grammar. An underscore may stand between two
	// digits, and a leading zero makes text of a number: 007 is no 7.
	intPattern   = lazyregexp.New(`^[+-]?(0|[1-9](_?[0-9])*)$`)
	floatPattern = lazyregexp.New(`^[+-]?((0|[1-9](_?[0-9])*)\.|(0|[1-9](_?[0-9])*)?\.[0-9](_?[0-9])*|((0|[1-9](_?[0-9])*)\.|(0|[1-9](_?[0-9])*)?\.[0-9](_?[0-9])*|(0|[1-9](_?[0-9])*))[eE][+-]?[0-9](_?[0-9])*)$`)
)

// guess is what text without quotes stands for.
func guess(s string) any {
	// Hydra's grammar takes these words in any case, so that tRuE is a boolean;
	// a YAML file knows three spellings of each.
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "inf", "+inf":
		return math.Inf(1)
	case "-inf":
		return math.Inf(-1)
	case "nan", "+nan", "-nan":
		return math.NaN()
	}
	digits := strings.ReplaceAll(s, "_", "")
	if intPattern.MatchString(s) {
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			return n
		}
		n, _ := new(big.Int).SetString(digits, 10)
		return n
	}
	if floatPattern.MatchString(s) {
		f, _ := strconv.ParseFloat(digits, 64)
		return f
	}
	return s
}
