package dvcyaml

import (
	"strings"
	"unicode/utf8"
)

// text is what a Document remembers of a node besides its value.
// It is nil unless the parser keeps it, for a Document; nodes that edits add
// have an empty one.
type text struct {
	lead     string // comments before the node, from the end of its indicator
	leadCol  int    // the column where lead begins
	before   string // whole lines above a key or an item, from after a collection in brackets or nothing
	after    string // comments after the node, from its end to the next token
	afterCol int    // the column where after begins
	source   string // a plain scalar as it was typed
	inFlow   bool   // in brackets
	raw      string // a collection in brackets with comments inside, verbatim
	header   string // of a block scalar: its first line
	body     string // and the lines below it
	inner    int    // and their indentation
	anchor   string
	tag      string
	alias    string
	own      []Pair // the pairs of a mapping with <<, before the merge
}

// flow marks a collection as one in brackets.
func (n *Node) flow() {
	if n.text != nil {
		n.text.inFlow = true
	}
}

// lead is the text between an indicator and its node.
type lead struct {
	text string
	col  int
}

// lead passes blanks and comments up to the next token.
func (p *parser) lead() lead {
	if !p.keep {
		p.skip()
		return lead{}
	}
	from, col := p.pos, p.column()
	p.skip()
	return lead{p.src[from:p.pos], col}
}

// onLine reports a comment at the end of the line.
func (l lead) onLine() bool {
	first, _, _ := strings.Cut(l.text, "\n")
	return strings.Contains(first, "#")
}

// below is the text after the end of the line.
func (l lead) below() string {
	_, rest, _ := strings.Cut(l.text, "\n")
	return rest
}

// taken returns the lines that wait for the next key or item.
func (p *parser) taken() string {
	s := p.before
	p.before = ""
	return s
}

// join adds the text after properties that stood on a line of their own; the
// column stays that of the first part.
func (l *lead) join(more lead) { l.text += more.text }

// into makes l the comments before n.
func (l lead) into(n *Node) {
	if n.text != nil {
		n.text.lead, n.text.leadCol = l.text, l.col
	}
}

// trail passes blanks and comments after a node.
// ruamel files a comment with the last token before it. So the loop goes down
// to the last entry that is written: a scalar, an alias or brackets. Whole
// lines below brackets belong to what comes next instead, in p.before.
func (p *parser) trail(n *Node) {
	l := p.lead()
	if n.text == nil || l.text == "" {
		return
	}
	last := n
	for {
		switch {
		case last.text.inFlow && !l.onLine() && last.text.after == "":
			p.before += l.below()
			return
		case last.text.inFlow || last.text.alias != "" || last.Kind == Scalar:
			last.text.after += l.text
			// Only the first part begins on the line of the node.
			if len(last.text.after) == len(l.text) {
				last.text.afterCol = l.col
			}
			return
		case last.Kind == Mapping && len(last.ownPairs()) > 0:
			last = last.ownPairs()[len(last.ownPairs())-1].Value
		case last.Kind == Sequence && len(last.Items) > 0:
			last = last.Items[len(last.Items)-1]
		default:
			return
		}
	}
}

// ownPairs are the pairs of a mapping as they are written.
// They are those of the file for a mapping with <<: Pairs has the merged ones,
// which must not be written out.
func (n *Node) ownPairs() []Pair {
	if n.text != nil && n.text.own != nil {
		return n.text.own
	}
	return n.Pairs
}

// comment writes the text between two tokens: a comment at the end of the line
// in its old column, or at least one blank away, and the lines below as they
// were. It always ends the line.
func (e *emitter) comment(s string, col int) {
	first, rest, more := strings.Cut(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	if i := strings.IndexByte(first, '#'); i >= 0 {
		// Columns are counted in characters on both sides.
		want := col + utf8.RuneCountInString(first[:i])
		e.indent(max(want-e.col, 1))
		e.buf = append(e.buf, first[i:]...)
	}
	e.newline()
	if more {
		e.lines(rest)
	}
}

// lines writes whole lines of comments and empty ones. What follows the last
// line break is the indentation of the next token, unless it is a comment.
func (e *emitter) lines(s string) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	for s != "" {
		line, rest, more := strings.Cut(s, "\n")
		blank := strings.TrimLeft(line, " \t") == ""
		if !more && blank {
			return
		}
		if !blank {
			e.buf = append(e.buf, line...)
		}
		e.newline()
		s = rest
	}
}
