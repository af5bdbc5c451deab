package dvcyaml

import (
	"math/big"
	"strings"
)

// Bytes writes the document.
func (d *Document) Bytes() []byte {
	// Which anchors are written is known only here: an edit may have removed
	// the entry that had one, and then the first alias is written in full and
	// takes the name over.
	w := rewriter{written: map[string]bool{}}
	n := d.root
	if n.text.lead != "" {
		top := dropMarker(n.text.lead)
		if n.text.leadCol > 0 { // it stood beside {} or []
			top = strings.TrimLeft(top, " ")
		}
		if top[:min(1, len(top))] == "\n" {
			top = top[1:] // the first line is lost if it is empty
		}
		w.lines(top)
	}
	switch {
	case n.Kind == Mapping && len(n.ownPairs()) > 0 && !n.text.inFlow:
		w.mapping(n, 0)
	case n.Kind == Sequence && len(n.Items) > 0 && !n.text.inFlow:
		w.sequence(n, 0)
	case n.Kind == Scalar:
		w.buf = w.topScalar(n.Value)
	default:
		w.flow(n, 0, false)
		w.comment(n.text.after, n.text.afterCol)
	}
	w.lines(d.tail)
	return w.buf
}

// dropMarker removes the lines of directives and the document start from the
// comments at the top.
func dropMarker(s string) string {
	if !strings.Contains(s, "---") && !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "%") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// rewriter writes nodes with what is remembered of their text.
type rewriter struct {
	emitter
	written map[string]bool // anchors that were written
}

// mapping writes pairs with their keys at column ind.
func (w *rewriter) mapping(n *Node, ind int) {
	w.enter()
	defer w.leave()
	for _, p := range n.ownPairs() {
		w.above(p.Key)
		w.indent(ind - w.col)
		if w.properties(p.Key) {
			w.ascii(" ")
		}
		explicit := false
		switch {
		// An alias as a key needs a blank before the colon, which could be a
		// part of its name.
		case p.Key.text != nil && p.Key.text.alias != "":
			w.ascii("*" + p.Key.text.alias + " ")
		case p.Key.isMerge:
			w.ascii("<<")
		// An empty key stays empty: ": value".
		case p.Key.Value == nil && p.Key.text != nil && p.Key.text.source == "":
			w.ascii("")
		case p.Key.text != nil && p.Key.text.source != "" && !isString(p.Key.Value):
			w.ascii(p.Key.text.source)
		default:
			explicit = w.key(p.Key.Value, ind)
		}
		if explicit {
			w.newline()
			w.indent(ind)
		}
		w.ascii(":")
		compact := explicit && (p.Value.Kind != Scalar || p.Value.Value != nil) // ":" alone has no blank
		w.value(p.Value, ind, compact)
	}
}

// above writes the lines above a key or an item.
func (w *rewriter) above(n *Node) {
	if n.text == nil || n.text.before == "" {
		return
	}
	if w.col > 0 { // beside the dash of a sequence: no line can stand here
		return
	}
	w.lines(n.text.before)
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

// sequence writes items with their dashes at column ind.
func (w *rewriter) sequence(n *Node, ind int) {
	w.enter()
	defer w.leave()
	for _, item := range n.Items {
		w.above(item)
		w.indent(ind - w.col)
		w.ascii("-")
		w.value(item, ind, true)
	}
}

// properties writes the anchor and the tag of a node, with no blank after
// them.
func (w *rewriter) properties(n *Node) bool {
	if n.text == nil {
		return false
	}
	any := false
	if n.text.anchor != "" {
		w.text("&" + n.text.anchor)
		w.written[n.text.anchor] = true
		any = true
	}
	if n.text.tag != "" {
		if any {
			w.ascii(" ")
		}
		w.text(tagText(n.text.tag))
		any = true
	}
	return any
}

// tagText is the short form of a tag in full; handles of %TAG are gone with
// their directive.
func tagText(tag string) string {
	if s, ok := strings.CutPrefix(tag, yamlTag); ok {
		return "!!" + s
	}
	if strings.HasPrefix(tag, "!") {
		return tag
	}
	return "!<" + tag + ">"
}

// value writes what follows "key:" or "-" at column ind, with the line end and
// the comments after it. compact says that a collection may begin on the line.
func (w *rewriter) value(n *Node, ind int, compact bool) {
	if n.text == nil {
		n.text = &text{}
	}
	t := n.text
	if t.alias != "" && w.written[t.alias] {
		w.text(" *" + t.alias)
		w.comment(t.after, t.afterCol)
		return
	}
	// What is empty cannot be written as a block.
	block := !t.inFlow && !n.empty()
	if block {
		w.block(n, ind, compact)
		return
	}
	// A comment between the key and a scalar below it comes to stand behind the
	// scalar, on one line with the key.
	if t.after == "" && strings.ContainsRune(t.lead, '#') {
		t.after, t.afterCol = t.lead, t.leadCol
	}
	mark := w.col
	w.ascii(" ")
	if t.alias != "" {
		w.text("&" + t.alias)
		w.written[t.alias] = true
		w.ascii(" ")
	} else if w.properties(n) {
		w.ascii(" ")
	}
	switch {
	case n.Kind != Scalar:
		w.flow(n, ind+2, false)
	// literal writes the lines after it as well.
	case t.header != "" && isString(n.Value):
		w.literal(n, ind+2)
		return
	case n.Value == nil && (t.tag == "" || t.source == ""):
		if !compact || w.col > mark+1 { // "- " keeps its blank, "key:" has none
			w.unspace()
		}
	case t.tag != "" && t.source != "":
		w.text(t.source)
	case t.source != "" && !isString(n.Value):
		w.number(n, ind+2)
	default:
		w.scalar(n.Value, ind+2)
	}
	w.comment(t.after, t.afterCol)
}

// unspace takes the last blank back.
func (w *rewriter) unspace() {
	w.buf = w.buf[:len(w.buf)-1]
	w.col--
}

// number writes a scalar that is no string as it was typed, except for what
// has one spelling only.
func (w *rewriter) number(n *Node, ind int) {
	s := n.text.source
	switch n.Value.(type) {
	case bool:
		s = scalarText(n.Value)
	// Decimal digits are written by value, without a plus sign; ruamel
	// remembers the form of 0x, 0o, underscores and leading zeros.
	case int64, *big.Int:
		if digits := trimSign(s); run(digits, isDigit) == len(digits) && digits[0] != '0' {
			s = scalarText(n.Value)
		}
	}
	w.word(s, ind)
}

// block writes a collection in block style below or beside its indicator.
func (w *rewriter) block(n *Node, ind int, compact bool) {
	t := n.text
	beside := compact
	if t.anchor != "" || t.tag != "" || t.alias != "" {
		w.ascii(" ")
		if t.alias != "" {
			w.text("&" + t.alias)
			w.written[t.alias] = true
		} else {
			w.properties(n)
		}
		beside = false
	}
	// A comment or an empty line between the indicator and the block is kept;
	// the block must then begin on a line of its own.
	if strings.ContainsRune(t.lead, '#') || strings.Count(t.lead, "\n") > 1 {
		w.comment(t.lead, t.leadCol)
	} else if beside {
		w.ascii(" ")
	} else {
		w.newline()
	}
	switch {
	case n.Kind == Mapping:
		w.mapping(n, ind+2)
	// Inside another sequence, whose dash is at ind, the dashes stand two
	// columns further; below a key they stand under it.
	case compact:
		w.sequence(n, ind+2)
	default:
		w.sequence(n, ind)
	}
}

// literal writes a block scalar with its lines moved to column ind, or in
// quotes where the lines would not be read back as the value.
func (w *rewriter) literal(n *Node, ind int) {
	t := n.text
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(t.body, "\r\n", "\n")) {
		line = strings.TrimSuffix(line, "\n")
		lines = append(lines, line[min(t.inner, len(line)):])
	}
	// The value may have been replaced, or the new indentation may be
	// ambiguous. Below a block without lines a comment would be its text, as it
	// is in what ruamel.yaml writes.
	bare := strings.Join(lines, "") == "" && strings.Contains(t.after, "#")
	if bare || !readsBack(t.header, lines, n.Value) {
		w.scalar(n.Value, ind)
		w.comment(t.after, t.afterCol)
		return
	}
	w.text(t.header)
	w.newline()
	for _, line := range lines {
		if line != "" {
			w.indent(ind)
			w.text(line)
		}
		w.newline()
	}
	if t.after != "" {
		w.lines(dedent(t.after, ind-1))
	}
}

// dedent moves the first comment of s to a column of at most limit, so that it
// is not taken for a line of the block scalar above it.
func dedent(s string, limit int) string {
	i := strings.IndexByte(s, '#')
	if i < 0 {
		return s
	}
	start := strings.LastIndexByte(s[:i], '\n') + 1
	return s[:start] + s[start:][max(0, i-start-limit):]
}

// readsBack reports whether a block scalar with these lines has this value.
func readsBack(header string, lines []string, value any) bool {
	var b strings.Builder
	b.WriteString("? " + header + "\n")
	for _, line := range lines {
		if line != "" {
			b.WriteString("  " + line)
		}
		b.WriteByte('\n')
	}
	v, err := Decode("", []byte(b.String()))
	m, ok := v.(*Map)
	return err == nil && ok && m.Len() == 1 && m.Keys()[0] == value
}
