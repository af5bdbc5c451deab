package params

import (
	"slices"
	"strings"
)

// pyGrammar accepts Python's statements by recursive descent. Its methods report
// whether what they are named for stands at token i, and pass it.
type pyGrammar struct {
	toks  []pyToken
	i     int
	depth int
}

func newPyGrammar(text string) (*pyGrammar, bool) {
	toks, ok := pyTokens(text)
	return &pyGrammar{toks: toks}, ok
}

func (p *pyGrammar) at(texts ...string) bool {
	return p.i < len(p.toks) && p.toks[p.i].kind != 's' && slices.Contains(texts, p.toks[p.i].text)
}

func (p *pyGrammar) eat(texts ...string) bool {
	if !p.at(texts...) {
		return false
	}
	p.i++
	return true
}

func (p *pyGrammar) kind(k byte) bool { return p.i < len(p.toks) && p.toks[p.i].kind == k }

func (p *pyGrammar) name() bool {
	if !p.kind('n') || slices.Contains(pyKeywords, p.toks[p.i].text) {
		return false
	}
	p.i++
	return true
}

// try goes back if f fails.
func (p *pyGrammar) try(f func() bool) bool {
	i := p.i
	if !f() {
		p.i = i
		return false
	}
	return true
}

// statement passes one statement; block reports that its body stands on the lines below.
func (p *pyGrammar) statement() (block, ok bool) {
	if p.eat("@") {
		return false, p.named()
	}
	p.eatBefore("async", "def", "for", "with")
	header := p.try(p.header)
	if !header {
		return false, p.small()
	}
	if p.i == len(p.toks) {
		return true, true
	}
	return false, p.small()
}

// eatBefore passes a word that stands before one of others.
func (p *pyGrammar) eatBefore(word string, next ...string) {
	if p.at(word) && p.i+1 < len(p.toks) && slices.Contains(next, p.toks[p.i+1].text) {
		p.i++
	}
}

// header passes a compound statement up to its colon.
func (p *pyGrammar) header() bool {
	ok := false
	switch {
	case p.eat("if", "elif", "while"):
		ok = p.named()
	case p.eat("else", "try", "finally"):
		ok = true
	case p.eat("for"):
		ok = p.targets() && p.eat("in") && p.exprs()
	case p.eat("except"):
		p.eat("*")
		ok = p.at(":") || p.exprs() && (!p.eat("as") || p.name())
	case p.eat("with"):
		ok = p.try(func() bool { return p.withItems() && p.at(":") }) ||
			p.eat("(") && p.withItems() && p.eat(")")
	case p.eat("def"):
		ok = p.name() && p.typeParams() && p.eat("(") && p.params(")", true) && p.eat(")") && (!p.eat("->") || p.exprs())
	case p.eat("class"):
		ok = p.name() && p.typeParams() && (!p.eat("(") || p.args() && p.eat(")"))
	// match, case and type are words of the grammar only where a statement can't go on
	// otherwise.
	case p.eat("match"):
		ok = p.exprs()
	case p.eat("case"):
		ok = p.pattern() && (!p.eat("if") || p.named())
	}
	return ok && p.eat(":")
}

// pattern passes the pattern of a case, of which only the brackets are looked at.
func (p *pyGrammar) pattern() bool {
	depth, n := 0, p.i
	for ; p.i < len(p.toks); p.i++ {
		switch {
		case p.at("(", "[", "{"):
			depth++
		case p.at(")", "]", "}"):
			depth--
		case depth == 0 && p.at(":", "if"):
			return p.i > n
		}
	}
	return false
}

func (p *pyGrammar) typeParams() bool {
	return !p.eat("[") || p.params("]", true) && p.eat("]")
}

func (p *pyGrammar) withItems() bool {
	for {
		if !p.expr() || p.eat("as") && !p.target() {
			return false
		}
		if !p.eat(",") || p.at(":", ")") {
			return true
		}
	}
}

// params passes the parameters of a function up to end, of a lambda without
// annotations.
func (p *pyGrammar) params(end string, annotated bool) bool {
	for !p.at(end) {
		switch {
		case p.eat("/"):
		case p.eat("*", "**"):
			_ = p.name()
		default:
			if !p.name() {
				return false
			}
		}
		if annotated && p.eat(":") && !(p.eat("*") && p.expr() || p.expr()) {
			return false
		}
		if p.eat("=") && !p.expr() {
			return false
		}
		if !p.eat(",") {
			break
		}
	}
	return p.at(end)
}

// small passes a simple statement.
func (p *pyGrammar) small() bool {
	end := func() bool { return p.i == len(p.toks) }
	switch {
	case p.eat("pass", "break", "continue"):
		return true
	case p.eat("return"):
		return end() || p.exprs()
	case p.eat("raise"):
		return end() || p.expr() && (!p.eat("from") || p.expr())
	case p.eat("global", "nonlocal"):
		return p.list(p.name)
	case p.eat("del"):
		return p.targets()
	case p.eat("assert"):
		return p.expr() && (!p.eat(",") || p.expr())
	case p.eat("import"):
		return p.list(func() bool { return p.dotted() && p.alias() })
	case p.eat("from"):
		dots := p.i
		for p.eat(".", "...") {
		}
		return (p.dotted() || p.i > dots && p.at("import")) && p.eat("import") && (p.eat("*") ||
			p.eat("(") && p.imported(")") && p.eat(")") || !p.at("(") && p.imported(""))
	case p.try(func() bool { return p.eat("type") && p.name() && p.typeParams() && p.eat("=") && p.expr() }):
		return true
	}
	from := p.i
	if p.name() && p.at(":=") { // only within an expression
		return false
	}
	if p.i = from; !p.value() {
		return false
	}
	switch {
	case p.at(":"):
		single := p.assignable(from, false)
		p.i++
		return single && p.expr() && (!p.eat("=") || p.value())
	case p.at("+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="):
		single := p.assignable(from, false)
		p.i++
		return single && p.value()
	}
	for p.at("=") {
		ok := p.assignable(from, true)
		p.i++
		if from = p.i; !ok || !p.value() {
			return false
		}
	}
	return true
}

func (p *pyGrammar) imported(end string) bool {
	for {
		if !p.name() || !p.alias() {
			return false
		}
		if !p.eat(",") || end != "" && p.at(end) {
			return true
		}
	}
}

func (p *pyGrammar) alias() bool { return !p.eat("as") || p.name() }

func (p *pyGrammar) dotted() bool {
	if !p.name() {
		return false
	}
	for p.eat(".") {
		if !p.name() {
			return false
		}
	}
	return true
}

// list passes items between commas.
func (p *pyGrammar) list(item func() bool) bool {
	for {
		if !item() {
			return false
		}
		if !p.eat(",") {
			return true
		}
	}
}

// assignable reports whether what was passed since from is a target: several of them
// only where that is meant.
func (p *pyGrammar) assignable(from int, several bool) bool {
	q := &pyGrammar{toks: p.toks[:p.i], i: from}
	if several {
		return q.targets() && q.i == p.i
	}
	return !q.at("[") && q.target() && q.i == p.i
}

// targets passes what may be assigned to.
func (p *pyGrammar) targets() bool {
	for {
		if !p.target() {
			return false
		}
		if !p.eat(",") || p.i == len(p.toks) || p.at("=", "in", ")", "]", ":") {
			return true
		}
	}
}

// target passes a name, an attribute, an element, or a list of targets.
func (p *pyGrammar) target() bool {
	p.eat("*")
	for _, pair := range []string{"()", "[]"} {
		open, end := pair[:1], pair[1:]
		if p.try(func() bool {
			return p.eat(open) && (p.at(end) || p.targets()) && p.eat(end) && !p.at(".", "[", "(")
		}) {
			return true
		}
	}
	from := p.i
	if !p.primary() {
		return false
	}
	last := p.toks[p.i-1]
	if p.i-from == 1 {
		return last.kind == 'n' && !slices.Contains(pyKeywords, last.text)
	}
	// What ends with a call is a value; so is a literal in brackets.
	return last.kind == 'n' || last.text == "]" && !(p.toks[from].text == "[" && p.closes(from))
}

// closes reports whether the bracket at from is closed by the last token that was
// passed.
func (p *pyGrammar) closes(from int) bool {
	depth := 0
	for i := from; i < p.i; i++ {
		switch t := p.toks[i]; {
		case t.kind != 'o':
		case strings.Contains("([{", t.text):
			depth++
		case strings.Contains(")]}", t.text):
			if depth--; depth == 0 {
				return i == p.i-1
			}
		}
	}
	return false
}
