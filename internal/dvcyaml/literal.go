package dvcyaml

import "strings"

// blockScalar passes a scalar introduced by | or >, inside a collection at
// column indent (-1 at the top).
func (p *parser) blockScalar(n *Node, indent int) (string, error) {
	folded := p.at(0) == '>'
	chomp, increment, err := p.blockHeader(n)
	if err != nil {
		return "", err
	}
	from := p.pos
	var b strings.Builder
	var breaks string
	// least is the smallest column its lines may have. At the top that is 0,
	// where a document mark would end the scalar, and nowhere else.
	least := indent + 1
	inner := least
	if increment > 0 {
		// An indicator counts from the collection around, and at the top from
		// the left margin: hence the 1.
		inner = max(least, 1) + increment - 1
		breaks = p.blockBreaks(inner)
	} else {
		var widest int
		breaks, widest = p.leadingBreaks()
		inner = max(inner, widest)
		p.blockIndent(inner)
	}
	if n.text != nil {
		n.text.inner = inner
	}
	// lineBreak is the break after the last line with text, breaks the empty
	// lines that followed it. They are written only when another line comes, so
	// that the end can be chomped.
	lineBreak := ""
	for p.pos < len(p.src) && p.pos-p.lineStart == inner && !(least == 0 && p.docMark()) {
		b.WriteString(breaks)
		leading := p.at(0) != ' ' && p.at(0) != '\t'
		start := p.pos
		for p.pos < len(p.src) && p.breakLen(p.pos) == 0 {
			p.pos++
		}
		b.WriteString(p.src[start:p.pos])
		lineBreak = p.lineBreak()
		breaks = p.blockBreaks(inner)
		if p.pos >= len(p.src) || p.pos-p.lineStart != inner || least == 0 && p.docMark() {
			break
		}
		// Only between two lines that begin with text does > fold; a line that
		// begins with a blank keeps the breaks around it.
		if folded && lineBreak == "\n" && leading && p.at(0) != ' ' && p.at(0) != '\t' {
			if breaks == "" {
				b.WriteByte(' ')
			}
		} else {
			b.WriteString(lineBreak)
		}
	}
	// - drops the last break, + keeps all, and neither of them keeps one.
	if chomp != '-' {
		b.WriteString(lineBreak)
	}
	if chomp == '+' {
		b.WriteString(breaks)
	}
	if n.text != nil {
		if chomp == 0 && lineBreak == "" && b.Len() > 0 { // the file ends without a line break
			n.text.header = n.text.header[:1] + "-" + n.text.header[1:]
		}
		n.text.body = p.src[from:p.pos]
		if rest := max(from, p.lineStart); strings.Trim(p.src[rest:p.pos], " ") == "" {
			n.text.body = p.src[from:rest] // without the indentation of the next token
		}
	}
	if strings.Trim(p.src[max(from, p.lineStart):p.pos], " ") == "" {
		p.pos = max(from, p.lineStart) // the indentation is not the scalar's
	}
	return b.String(), nil
}

// blockHeader passes the line of | or > with its indicators.
func (p *parser) blockHeader(n *Node) (chomp byte, increment int, err error) {
	from, digit := p.pos, 0
	p.pos++
	// The two indicators may come in either order.
	for range 2 {
		switch c := p.at(0); {
		case (c == '+' || c == '-') && chomp == 0:
			chomp = c
			p.pos++
		case c >= '1' && c <= '9' && increment == 0:
			increment = int(c - '0')
			digit = p.pos - from
			p.pos++
		case c == '0':
			return 0, 0, p.fail("expected an indentation indicator from 1 to 9")
		}
	}
	if n.text != nil {
		n.text.header = p.src[from:p.pos]
		if digit > 0 { // it is written with an indentation of two
			n.text.header = n.text.header[:digit] + "2" + n.text.header[digit+1:]
		}
	}
	if !p.blankAt(p.pos) {
		return 0, 0, p.fail("expected chomping or indentation indicators, but found %q", p.src[p.pos])
	}
	comment := p.pos
	p.skipBlanks()
	if p.at(0) == '#' {
		p.comment()
		if n.text != nil {
			n.text.header += p.src[comment:p.pos]
		}
	}
	if p.pos < len(p.src) && p.lineBreak() == "" {
		return 0, 0, p.fail("expected a comment or a line break after the block scalar indicator")
	}
	return chomp, increment, nil
}

// leadingBreaks looks over the empty lines at the start of a block scalar; the
// longest of them, and the first line with text, give its indentation.
func (p *parser) leadingBreaks() (breaks string, widest int) {
	for {
		mark := p.place
		p.skipBlanks()
		widest = max(widest, p.pos-p.lineStart)
		if p.breakLen(p.pos) == 0 {
			p.place = mark
			return breaks, widest
		}
		breaks += p.lineBreak()
	}
}

// blockIndent passes up to inner blanks at the start of a line.
func (p *parser) blockIndent(inner int) {
	for p.pos-p.lineStart < inner && p.at(0) == ' ' {
		p.pos++
	}
}

// blockBreaks passes indentation and empty lines.
// The breaks it returns are those of the empty lines. The place is then at
// column inner, or further left where the scalar ends.
func (p *parser) blockBreaks(inner int) string {
	breaks := ""
	for {
		p.blockIndent(inner)
		more := p.lineBreak()
		if more == "" {
			return breaks
		}
		breaks += more
	}
}
