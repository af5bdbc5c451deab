package dvcyaml

// run parses the whole stream: one document.
func (p *parser) run() (*Node, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	// The byte order mark is no character of the first line: columns count from
	// after it.
	if len(p.src) >= 3 && p.src[:3] == "\ufeff" {
		p.pos, p.lineStart = 3, 3
	}
	if err := p.directives(); err != nil {
		return nil, err
	}
	if p.docMark() && p.src[p.pos] == '.' {
		return nil, p.fail("expected the node content, but found the end of the document")
	}
	// The top stands as if inside a collection at column -1, so that everything
	// is further in.
	n, err := p.block(-1, false, true)
	if err != nil {
		return nil, err
	}
	p.trail(n)
	if p.docMark() && p.src[p.pos] == '.' {
		p.pos += 3
		p.skip()
	}
	if p.pos < len(p.src) {
		if p.docMark() {
			return nil, p.fail("expected a single document, but found another")
		}
		return nil, p.unexpected()
	}
	return n, nil
}

// directives passes %YAML and %TAG lines and the mark that ends them.
func (p *parser) directives() error {
	p.skip()
	seen := false
	for p.at(0) == '%' && p.pos == p.lineStart {
		seen = true
		from := p.pos
		p.comment()
		if err := p.tagDirective(p.src[from:p.pos]); err != nil {
			return err
		}
		p.skip()
	}
	if p.docMark() && p.src[p.pos] == '-' {
		p.pos += 3
		return nil
	}
	if seen {
		return p.fail("expected '---' after the directives")
	}
	// Without directives or a marker the text before the document is read
	// again: block takes it as comments of the first node.
	if p.keep {
		p.pos, p.line, p.lineStart = 0, 0, 0
		if len(p.src) >= 3 && p.src[:3] == "\ufeff" {
			p.pos, p.lineStart = 3, 3
		}
	}
	return nil
}
