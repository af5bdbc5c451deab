package dvcyaml

import (
	"strings"
)

// flow writes a collection in brackets. Continuation lines are indented by
// ind; bare leaves out the braces of a single pair, as between brackets.
func (w *rewriter) flow(n *Node, ind int, bare bool) {
	if n.text != nil && n.text.raw != "" {
		w.text(n.text.raw)
		// text counted all of it as one line.
		if i := strings.LastIndexByte(n.text.raw, '\n'); i >= 0 {
			w.col = len(n.text.raw) - i - 1
		}
		return
	}
	open, end := "[", "]"
	count := len(n.Items)
	if n.Kind == Mapping {
		open, end, count = "{", "}", len(n.ownPairs())
		if count == 1 && bare {
			open, end = "", ""
		}
	}
	w.ascii(open)
	for i := range count {
		if i > 0 {
			w.ascii(",")
		}
		if w.col > width {
			w.breakLine(ind)
		} else if i > 0 {
			w.ascii(" ")
		}
		if n.Kind == Sequence {
			w.flowValue(n.Items[i], ind, true)
			continue
		}
		p := n.ownPairs()[i]
		if p.Key.isMerge {
			w.ascii("<<")
		} else {
			w.flowValue(p.Key, ind, false)
		}
		w.ascii(": ")
		w.flowValue(p.Value, ind, false)
	}
	w.ascii(end)
}

// flowValue writes a node inside brackets; bare as for flow.
func (w *rewriter) flowValue(n *Node, ind int, bare bool) {
	if n.text != nil && n.text.alias != "" && w.written[n.text.alias] {
		w.text("*" + n.text.alias)
		return
	}
	if w.properties(n) {
		w.ascii(" ")
	}
	switch {
	case n.Kind != Scalar:
		w.flow(n, ind+2, bare)
	case n.text != nil && n.text.source != "" && n.Value != nil && !isString(n.Value):
		w.number(n, ind+2)
	case isString(n.Value):
		w.flowString(n.Value.(string), ind+2)
	default:
		w.scalar(n.Value, ind+2)
	}
}

// flowString is a string inside brackets, where more characters need quotes.
func (w *rewriter) flowString(s string, ind int) {
	st := styleOf(s)
	if st == plain && strings.ContainsAny(s, ",[]{}") {
		if st = single; strings.Contains(s, "'") {
			st = double
		}
	}
	w.styled(s, st, ind, true)
}
