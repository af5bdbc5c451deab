package dvcyaml

// text is what a Document remembers of a node besides its value.
type text struct {
	lead   string // comments before the node, from the end of its indicator
	after  string // comments after the node, from its end to the next token
	source string // a plain scalar as it was typed
	quoted bool
	inFlow bool   // in brackets
	header string // of a block scalar: its first line
	body   string // and the lines below it
	inner  int    // and their indentation
	anchor string
	tag    string
	alias  string
	own    []Pair // the pairs of a mapping with <<, before the merge
}

func (n *Node) flow() {
	if n.text != nil {
		n.text.inFlow = true
	}
}

// lead is the text between an indicator and its node.
type lead string

// lead passes blanks and comments up to the next token.
func (p *parser) lead() lead {
	from := p.pos
	p.skip()
	if !p.keep {
		return ""
	}
	return lead(p.src[from:p.pos])
}

func (l *lead) join(more lead) { *l += more }

func (l lead) into(n *Node) {
	if n.text != nil {
		n.text.lead = string(l)
	}
}

// trail passes blanks and comments after a node.
func (p *parser) trail(n *Node) {
	from := p.pos
	p.skip()
	if n.text != nil && from != p.pos {
		n.text.after = p.src[from:p.pos]
	}
}
