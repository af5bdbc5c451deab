package dvcyaml

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// width is the column past which long scalars are broken.
const width = 80

// breakLine starts a continuation line.
func (e *emitter) breakLine(ind int) {
	e.newline()
	e.indent(ind)
}

// word writes text without blanks; like every word it may go to a line of its
// own.
func (e *emitter) word(s string, ind int) {
	if e.col+len(s) > width && e.col > ind && !e.root {
		e.breakLine(ind)
	}
	e.ascii(s)
}

// plain writes s unquoted. A blank that was already written before a word that
// moves to the next line stays at the end of the old one.
func (e *emitter) plain(s string, ind int) {
	if e.col+len(s) <= width { // bytes are at least characters
		e.text(s)
		return
	}
	for s != "" {
		n := strings.IndexByte(s, ' ')
		if n < 0 {
			n = len(s)
		}
		if n > 0 {
			w := s[:n]
			chars := utf8.RuneCountInString(w)
			if e.col+chars > width && e.col > ind && !e.root {
				e.breakLine(ind)
			}
			e.buf = append(e.buf, w...)
			e.col += chars
			s = s[n:]
		}
		gap := leadingSpaces(s)
		if gap == 1 && e.col >= width {
			e.breakLine(ind)
		} else {
			e.indent(gap)
		}
		s = s[gap:]
	}
}

// leadingSpaces counts the blanks at the start of s.
func leadingSpaces(s string) int {
	return run(s, func(c byte) bool { return c == ' ' })
}

// single writes s in single quotes; with split, a lone blank past the width
// becomes a line break.
func (e *emitter) single(s string, ind int, split bool) {
	e.ascii("'")
	if e.col+len(s) <= width && !analyse(s).multiline {
		e.text(s)
		e.ascii("'")
		return
	}
	rest := s
	for rest != "" {
		if n := leadingSpaces(rest); n > 0 {
			// A blank at either end of the string would be lost at a line
			// break.
			inner := len(rest) < len(s) && n < len(rest)
			if n == 1 && e.col > width && split && inner {
				e.breakLine(ind)
			} else {
				e.indent(n)
			}
			rest = rest[n:]
			continue
		}
		if r, _ := utf8.DecodeRuneInString(rest); isBreak(r) {
			rest = e.breaks(rest, ind)
			continue
		}
		n := strings.IndexFunc(rest, func(r rune) bool { return r == ' ' || isBreak(r) })
		if n < 0 {
			n = len(rest)
		}
		e.text(strings.ReplaceAll(rest[:n], "'", "''"))
		rest = rest[n:]
	}
	e.ascii("'")
}

// breaks writes a run of line breaks inside single quotes and returns what
// follows it.
func (e *emitter) breaks(s string, ind int) string {
	// Quotes fold a first break to a blank, so one more is written for it.
	if s[0] == '\n' {
		e.newline()
	}
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if !isBreak(r) {
			break
		}
		if r == '\n' {
			e.newline()
		} else {
			e.buf = append(e.buf, s[:n]...)
			e.col = 0
		}
		s = s[n:]
	}
	e.indent(ind)
	return s
}

// double writes s in double quotes, breaking after the width: softly at a
// blank where that reads back the same, else with a backslash.
func (e *emitter) double(s string, ind int, split bool) {
	e.ascii(`"`)
	rs := []rune(s)
	p := 0 // start of the run not yet written
	for i := 0; i <= len(rs); i++ {
		if i == len(rs) || needsEscape(rs[i]) {
			e.runes(rs[p:i])
			p = i
			if i < len(rs) {
				e.ascii(escape(rs[i]))
				p = i + 1
			}
		}
		// A break may come at a blank or after an escape, where p is i or more,
		// and never next to the quotes.
		if !split || i <= 0 || i >= len(rs)-1 || rs[i] != ' ' && p < i || e.col+i-p <= width {
			continue
		}
		soft := canBreakSoftly(rs, p, i)
		if p < i {
			e.runes(rs[p:i])
			p = i
		}
		if !soft {
			e.ascii(`\`)
		}
		e.breakLine(ind)
		if rs[p] == ' ' {
			if soft {
				p++ // the line break is read as this blank
			} else {
				e.ascii(`\`)
			}
		}
	}
	e.ascii(`"`)
}

// canBreakSoftly reports whether a plain line break before character i, with
// unwritten text from p, is folded back into one blank when it is read.
func canBreakSoftly(rs []rune, p, i int) bool {
	if p == i {
		return false
	}
	q := i
	for ; q < len(rs) && rs[q] != ' '; q++ {
		if rs[q] == '\n' || rs[q] == '"' || rs[q] == '\'' {
			return false
		}
	}
	if q+1 >= len(rs) || rs[q+1] == ' ' || rs[q+1] == '\n' {
		return false
	}
	return rs[i-1] != ' ' || rs[i] != ' '
}

// runes writes printable characters, each one column wide.
func (e *emitter) runes(rs []rune) {
	for _, r := range rs {
		e.buf = utf8.AppendRune(e.buf, r)
	}
	e.col += len(rs)
}

// needsEscape reports what double quotes cannot hold as it is. NEL, LS and PS
// are printable, and would be read as breaks.
func needsEscape(r rune) bool {
	switch r {
	case '"', '\\', 0x85, 0x2028, 0x2029, 0xfeff:
		return true
	}
	return r < 0x20 || r > 0x7e && (r < 0xa0 || r > 0xd7ff) && (r < 0xe000 || r > 0xfffd) && r < 0x10000
}

// escape is the escape sequence of r: a letter if YAML has one, else two, four
// or eight hexadecimal digits in capitals.
func escape(r rune) string {
	const from, to = "\x00\a\b\t\n\v\f\r\x1b\"\\\u0085\u00a0\u2028\u2029", `0abtnvfre"\N_LP`
	i := 0
	for _, f := range from {
		if f == r {
			return `\` + to[i:i+1]
		}
		i++
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}
