package dvcyaml

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// parser holds the place in the source. Lines are counted as they are passed.
type parser struct {
	place
	file     string
	src      string
	depth    int
	size     int    // nodes so far, aliases counted in full
	flow     int    // nesting of [] and {}
	comments int    // comments passed so far
	before   string // lines of comments that belong to the next key or item
	anchors  map[string]*Node
	tags     map[string]string // handles of %TAG
	slab     []Node
	counted  counted
	old      bool // the document says %YAML 1.1
	keep     bool // keep comments and styles, for a Document
	lean     bool // only the value is wanted, and there are no anchors: nodes are used again
	spare    []*Node
	names    [64]any // keys met lately, so that equal ones share their memory
}

// place is a place in the source.
type place struct {
	pos       int
	line      int // from 0
	lineStart int // offset of the first byte of the line
}

// maxSize bounds the nodes that a document may have when every alias is
// counted in full: a few aliases of aliases can describe billions.
const maxSize = 2_000_000

// errorAt is an error at an offset of a line that begins at lineStart; line
// counts from 0, the error's own numbers from 1.
func (p *parser) errorAt(line, lineStart, pos int, format string, args ...any) error {
	pos = min(pos, len(p.src))
	return &SyntaxError{
		File: p.file, Line: line + 1, Column: utf8.RuneCountInString(p.src[lineStart:pos]) + 1,
		Msg: fmt.Sprintf(format, args...),
	}
}

// fail is an error at the current place.
func (p *parser) fail(format string, args ...any) error {
	return p.errorAt(p.line, p.lineStart, p.pos, format, args...)
}

// failAt is an error at a node.
func (p *parser) failAt(n *Node, format string, args ...any) error {
	return &SyntaxError{File: p.file, Line: n.Line, Column: n.Column, Msg: fmt.Sprintf(format, args...)}
}

// validate refuses what YAML allows nowhere: bad UTF-8 and control characters.
func (p *parser) validate() error {
	s := p.src
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f || c == '\n' {
			i++
			continue
		}
		r, n := rune(c), 1
		if c >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		switch {
		case r == utf8.RuneError && n == 1:
			return p.invalid(i, "not valid UTF-8")
		case !isPrintable(r) && r != '\t' && r != '\r' && (r != 0xfeff || i > 0):
			return p.invalid(i, fmt.Sprintf("special characters are not allowed: %U", r))
		}
		i += n
	}
	return nil
}

// invalid is an error at an offset before parsing began, whose line has yet to
// be counted.
func (p *parser) invalid(at int, msg string) error {
	before := p.src[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return p.errorAt(strings.Count(before, "\n"), start, at, "%s", msg)
}

// at returns the byte i places ahead, and 0 past the end (the text itself
// holds no NUL).
func (p *parser) at(i int) byte {
	if p.pos+i < len(p.src) {
		return p.src[p.pos+i]
	}
	return 0
}

// breakLen is the length of the line break at offset i, 0 if there is none.
func (p *parser) breakLen(i int) int {
	if i >= len(p.src) {
		return 0
	}
	switch c := p.src[i]; {
	case c == '\n':
		return 1
	case c == '\r':
		if i+1 < len(p.src) && p.src[i+1] == '\n' {
			return 2
		}
		return 1
	case c < utf8.RuneSelf:
		return 0
	case strings.HasPrefix(p.src[i:], "\u0085"):
		return 2
	case strings.HasPrefix(p.src[i:], "\u2028"), strings.HasPrefix(p.src[i:], "\u2029"):
		return 3
	}
	return 0
}

// lineBreak passes a line break and returns what it stands for in a scalar:
// "\n", or LS or PS themselves, or "" where there is none.
func (p *parser) lineBreak() string {
	n := p.breakLen(p.pos)
	if n == 0 {
		return ""
	}
	text := "\n"
	if n == 3 {
		text = p.src[p.pos : p.pos+3]
	}
	p.pos += n
	p.line++
	p.lineStart = p.pos
	return text
}

// blankAt reports a blank, a line break or the end at offset i.
func (p *parser) blankAt(i int) bool {
	return i >= len(p.src) || p.src[i] == ' ' || p.src[i] == '\t' || p.breakLen(i) > 0
}

// column is the number of characters before the current place on its line.
func (p *parser) column() int { return p.columnOf(p.place) }

// It counts from the place asked about before, so that a long line is counted once
// and not for each of its nodes.
func (p *parser) columnOf(at place) int {
	n := at.pos - at.lineStart
	if n == 0 || n <= 8 && p.src[at.pos-1] == ' ' {
		return n // short indentation
	}
	c := &p.counted
	switch {
	case at.lineStart != c.lineStart || at.pos-at.lineStart < c.pos-at.pos:
		c.column = utf8.RuneCountInString(p.src[at.lineStart:at.pos])
	case at.pos < c.pos:
		c.column -= utf8.RuneCountInString(p.src[at.pos:c.pos])
	default:
		c.column += utf8.RuneCountInString(p.src[c.pos:at.pos])
	}
	c.lineStart, c.pos = at.lineStart, at.pos
	return c.column
}

// counted is the last place whose column was counted.
type counted struct{ lineStart, pos, column int }

// firstOnLine reports whether only blanks precede the current place.
func (p *parser) firstOnLine() bool { return p.firstAt(p.place) }

// firstAt is firstOnLine for another place; tabs are no indentation.
func (p *parser) firstAt(at place) bool {
	for i := at.pos - 1; i >= at.lineStart; i-- {
		if p.src[i] != ' ' {
			return false
		}
	}
	return true
}

// skip passes blanks, comments and line breaks up to the next token. Tabs
// separate tokens only within brackets.
func (p *parser) skip() {
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == ' ', c == '\t' && p.flow > 0:
			p.pos++
		case c == '#':
			p.comments++
			p.comment()
		case p.lineBreak() == "":
			return
		}
	}
}

// comment passes the rest of a line.
func (p *parser) comment() {
	for p.pos < len(p.src) && p.breakLen(p.pos) == 0 {
		p.pos++
	}
}

// skipSpaces passes blanks on the line.
func (p *parser) skipSpaces() {
	for p.at(0) == ' ' || p.at(0) == '\t' && p.flow > 0 {
		p.pos++
	}
}

// docMark reports "---" or "..." at the start of a line, which end whatever is
// open.
func (p *parser) docMark() bool {
	if p.pos != p.lineStart || p.pos+3 > len(p.src) {
		return false
	}
	mark := p.src[p.pos : p.pos+3]
	return (mark == "---" || mark == "...") && p.blankAt(p.pos+3)
}

// ended reports the end of the document at the current place.
func (p *parser) ended() bool { return p.pos >= len(p.src) || p.docMark() }

// release gives nodes back once their values are taken.
func (p *parser) release(nodes ...*Node) {
	if p.lean {
		p.spare = append(p.spare, nodes...)
	}
}

// intern returns a string as an interface value, the same one for a key that
// was met lately.
func (p *parser) intern(s string) any {
	if s == "" {
		return s
	}
	// A small table without collisions handled: the newcomer takes the slot.
	// Keys such as path and md5 repeat thousands of times in one file.
	slot := &p.names[(int(s[0])*7+int(s[len(s)-1])*3+len(s))%len(p.names)]
	if old, ok := (*slot).(string); ok && old == s {
		return *slot
	}
	*slot = s
	return *slot
}

// newNode makes a node with the current place: a released one if there is any,
// or one from a slab, which saves allocations.
func (p *parser) newNode(k Kind) *Node {
	var n *Node
	if last := len(p.spare) - 1; last >= 0 {
		n = p.spare[last]
		p.spare = p.spare[:last]
		*n = Node{}
	} else {
		if len(p.slab) == 0 {
			p.slab = make([]Node, 32)
		}
		n = &p.slab[0]
		p.slab = p.slab[1:]
	}
	n.Kind, n.Line, n.Column, n.size = k, p.line+1, p.column()+1, 1
	if p.keep {
		n.text = &text{}
	}
	return n
}
