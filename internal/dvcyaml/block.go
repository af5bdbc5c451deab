package dvcyaml

import "strings"

// block parses the node of a collection at column indent. dash says that a
// sequence may begin at that very column; compact, that a collection may begin
// on the line of the indicator before.
func (p *parser) block(indent int, dash, compact bool) (*Node, error) {
	lead := p.lead()
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested more than %d levels deep", maxDepth)
	}
	defer func() { p.depth-- }()
	if !p.inside(indent, dash) {
		return p.empty(lead), nil
	}
	start := p.place
	props, err := p.properties()
	if err != nil {
		return nil, err
	}
	if props.set && (p.pos >= len(p.src) || p.breakLen(p.pos) > 0 || p.at(0) == '#') {
		// the properties stand on a line of their own: they belong to the
		// node below
		more := p.lead()
		lead.join(more)
		if !p.inside(indent, dash) {
			return p.scalarTag(p.empty(lead), props)
		}
		n, err := p.content(p.place, indent, true, properties{}, lead)
		if err != nil {
			return nil, err
		}
		// The tag was not there when the scalar was read, so content could not
		// refuse it.
		if n.Kind == Scalar && props.tag != "" && !strings.HasPrefix(props.tag, yamlTag) {
			return nil, p.failAt(n, "could not determine a constructor for the tag %q", props.tag)
		}
		return p.finish(n, props)
	}
	return p.content(start, indent, compact || p.firstAt(start), props, lead)
}

// inside reports whether the token at hand belongs to the node wanted in a
// collection at column indent.
func (p *parser) inside(indent int, dash bool) bool {
	if p.ended() {
		return false
	}
	if !p.firstOnLine() {
		return true
	}
	col := p.column()
	return col > indent || dash && col == indent && p.at(0) == '-' && p.blankAt(p.pos+1)
}

// empty is the node that stands for nothing.
// A comment on the line of the indicator is the node's own; whole lines below
// wait in p.before for the next key or item.
func (p *parser) empty(lead lead) *Node {
	n := p.newNode(Scalar)
	switch {
	case n.text == nil:
	case lead.onLine():
		n.text.after, n.text.afterCol = lead.text, lead.col
	default:
		p.before += lead.below()
	}
	return n
}

// content parses what follows the properties that began at start.
func (p *parser) content(start place, indent int, collection bool, props properties, lead lead) (*Node, error) {
	// An indicator counts only with a blank after it; else it begins a plain
	// scalar, as in -1 or :x.
	c := p.at(0)
	if (c == '-' || c == '?' || c == ':') && p.blankAt(p.pos+1) {
		if !collection || props.set && c != ':' {
			return nil, p.unexpected()
		}
		if props.set { // an empty key with an anchor or a tag
			key, err := p.scalarTag(p.newNode(Scalar), props)
			if err != nil {
				return nil, err
			}
			return p.mapping(key, p.columnOf(start), lead)
		}
		if c == '-' {
			return p.sequence(lead)
		}
		return p.mapping(nil, p.column(), lead)
	}
	if c == '|' || c == '>' {
		n := p.newNode(Scalar)
		lead.into(n)
		s, err := p.blockScalar(n, indent)
		if err != nil {
			return nil, err
		}
		n.Value = s
		return p.scalarTag(n, props)
	}
	n, plain, err := p.atom(start, props)
	if err != nil {
		return nil, err
	}
	// Only now is it known whether the atom is a value or the first key of a
	// mapping, which then begins at the column of its properties.
	if p.isKey(start) {
		if !collection {
			return nil, p.fail("mapping values are not allowed here")
		}
		return p.mapping(n, p.columnOf(start), lead)
	}
	if plain != "" {
		// A plain scalar may go on below, but a key may not: so the further
		// lines are read only here, after the colon was looked for.
		full := p.plainRest(plain, indent)
		// ruamel resolves a lone = to the tag of values, for which its safe and
		// round-trip constructors have nothing.
		if full == "=" && props.tag == "" {
			return nil, p.failAt(n, "could not determine a constructor for a plain '='")
		}
		if err := p.resolvePlain(n, full, props); err != nil {
			return nil, err
		}
		if p.at(0) == ':' && p.blankAt(p.pos+1) {
			return nil, p.fail("mapping values are not allowed here")
		}
	}
	lead.into(n)
	return n, nil
}

// atom parses an alias, a scalar other than a block scalar, or a collection in
// brackets. Of a plain scalar only the first line is passed, and its text
// returned.
func (p *parser) atom(start place, props properties) (n *Node, plain string, err error) {
	switch c := p.at(0); {
	case c == '*':
		n, err = p.alias(props)
	case c == '"' || c == '\'':
		n = p.newNodeAt(start, Scalar)
		n.Value, err = p.quoted()
		if err == nil {
			n, err = p.scalarTag(n, props)
		}
	case c == '[' || c == '{':
		n, err = p.flowCollection()
		if err == nil {
			n, err = p.finish(n, props)
		}
	// Resolved for its first line, which is right if it becomes a key or ends
	// here; content resolves it again with the further lines.
	case p.startsPlain():
		n = p.newNodeAt(start, Scalar)
		plain = p.plainLine()
		err = p.resolvePlain(n, plain, props)
	case props.set: // a tag or an anchor before nothing, as in "!!str : x"
		n, err = p.scalarTag(p.newNode(Scalar), props)
	default:
		err = p.unexpected()
	}
	return n, plain, err
}

// newNodeAt makes a node with the place of start.
func (p *parser) newNodeAt(start place, k Kind) *Node {
	n := p.newNode(k)
	n.Line, n.Column = start.line+1, p.columnOf(start)+1
	return n
}

// isKey reports whether what began at start is a key: on one line, with a
// colon after it.
func (p *parser) isKey(start place) bool {
	if start.line != p.line {
		return false
	}
	i := p.pos
	for i < len(p.src) && p.src[i] == ' ' {
		i++
	}
	return i < len(p.src) && p.src[i] == ':' && p.blankAt(i+1)
}

// sequence parses the items whose dashes stand at the current column.
func (p *parser) sequence(lead lead) (*Node, error) {
	col := p.column()
	n := p.newNode(Sequence)
	lead.into(n)
	list := make([]any, 0, 2)
	for {
		before := p.taken()
		p.pos++
		item, err := p.block(col, false, true)
		if err != nil {
			return nil, err
		}
		if item.text != nil {
			item.text.before = before
		}
		if !p.lean {
			n.Items = append(n.Items, item)
		}
		list = append(list, item.Value)
		n.size += item.size
		p.trail(item)
		p.release(item)
		if p.ended() || p.firstOnLine() && p.column() < col {
			break
		}
		if !p.firstOnLine() || p.column() > col {
			return nil, p.unexpected()
		}
		if p.at(0) != '-' || !p.blankAt(p.pos+1) {
			break // the next key of the mapping around
		}
	}
	n.Value = list
	return n, p.grow(n)
}

// mapping parses the pairs whose keys stand at column col. The first key may
// have been read already; the parser is then before its colon.
func (p *parser) mapping(key *Node, col int, lead lead) (*Node, error) {
	n := p.newNode(Mapping)
	lead.into(n)
	if key != nil {
		n.Line, n.Column = key.Line, key.Column
	}
	m := &Map{}
	for {
		before := p.taken()
		k, value, err := p.pair(key, col)
		if err != nil {
			return nil, err
		}
		if k.text != nil {
			k.text.before = before
		}
		key = nil
		if err := p.add(n, m, k, value); err != nil {
			return nil, err
		}
		p.trail(value)
		if p.ended() || p.firstOnLine() && p.column() < col {
			break
		}
		if !p.firstOnLine() || p.column() > col {
			return nil, p.unexpected()
		}
	}
	n.Value = m
	return n, p.merge(n, m)
}

// pair parses a key, unless it is given, and its value.
func (p *parser) pair(key *Node, col int) (k, v *Node, err error) {
	// The explicit form: the key may be any node of several lines, and the
	// value stands after a colon at the same column, or is missing.
	if key == nil && p.at(0) == '?' && p.blankAt(p.pos+1) {
		p.pos++
		if key, err = p.block(col, true, true); err != nil {
			return nil, nil, err
		}
		p.trail(key)
		if p.ended() || p.column() != col || p.at(0) != ':' || !p.blankAt(p.pos+1) {
			return key, p.newNode(Scalar), nil
		}
		p.pos++
		v, err = p.block(col, true, true)
		return key, v, err
	}
	if key == nil {
		if key, err = p.simpleKey(); err != nil {
			return nil, nil, err
		}
	}
	p.skipBlanks()
	p.pos++ // the colon
	// Only after a colon in the column of the keys, with no key before it, may a
	// collection begin on the line of the colon.
	bare := key.Value == nil && key.Kind == Scalar && p.pos == p.lineStart+col+1
	v, err = p.block(col, true, bare)
	return key, v, err
}

// simpleKey parses a key on one line up to its colon.
func (p *parser) simpleKey() (*Node, error) {
	if p.at(0) == ':' && p.blankAt(p.pos+1) {
		return p.newNode(Scalar), nil
	}
	if p.at(0) == '-' && p.blankAt(p.pos+1) {
		return nil, p.unexpected()
	}
	start := p.place
	props, err := p.properties()
	if err != nil {
		return nil, err
	}
	key, _, err := p.atom(start, props)
	if err != nil {
		return nil, err
	}
	if !p.isKey(start) {
		return nil, p.errorAt(start.line, start.lineStart, start.pos, "could not find expected ':'")
	}
	return key, nil
}

// unexpected is the error for a token that has no business here.
func (p *parser) unexpected() error {
	switch c := p.at(0); {
	case p.pos >= len(p.src):
		return p.fail("unexpected end of the document")
	case c == '\t':
		return p.fail("found a tab, which cannot start any token")
	case c == '@' || c == '`' || c == '%':
		return p.fail("found character %q that cannot start any token", c)
	case c == '-' && p.blankAt(p.pos+1):
		return p.fail("sequence entries are not allowed here")
	case c == ':' && p.blankAt(p.pos+1):
		return p.fail("mapping values are not allowed here")
	case c == '?' && p.blankAt(p.pos+1):
		return p.fail("mapping keys are not allowed here")
	}
	line := p.src[p.pos:]
	// The rest of the line, up to some thirty bytes, is enough to find the
	// place.
	for i := range line {
		if p.breakLen(p.pos+i) > 0 || i > 30 {
			line = line[:i]
			break
		}
	}
	return p.fail("expected the end of the block, but found %q", line)
}
