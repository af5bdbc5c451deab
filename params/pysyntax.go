package params

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DVC reads no parameter of a Python file that Python can't parse. pyCheck finds the
// first line that is none of Python's grammar; it knows statements, expressions and
// indentation, not the rules about names that a compiler adds.

var errPySyntax = errors.New("invalid syntax")

// pyCheck checks the lines of a program. Parts of a line that semicolons separate are
// lines of one number.
func pyCheck(lines []pyLine) *Error {
	stack, block := []int{0}, false
	for i, l := range lines {
		if i > 0 && l.line == lines[i-1].line { // after a semicolon
			if !l.simple() {
				return pyFail(l.line, errPySyntax)
			}
			continue
		}
		top := stack[len(stack)-1]
		switch {
		case block && l.indent <= top:
			return pyFail(l.line, errors.New("expected an indented block"))
		case block:
			stack = append(stack, l.indent)
		case l.indent > top:
			return pyFail(l.line, errors.New("unexpected indent"))
		case l.indent < top:
			at := slices.Index(stack, l.indent)
			if at < 0 {
				return pyFail(l.line, errors.New("unindent does not match any outer indentation level"))
			}
			stack = stack[:at+1]
		}
		p, ok := newPyGrammar(l.text)
		if !ok {
			return pyFail(l.line, errPySyntax)
		}
		if block, ok = p.statement(); !ok || p.i < len(p.toks) {
			return pyFail(l.line, errPySyntax)
		}
	}
	if block {
		return pyFail(lines[len(lines)-1].line, errors.New("expected an indented block"))
	}
	return nil
}

func pyFail(line int, err error) *Error { return &Error{Line: line, Column: 1, Err: err} }

// simple reports a statement that may stand beside others on a line.
func (l pyLine) simple() bool {
	p, ok := newPyGrammar(l.text)
	return ok && p.small() && p.i == len(p.toks)
}

// inline reports a statement whose body begins on its line; what follows after a
// semicolon belongs to it.
func (l pyLine) inline() bool {
	p, ok := newPyGrammar(l.text)
	return ok && p.header() && p.i < len(p.toks)
}

// pyToken is a word of the grammar: 'n'ame, number '0', string 's', or operator 'o'.
type pyToken struct {
	kind byte
	text string
}

var pyKeywords = strings.Fields(`False None True and as assert async await break class continue def del elif else except
finally for from global if import in is lambda nonlocal not or pass raise return try while with yield`)

var pyOps = strings.Fields(`**= //= >>= <<= ... != -> ** // >> << <= >= == += -= *= /= %= &= |= ^= @= := + - * / % @ & | ^ ~ < > ( ) [ ] { } , : . ; =`)

// pyTokens splits a logical line.
func pyTokens(s string) ([]pyToken, bool) {
	var toks []pyToken
	for {
		if s = strings.TrimLeft(s, " \t\f\r\n"); s == "" {
			return toks, true
		}
		r, _ := utf8.DecodeRuneInString(s)
		switch {
		case pyStringAt(s) >= 0:
			scan := pyScanner{src: s, pos: pyStringAt(s)}
			if _, err := scan.quoted(); err != nil {
				return nil, false
			}
			toks = append(toks, pyToken{'s', s[:scan.pos]})
			s = s[scan.pos:]
		case r == '_' || unicode.IsLetter(r):
			n := strings.IndexFunc(s, func(r rune) bool {
				return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.Nl, r) && !unicode.Is(unicode.Pc, r)
			})
			if n < 0 {
				n = len(s)
			}
			toks, s = append(toks, pyToken{'n', s[:n]}), s[n:]
		case r >= '0' && r <= '9' || r == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
			n := pyNumberEnd(s)
			if n == 0 {
				return nil, false
			}
			toks, s = append(toks, pyToken{'0', s[:n]}), s[n:]
		default:
			i := slices.IndexFunc(pyOps, func(op string) bool { return strings.HasPrefix(s, op) })
			if i < 0 {
				return nil, false
			}
			toks, s = append(toks, pyToken{'o', pyOps[i]}), s[len(pyOps[i]):]
		}
	}
}

// pyStringAt is where the quote of a string literal at the start of s is; -1 if there
// is none.
func pyStringAt(s string) int {
	for i := 0; i < len(s) && i < 3; i++ {
		if s[i] == '"' || s[i] == '\'' {
			if slices.Contains([]string{"", "r", "u", "b", "f", "br", "rb", "fr", "rf"}, strings.ToLower(s[:i])) {
				return i
			}
			return -1
		}
	}
	return -1
}

// pyNumberEnd is the length of the number at the start of s, 0 for a bad one.
func pyNumberEnd(s string) int {
	digits := func(n int, set string) int { // with single underscores between them
		for n < len(s) && strings.IndexByte(set, s[n]) >= 0 || n > 0 && n+1 < len(s) && s[n] == '_' && strings.IndexByte(set, s[n+1]) >= 0 {
			n++
		}
		return n
	}
	n := 0
	if len(s) > 1 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		set := map[byte]string{'x': "0123456789abcdefABCDEF", 'o': "01234567", 'b': "01"}[s[1]|0x20]
		if n = digits(2, set); n == 2 {
			return 0
		}
	} else {
		const ten = "0123456789"
		n = digits(0, ten)
		whole := s[:n]
		float := false
		if n < len(s) && s[n] == '.' {
			n, float = digits(n+1, ten), true
		}
		if n < len(s) && s[n]|0x20 == 'e' {
			m := n + 1
			if m < len(s) && (s[m] == '+' || s[m] == '-') {
				m++
			}
			if e := digits(m, ten); e > m {
				n, float = e, true
			}
		}
		if n < len(s) && s[n]|0x20 == 'j' {
			n, float = n+1, true
		}
		if !float && len(whole) > 1 && whole[0] == '0' && strings.Trim(whole, "0_") != "" {
			return 0
		}
	}
	// Keywords may follow at once, as in 1if x else y.
	if n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9') {
		return 0
	}
	return n
}
