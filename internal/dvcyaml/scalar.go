package dvcyaml

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// startsPlain reports whether a plain scalar can begin at the current place.
func (p *parser) startsPlain() bool {
	switch c := p.at(0); c {
	// The indicators begin a plain scalar if no blank follows them.
	case '-':
		return !p.blankAt(p.pos + 1)
	case ':':
		if p.flow > 0 {
			next := p.at(1)
			return next != ' ' && next != '\t'
		}
		return !p.blankAt(p.pos + 1)
	case '?':
		return p.flow == 0 && !p.blankAt(p.pos+1)
	case 0, ' ', '\t', '\r', '\n', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	}
	return p.breakLen(p.pos) == 0
}

// plainEnd is the offset where the part of a plain scalar on this line ends.
func (p *parser) plainEnd() int {
	i := p.pos
	last := i // after the last character that is no blank
	for i < len(p.src) {
		switch c := p.src[i]; {
		case c == '\n' || c == '\r' || c == '\t':
			return last
		case c == ' ':
			for i < len(p.src) && p.src[i] == ' ' {
				i++
			}
			if i < len(p.src) && p.src[i] == '#' {
				return last
			}
			continue
		case c == ':' && p.blankAt(i+1):
			return last
		case p.flow > 0 && (c == ',' || c == '[' || c == ']' || c == '{' || c == '}'):
			return last
		case c >= utf8.RuneSelf && p.breakLen(i) > 0:
			return last
		}
		i++
		last = i
	}
	return last
}

// plainLine passes the first line of a plain scalar.
func (p *parser) plainLine() string {
	end := p.plainEnd()
	s := p.src[p.pos:end]
	p.pos = end
	return s
}

// plainRest passes the further lines of a plain scalar whose first line was s.
// In block context they are indented more than the collection around.
func (p *parser) plainRest(s string, indent int) string {
	var b strings.Builder
	for {
		mark := p.place
		p.skipBlanks()
		fold := p.fold()
		// A comment ends a plain scalar, even if text in the right column
		// follows. On failure the place goes back to before the break, where
		// the comment is found again.
		if fold == "" || p.ended() || p.at(0) == '#' || !p.continuesPlain() || p.flow == 0 && p.column() <= indent {
			p.place = mark
			break
		}
		if b.Len() == 0 {
			b.WriteString(s)
		}
		b.WriteString(fold)
		b.WriteString(p.plainLine())
	}
	if b.Len() == 0 {
		return s
	}
	return b.String()
}

func (p *parser) skipBlanks() {
	for p.at(0) == ' ' {
		p.pos++
	}
}

// continuesPlain reports whether the line at hand has text for a plain scalar:
// anything but what ends one.
func (p *parser) continuesPlain() bool {
	if p.at(0) == ':' && p.blankAt(p.pos+1) {
		return false
	}
	return p.at(0) != '\t' && (p.flow == 0 || strings.IndexByte(",[]{}", p.at(0)) < 0)
}

// fold passes a line break, the empty lines after it and the indentation of
// the next line, and returns what they stand for: a blank for one break,
// otherwise the breaks after the first. It stops at a document mark.
func (p *parser) fold() string {
	first := p.lineBreak()
	if first == "" {
		return ""
	}
	breaks := ""
	for !p.docMark() {
		p.skipBlanks()
		more := p.lineBreak()
		if more == "" {
			break
		}
		breaks += more
	}
	switch {
	// LS and PS are kept and not folded.
	case first != "\n":
		return first + breaks
	case breaks == "":
		return " "
	}
	return breaks
}

// quoted passes a scalar in quotes.
func (p *parser) quoted() (string, error) {
	quote := p.at(0)
	start := p.place
	p.pos++
	from := p.pos
	// Most quoted scalars have no escape and no break: they are a part of the
	// source and need no copy.
	i := strings.IndexAny(p.src[from:], "'\"\\\n\r\u0085\u2028\u2029")
	if i >= 0 && p.src[from+i] == quote && (quote == '"' || from+i+1 >= len(p.src) || p.src[from+i+1] != quote) {
		p.pos += i + 1
		return p.src[from : from+i], nil
	}
	var b strings.Builder
	for {
		if p.pos >= len(p.src) {
			return "", p.errorAt(start.line, start.lineStart, start.pos, "quoted scalar has no end")
		}
		c := p.src[p.pos]
		switch {
		case c == quote && quote == '\'' && p.at(1) == quote:
			b.WriteByte(quote)
			p.pos += 2
		case c == quote:
			p.pos++
			return b.String(), nil
		case c == '\\' && quote == '"':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		case c == ' ' || c == '\t' || p.breakLen(p.pos) > 0:
			if err := p.quotedBlanks(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
}

// quotedBlanks passes blanks and folds line breaks inside quotes.
func (p *parser) quotedBlanks(b *strings.Builder) error {
	from := p.pos
	for p.at(0) == ' ' || p.at(0) == '\t' {
		p.pos++
	}
	if p.breakLen(p.pos) == 0 {
		b.WriteString(p.src[from:p.pos])
		return nil
	}
	first := p.lineBreak()
	breaks, err := p.quotedBreaks()
	switch {
	case first != "\n":
		b.WriteString(first)
	case breaks == "":
		b.WriteByte(' ')
	}
	b.WriteString(breaks)
	return err
}

// quotedBreaks passes the blanks at the start of lines and empty lines.
func (p *parser) quotedBreaks() (string, error) {
	breaks := ""
	for {
		if p.docMark() {
			return "", p.fail("unexpected document separator in a quoted scalar")
		}
		for p.at(0) == ' ' || p.at(0) == '\t' {
			p.pos++
		}
		more := p.lineBreak()
		if more == "" {
			return breaks, nil
		}
		breaks += more
	}
}

const (
	// The n-th name stands for the n-th character of the values. A tab may be
	// written by its letter or by itself.
	escapeNames  = `0abt` + "\t" + `nvfre "/\N_LP`
	escapeValues = "\x00\a\b\t\t\n\v\f\r\x1b \"/\\\u0085\u00a0\u2028\u2029"
)

// escape passes an escape sequence in double quotes.
func (p *parser) escape(b *strings.Builder) error {
	c := p.at(1)
	if digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]; digits > 0 {
		from := p.pos + 2
		if from+digits <= len(p.src) {
			n, err := strconv.ParseUint(p.src[from:from+digits], 16, 32)
			if err == nil && n <= utf8.MaxRune {
				b.WriteRune(rune(n)) // half a surrogate pair becomes U+FFFD
				p.pos = from + digits
				return nil
			}
		}
		return p.fail("expected an escape sequence of %d hexadecimal digits", digits)
	}
	// A backslash at the end of a line joins it with the next, without the
	// blanks there.
	if p.breakLen(p.pos+1) > 0 {
		p.pos++
		p.lineBreak()
		breaks, err := p.quotedBreaks()
		b.WriteString(breaks)
		return err
	}
	if i := strings.IndexByte(escapeNames, c); i >= 0 && c != 0 {
		b.WriteRune([]rune(escapeValues)[i])
		p.pos += 2
		return nil
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.pos+1:])
	return p.fail("unknown escape character %q", r)
}
