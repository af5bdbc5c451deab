package dvcyaml

// flowCollection parses [...] or {...}.
func (p *parser) flowCollection() (*Node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("nested more than %d levels deep", maxDepth)
	}
	defer func() { p.depth-- }()
	// Inside brackets tabs separate tokens and , [ ] { } end plain scalars.
	p.flow++
	defer func() { p.flow-- }()
	from, comments := p.pos, p.comments
	parse := p.flowMapping
	if p.at(0) == '[' {
		parse = p.flowSequence
	}
	n, err := parse()
	// Comments between entries have no place in what is remembered of a node.
	// Such a collection is kept as its text, and written so unless something in
	// it changes.
	if err == nil && n.text != nil && p.comments > comments {
		n.text.raw = p.src[from:p.pos]
	}
	return n, err
}

// flowNext passes what separates the entries of a collection opened at n and
// reports its end.
func (p *parser) flowNext(n *Node, first bool, end byte) (done bool, err error) {
	p.skip()
	if p.pos >= len(p.src) || p.docMark() {
		return false, p.failAt(n, "expected ',' or '%c', but the document ends", end)
	}
	if p.at(0) == end {
		p.pos++
		return true, nil
	}
	if first {
		return false, nil
	}
	if p.at(0) != ',' {
		return false, p.fail("expected ',' or '%c'", end)
	}
	p.pos++
	p.skip()
	if p.at(0) == end {
		p.pos++
		return true, nil
	}
	return false, nil
}

// flowSequence parses [...] at its bracket.
func (p *parser) flowSequence() (*Node, error) {
	n := p.newNode(Sequence)
	n.flow()
	p.pos++
	list := make([]any, 0, 4)
	for first := true; ; first = false {
		done, err := p.flowNext(n, first, ']')
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
		item, err := p.flowItem()
		if err != nil {
			return nil, err
		}
		if !p.lean {
			n.Items = append(n.Items, item)
		}
		list = append(list, item.Value)
		n.size += item.size
		p.release(item)
	}
	n.Value = list
	return n, p.grow(n)
}

// flowItem parses an entry of a sequence: a node, or one pair without braces.
func (p *parser) flowItem() (*Node, error) {
	explicit := p.at(0) == '?'
	start := p.place
	var key *Node
	var err error
	if explicit {
		p.pos++
		p.skip()
	}
	if explicit && p.flowNothing() {
		key = p.newNode(Scalar)
	} else if key, err = p.flowNode(); err != nil {
		return nil, err
	}
	after := p.place
	p.skip()
	if p.at(0) != ':' || !p.blankAt(p.pos+1) {
		if explicit {
			return p.singlePair(start, key, p.newNode(Scalar))
		}
		p.place = after
		return key, nil
	}
	// Without the question mark a key has to be a simple one.
	if !explicit && p.line != start.line {
		return nil, p.fail("a key must stand on one line")
	}
	p.pos++
	value, err := p.flowValue()
	if err != nil {
		return nil, err
	}
	return p.singlePair(start, key, value)
}

// singlePair is the mapping of one pair that stands without braces between
// brackets; start is where its key, or the question mark, stands.
func (p *parser) singlePair(start place, key, value *Node) (*Node, error) {
	n := p.newNodeAt(start, Mapping)
	n.flow()
	m := &Map{}
	if err := p.add(n, m, key, value); err != nil {
		return nil, err
	}
	n.Value = m
	return n, p.merge(n, m)
}

// flowMapping parses {...} at its brace. An entry may be a key alone, with a
// null for its value.
func (p *parser) flowMapping() (*Node, error) {
	n := p.newNode(Mapping)
	n.flow()
	m := &Map{}
	p.pos++
	for first := true; ; first = false {
		done, err := p.flowNext(n, first, '}')
		if err != nil {
			return nil, err
		}
		if done {
			break
		}
		line, explicit := p.line, p.at(0) == '?'
		if explicit {
			p.pos++
			p.skip()
		}
		var key *Node
		if p.at(0) == ':' || explicit && p.flowNothing() {
			key = p.newNode(Scalar)
		} else if key, err = p.flowNode(); err != nil {
			return nil, err
		}
		p.skip()
		value := p.newNode(Scalar)
		if p.at(0) == ':' {
			if p.line != line && !explicit {
				return nil, p.fail("expected ',' or '}', but found ':' after a key of several lines")
			}
			p.pos++
			if value, err = p.flowValue(); err != nil {
				return nil, err
			}
		}
		if err := p.add(n, m, key, value); err != nil {
			return nil, err
		}
	}
	n.Value = m
	return n, p.merge(n, m)
}

// flowNothing reports that an empty key or value stands here.
func (p *parser) flowNothing() bool {
	switch p.at(0) {
	case ',', ']', '}', ':':
		return true
	}
	return false
}

// flowValue parses what follows a colon, which may be nothing.
func (p *parser) flowValue() (*Node, error) {
	p.skip()
	if p.at(0) != ':' && p.flowNothing() {
		return p.newNode(Scalar), nil
	}
	return p.flowNode()
}

// flowNode parses one node inside brackets.
func (p *parser) flowNode() (*Node, error) {
	start := p.place
	props, err := p.properties()
	if err != nil {
		return nil, err
	}
	if props.set {
		p.skip()
		switch p.at(0) {
		case ',', ']', '}', ':':
			return p.scalarTag(p.newNode(Scalar), props)
		}
	}
	if p.ended() {
		return nil, p.fail("unexpected end of the document")
	}
	n, plain, err := p.atom(start, props)
	if err != nil || plain == "" {
		return n, err
	}
	// Within brackets indentation does not matter. More lines make another
	// scalar, to be resolved anew.
	if full := p.plainRest(plain, -1); len(full) != len(plain) {
		return n, p.resolvePlain(n, full, props)
	}
	return n, nil
}
