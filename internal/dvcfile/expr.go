package dvcfile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/reprodl/reprodl/params/pyjson"
)

// A match is one ${…} inside a string: s[start:end], with inner between the
// braces.
type match struct {
	start, end int
	inner      string
}

// findMatches lists the expressions of s: "${", not after a backslash, up to the
// first "}" on the same line.
func findMatches(s string) []match {
	var all []match
	for i := 0; ; {
		at := strings.Index(s[i:], "${")
		if at < 0 {
			return all
		}
		start := i + at
		// The backslash keeps the expression as text, and goes when the string
		// is resolved.
		if start > 0 && s[start-1] == '\\' {
			i = start + 1
			continue
		}
		stop := strings.IndexAny(s[start+2:], "}\n")
		if stop < 0 || s[start+2+stop] == '\n' {
			i = start + 1
			continue
		}
		end := start + 2 + stop + 1
		all = append(all, match{start, end, s[start+2 : end-1]})
		i = end
	}
}

// interpolated reports whether s holds an expression.
func interpolated(s string) bool {
	return strings.Contains(s, "${") && len(findMatches(s)) > 0
}

// parseExpr checks an expression, a word followed by .word and [word] parts,
// and returns its parts joined by dots. A word is any run of characters other
// than dots and brackets. The error text is the one of DVC's own parser.
func parseExpr(inner string) (string, error) {
	// DVC's parser is made with pyparsing, which expands tabs first: the
	// columns of its messages count that.
	s := expandTabs(inner)
	n := wordLen(s)
	if n == 0 {
		return "", syntaxError(inner, s, 0, "Expected !W:(.[])")
	}
	parts := []string{s[:n]}
	pos := n
	for {
		p := skipBlanks(s, pos)
		word, end := exprPart(s, p)
		if end < 0 {
			if p < len(s) {
				return "", syntaxError(inner, s, p, "Expected end of text")
			}
			return strings.Join(parts, "."), nil
		}
		parts = append(parts, word)
		pos = end
	}
}

// exprPart reads ".word" or "[word]" at p; end is -1 if there is none.
func exprPart(s string, p int) (word string, end int) {
	if p == len(s) || (s[p] != '.' && s[p] != '[') {
		return "", -1
	}
	n := wordLen(s[p+1:])
	if n == 0 {
		return "", -1
	}
	word, end = s[p+1:p+1+n], p+1+n
	if s[p] == '.' {
		return word, end
	}
	if end = skipBlanks(s, end); end == len(s) || s[end] != ']' {
		return "", -1
	}
	return word, end + 1
}

// wordLen is the length of the word at the start of s, up to a dot or bracket.
// Blanks are part of it.
func wordLen(s string) int {
	if i := strings.IndexAny(s, ".[]"); i >= 0 {
		return i
	}
	return len(s)
}

// skipBlanks is the index of the first character from i on that is no white
// space to pyparsing.
func skipBlanks(s string, i int) int {
	for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
		i++
	}
	return i
}

// expandTabs replaces tabs by blanks up to the next multiple of eight columns,
// as DVC's parser does before it looks at the text.
func expandTabs(s string) string {
	if !strings.Contains(s, "\t") {
		return s
	}
	var b strings.Builder
	col := 0
	for _, r := range s {
		if r != '\t' {
			b.WriteRune(r)
			col++
			continue
		}
		for n := 8 - col%8; n > 0; n-- {
			b.WriteByte(' ')
			col++
		}
	}
	return b.String()
}

// syntaxError describes a broken expression in three lines: the expression, a
// caret below the offending character, and what the parser wanted.
func syntaxError(inner, s string, pos int, msg string) error {
	// Two for the ${, which pyparsing saw as well.
	col := utf8.RuneCountInString(s[:pos]) + 2
	found := foundText(s[pos:] + "}")
	text := fmt.Sprintf("${%s}\n%s^\nParseException: %s, found %s  (at char %d), (line:1, col:%d)",
		inner, strings.Repeat(" ", col), msg, found, col, col+1)
	return &exprError{class: InterpolationSyntax, msg: text, ownLine: true}
}

// foundText quotes what stands at the error: up to sixteen letters and digits,
// or one character.
func foundText(rest string) string {
	n := 0
	for i, r := range rest {
		if n == 16 || !(unicode.IsLetter(r) || unicode.IsDigit(r)) {
			if n == 0 {
				return strings.ReplaceAll(pyjson.Repr(string(r)), `\\`, `\`)
			}
			return pyjson.Repr(rest[:i])
		}
		n++
	}
	return pyjson.Repr(rest)
}
