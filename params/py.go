package params

import (
	"errors"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// parsePy reads the parameters of a Python file as DVC finds them: top-level
// assignments of literals, class bodies (as mappings), and self.x = literal in
// __init__. What is not a literal is passed over; what is not Python is an error.
func parsePy(name string, data []byte) (*dvcyaml.Node, error) {
	// Python reads files with any kind of line breaks.
	src := strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", "\n")
	lines, err := pyLines(src)
	if err != nil {
		err.File = name
		return nil, err
	}
	if err := pyCheck(lines); err != nil {
		err.File = name
		return nil, err
	}
	root := newObject(nil)
	pyBody(root, lines, false)
	return root, nil
}

// pyLine is a statement: a logical line without its comments.
type pyLine struct {
	indent int
	text   string
	line   int // from 1, where it begins
}

// pyLines splits a program into logical lines, which brackets, triple quotes
// and backslashes continue.
func pyLines(src string) ([]pyLine, *Error) {
	var out []pyLine
	line := 1
	for pos := 0; pos < len(src); {
		indent := 0
		for pos < len(src) && (src[pos] == ' ' || src[pos] == '\t' || src[pos] == '\f') {
			if src[pos] == '\t' {
				// A tab goes to the next multiple of eight columns, as Python's
				// tokenizer counts.
				indent += 8 - indent%8
			} else {
				indent++
			}
			pos++
		}
		s := pyScanner{src: src, pos: pos, line: line}
		first := line
		text, err := s.logical()
		if err != nil {
			return nil, err
		}
		// All statements of a line have its indentation and number: DVC finds a
		// value to change by the line of its assignment.
		for part := range strings.SplitSeq(text, "\x00") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, pyLine{indent, part, first})
			}
		}
		pos, line = s.pos, s.line
	}
	return out, nil
}

// pyScanner passes over Python text. line counts from 1 and is that of pos.
type pyScanner struct {
	src  string
	pos  int
	line int
}

func (s *pyScanner) fail(line int, msg string) *Error {
	return &Error{Line: line, Column: 1, Err: errors.New(msg)}
}

// logical passes one logical line and returns its text; NUL separates the
// statements that semicolons do.
func (s *pyScanner) logical() (string, *Error) {
	var b strings.Builder
	var open []byte
	var where []int // their lines
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == '\n':
			s.pos++
			s.line++
			// A line break inside brackets is white space.
			if len(open) == 0 {
				return b.String(), nil
			}
			b.WriteByte(' ')
			continue
		case c == '#':
			for s.pos < len(s.src) && s.src[s.pos] != '\n' {
				s.pos++
			}
			continue
		// A backslash at the end of a line, outside of strings, joins it with
		// the next.
		case c == '\\' && strings.HasPrefix(s.src[s.pos+1:], "\n"), c == '\\' && strings.HasPrefix(s.src[s.pos+1:], "\r\n"):
			s.pos += 1 + strings.IndexByte(s.src[s.pos:], '\n')
			s.line++
			b.WriteByte(' ')
			continue
		case c == '"' || c == '\'':
			text, err := s.quoted()
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			continue
		case strings.IndexByte("([{", c) >= 0:
			open, where = append(open, c), append(where, s.line)
		case strings.IndexByte(")]}", c) >= 0:
			if len(open) == 0 || strings.IndexByte("([{", open[len(open)-1]) != strings.IndexByte(")]}", c) {
				return "", s.fail(s.line, "unmatched '"+string(c)+"'")
			}
			open, where = open[:len(open)-1], where[:len(open)-1]
		case c == ';' && len(open) == 0:
			c = 0
		case c == '\r':
			c = ' '
		}
		b.WriteByte(c)
		s.pos++
	}
	if len(open) > 0 {
		return "", s.fail(where[len(open)-1], "'"+string(open[len(open)-1])+"' was never closed")
	}
	return b.String(), nil
}

// quoted passes a string literal.
func (s *pyScanner) quoted() (string, *Error) {
	from, first := s.pos, s.line
	quote := s.src[s.pos : s.pos+1]
	if strings.HasPrefix(s.src[s.pos:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	s.pos += len(quote)
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case strings.HasPrefix(s.src[s.pos:], quote):
			s.pos += len(quote)
			return s.src[from:s.pos], nil
		case c == '\\' && s.pos+1 < len(s.src):
			if s.src[s.pos+1] == '\n' {
				s.line++
			}
			s.pos++
		case c == '\n' && len(quote) == 1:
			return "", s.fail(first, "unterminated string literal")
		case c == '\n':
			s.line++
		}
		s.pos++
	}
	return "", s.fail(first, "unterminated string literal")
}

var (
	// A name may carry an annotation, x: int = 1. One more equals sign after
	// the first, as in x == 1, makes it no assignment. "self.x" counts in any
	// block, as in DVC, which asks only whether the object is called self.
	pyAssign = lazyregexp.New(`^([\pL_][\pL\pN_]*)\s*(?::[^=]*)?=([^=].*)$`)
	pySelf   = lazyregexp.New(`^self\s*\.\s*([\pL_][\pL\pN_]*)\s*(?::[^=]*)?=([^=].*)$`)
	pyClass  = lazyregexp.New(`^class\s+([\pL_][\pL\pN_]*)\s*(?:\(.*\))?\s*:(.*)$`)
	pyInit   = lazyregexp.New(`^def\s+__init__\s*\(`)
)

// pyBody puts what the statements of one block define into n.
func pyBody(n *dvcyaml.Node, lines []pyLine, onlySelf bool) {
	if len(lines) == 0 {
		return
	}
	// Statements of this block stand at the column of its first one; what is
	// further in belongs to the statement above. Only class bodies and __init__
	// are looked into: DVC goes through the statements of a block and into
	// nothing else, so an assignment under an if is no parameter.
	indent := lines[0].indent
	for i := 0; i < len(lines); {
		stmt := lines[i]
		end := i + 1
		for end < len(lines) && (lines[end].indent > indent || lines[end].line == stmt.line && stmt.inline()) {
			end++
		}
		pyStatement(n, stmt, lines[i+1:end], onlySelf)
		i = end
	}
}

// pyStatement puts what one statement defines into n; body are the lines below
// it that are further in. onlySelf holds in __init__, where plain names are
// local variables.
func pyStatement(n *dvcyaml.Node, stmt pyLine, body []pyLine, onlySelf bool) {
	// Line breaks remain only in triple quotes; the dot of the patterns would
	// stop there.
	text := strings.ReplaceAll(stmt.text, "\n", "\x01")
	if m := pyClass.FindStringSubmatch(text); m != nil {
		class := newObject(&dvcyaml.Node{Line: stmt.line, Column: 1})
		// class A: x = 1 has its body on the line.
		if rest := strings.TrimSpace(m[2]); rest != "" {
			body = append([]pyLine{{stmt.indent, rest, stmt.line}}, body...)
		}
		pyBody(class, body, false)
		pyPut(n, m[1], class, stmt.line)
		return
	}
	if pyInit.MatchString(text) {
		pyBody(n, body, true)
		return
	}
	m := pySelf.FindStringSubmatch(text)
	if m == nil && !onlySelf {
		m = pyAssign.FindStringSubmatch(text)
	}
	if m == nil {
		return
	}
	v, err := pyLiteral(strings.ReplaceAll(m[2], "\x01", "\n"))
	if err != nil {
		return // not a literal
	}
	value := nodeOf(v)
	placeAll(value, stmt.line)
	pyPut(n, m[1], value, stmt.line)
}

// placeAll gives every node below n the line of its statement.
// Entries of a dict on several lines have the line of its first, too: DVC takes
// the number of the assignment for all of them.
func placeAll(n *dvcyaml.Node, line int) {
	n.Line, n.Column = line, 1
	for _, p := range n.Pairs {
		placeAll(p.Key, line)
		placeAll(p.Value, line)
	}
	for _, item := range n.Items {
		placeAll(item, line)
	}
}

// pyPut sets a name, which a later assignment may set again.
func pyPut(n *dvcyaml.Node, name string, value *dvcyaml.Node, line int) {
	for i, p := range n.Pairs {
		if p.Key.Value == name {
			n.Pairs[i].Value = value
			n.Value.(*Map).Set(name, value.Value)
			return
		}
	}
	put(n, name, value, &dvcyaml.Node{Line: line, Column: 1})
}
