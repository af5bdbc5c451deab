package params

import "slices"

// pyDepth bounds the nesting of expressions, as Python does.
const pyDepth = 200

// value passes the right side of an assignment.
func (p *pyGrammar) value() bool {
	if p.at("yield") {
		return p.yield()
	}
	return p.exprs()
}

func (p *pyGrammar) yield() bool {
	p.i++
	if p.eat("from") {
		return p.expr()
	}
	return p.i == len(p.toks) || p.at(")", "=") || p.exprs()
}

// exprs passes expressions between commas, which may end with one.
func (p *pyGrammar) exprs() bool {
	for {
		p.eat("*")
		if !p.named() {
			return false
		}
		if !p.eat(",") || p.i == len(p.toks) || p.at(")", "]", "}", "=", ":", "for", "+=") {
			return true
		}
	}
}

// named passes name := value, or an expression.
func (p *pyGrammar) named() bool {
	return p.try(func() bool { return p.name() && p.eat(":=") && p.expr() }) || p.expr()
}

// expr passes a conditional expression or a lambda.
func (p *pyGrammar) expr() bool {
	p.depth++
	defer func() { p.depth-- }()
	if p.depth > pyDepth {
		return false
	}
	if p.eat("lambda") {
		return p.params(":", false) && p.eat(":") && p.expr()
	}
	if !p.operation() {
		return false
	}
	return !p.eat("if") || p.operation() && p.eat("else") && p.expr()
}

// operation passes operands between operators, whatever their rank.
func (p *pyGrammar) operation() bool {
	for {
		for p.eat("-", "+", "~", "not", "await") {
		}
		if !p.primary() {
			return false
		}
		switch {
		case p.eat("+", "-", "*", "/", "//", "%", "@", "**", "<<", ">>", "&", "|", "^", "<", ">", "==", ">=", "<=", "!=", "and", "or", "in"):
		case p.eat("is"):
			p.eat("not")
		case p.try(func() bool { return p.eat("not") && p.eat("in") }):
		default:
			return true
		}
	}
}

// primary passes an atom with the calls, elements and attributes behind it.
func (p *pyGrammar) primary() bool {
	if !p.atom() {
		return false
	}
	for {
		switch {
		case p.eat("("):
			if !p.args() || !p.eat(")") {
				return false
			}
		case p.eat("["):
			if !p.subscripts() || !p.eat("]") {
				return false
			}
		case p.eat("."):
			if !p.name() {
				return false
			}
		default:
			return true
		}
	}
}

func (p *pyGrammar) atom() bool {
	switch {
	case p.kind('s'):
		for p.kind('s') {
			p.i++
		}
		return true
	case p.kind('0'):
		p.i++
		return true
	case p.eat("None", "True", "False", "..."), p.name():
		return true
	case p.eat("("):
		if p.eat(")") {
			return true
		}
		if p.at("yield") {
			return p.yield() && p.eat(")")
		}
		return p.elements() && p.eat(")")
	case p.eat("["):
		return p.eat("]") || p.elements() && p.eat("]")
	case p.eat("{"):
		return p.eat("}") || p.entries() && p.eat("}")
	}
	return false
}

// elements passes the items of a list or tuple, or a comprehension.
func (p *pyGrammar) elements() bool { return p.exprs() && p.loops() }

// loops passes the loops of a comprehension, if there are any.
func (p *pyGrammar) loops() bool {
	for {
		p.eatBefore("async", "for")
		if !p.eat("for") {
			return true
		}
		if !p.targets() || !p.eat("in") || !p.operationOr() {
			return false
		}
		for p.eat("if") {
			if !p.operationOr() {
				return false
			}
		}
	}
}

// operationOr is an expression that no if may follow: that is the comprehension's.
func (p *pyGrammar) operationOr() bool {
	if p.at("lambda") {
		return p.expr()
	}
	return p.try(func() bool { return p.name() && p.eat(":=") && p.operation() }) || p.operation() &&
		(!p.at("if") || p.try(func() bool { return p.eat("if") && p.operation() && p.eat("else") && p.expr() }) || true)
}

// entries passes those of a mapping or a set.
func (p *pyGrammar) entries() bool {
	for {
		if p.eat("**") {
			if !p.operation() {
				return false
			}
		} else {
			p.eat("*")
			if !p.named() || p.eat(":") && !p.expr() {
				return false
			}
		}
		if p.at("for", "async") {
			return p.loops()
		}
		if !p.eat(",") || p.at("}") {
			return true
		}
	}
}

// args passes the arguments of a call.
func (p *pyGrammar) args() bool {
	for !p.at(")") {
		switch {
		case p.eat("*", "**"):
			if !p.expr() {
				return false
			}
		case p.i+1 < len(p.toks) && p.kind('n') && p.toks[p.i+1].text == "=" && !slices.Contains(pyKeywords, p.toks[p.i].text):
			p.i += 2
			if !p.expr() {
				return false
			}
		default:
			if !p.named() || !p.loops() {
				return false
			}
		}
		if !p.eat(",") {
			break
		}
	}
	return p.at(")")
}

// subscripts passes indexes and slices.
func (p *pyGrammar) subscripts() bool {
	for n := 0; ; n++ {
		if n > 0 && p.at("]") {
			return true
		}
		p.eat("*")
		if !p.at(":") && !p.named() {
			return false
		}
		for p.eat(":") {
			if !p.at(":", ",", "]") && !p.expr() {
				return false
			}
		}
		if !p.eat(",") {
			return true
		}
	}
}
