package dvcyaml

import "unicode/utf8"

// isBreak reports a line break: LF, NEL, LS or PS (CR is only white).
// The set is that of the emitter's analysis; the reader, in breakLen, also
// breaks lines at CR.
func isBreak(r rune) bool {
	return r == '\n' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isWhite reports the characters that end a word for the writer.
func isWhite(r rune) bool {
	return r == ' ' || r == '\t' || r == '\r' || r == 0 || isBreak(r)
}

// isPrintable reports the characters that need no escape.
func isPrintable(r rune) bool {
	switch {
	case r == '\n', r >= 0x20 && r <= 0x7e, r == 0x85:
		return true
	case r == 0xfeff:
		return false
	}
	return r >= 0xa0 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

// style is how a string is written.
type style uint8

const (
	plain style = iota
	single
	double
)

// safeFirst and safeByte mark the ASCII bytes that cannot make a string
// anything but plain: the fast path for nearly every path, name and command.
var safeFirst, safeByte = func() (first, any [256]bool) {
	for c := byte('a'); c <= 'z'; c++ {
		first[c], any[c] = true, true
		first[c-'a'+'A'], any[c-'a'+'A'] = true, true
	}
	for _, c := range []byte{'t', 'T', 'f', 'F', 'n', 'N'} {
		first[c] = false // true, false and null begin with these
	}
	for c := byte('0'); c <= '9'; c++ {
		any[c] = true
	}
	for _, c := range []byte("_-./\\$%@+=*?&|<>(){}[],;!^~`\"") {
		any[c] = true
	}
	first['/'], first['$'], first['_'] = true, true, true
	return first, any
}()

// isSimplePlain reports strings that are plain at a glance.
func isSimplePlain(s string) bool {
	if s == "" || !safeFirst[s[0]] {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !safeByte[s[i]] {
			return false
		}
	}
	return true
}

// styleOf chooses the quoting of s, by the rules of section 3 of the
// specification.
func styleOf(s string) style {
	if isSimplePlain(s) {
		return plain
	}
	a := analyse(s)
	switch {
	// What would be read back as something else than a string needs quotes,
	// whichever type that is.
	case a.plain && resolve(s) == kindString:
		return plain
	case a.escape || a.quote || a.newline || a.spaceAtBreak:
		return double
	}
	return single
}

// analysis is what styleOf has to know of a string. The zero value is the empty
// string's, which is never plain.
type analysis struct {
	plain        bool // nothing in the string forbids the plain style
	escape       bool // some character is not printable
	quote        bool // contains '
	newline      bool // contains U+000A
	spaceAtBreak bool // a space directly before or after a break
	multiline    bool // contains a break
}

// analyse goes through s once. It follows the ruamel emitter's analyze_scalar,
// without what only concerns plain scalars in brackets.
func analyse(s string) analysis {
	if s == "" {
		return analysis{}
	}
	a := analysis{plain: true}
	if len(s) >= 3 && (s[:3] == "---" || s[:3] == "...") || s[0] == ' ' || s[len(s)-1] == ' ' {
		a.plain = false
	}
	// -1 stands for the start of the string; no character is negative.
	prev := rune(-1)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			a.escape, a.plain = true, false
		}
		i += n
		switch {
		case isBreak(r):
			a.multiline, a.plain = true, false
			a.newline = a.newline || r == '\n'
			a.spaceAtBreak = a.spaceAtBreak || prev == ' '
		case !isPrintable(r):
			a.escape, a.plain = true, false
		default:
			a.spaceAtBreak = a.spaceAtBreak || r == ' ' && prev >= 0 && isBreak(prev)
			a.quote = a.quote || r == '\''
			if indicates(r, prev, s[i:]) {
				a.plain = false
			}
		}
		prev = r
	}
	return a
}

// indicates reports whether r, between prev (negative at the start) and rest,
// has a meaning in YAML.
func indicates(r, prev rune, rest string) bool {
	beforeWhite := func() bool {
		next, _ := utf8.DecodeRuneInString(rest)
		// At the end of the string a line break will follow.
		return rest == "" || isWhite(next)
	}
	if prev < 0 {
		switch r {
		case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
			return true
		case '?', ':', '-':
			return beforeWhite()
		}
		return false
	}
	switch r {
	case ':':
		return beforeWhite()
	case '#':
		return isWhite(prev)
	}
	return false
}
