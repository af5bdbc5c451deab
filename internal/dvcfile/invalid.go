package dvcfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// An InvalidError reports a file that is not valid YAML or not of the expected
// structure.
type InvalidError struct {
	Kind     Class
	File     string // as shown to the user
	Rev      string // the commit that the file is of; empty for the working tree
	Problems []Problem

	hint string // why the YAML may be broken
	line string // instead of problems: the cause, on the first line
}

// A Problem is one violation.
type Problem struct {
	Msg    string // "expected str", "extra keys not allowed", …
	At     string // "stages -> train -> deps"; empty at the top
	Line   int    // from 1; 0 if unknown
	Column int
	Want   string // what would be accepted there, if that is not in Msg
	Source string // the line of the file
}

// Class names the kind of error.
func (e *InvalidError) Class() string { return string(e.Kind) }

func (e *InvalidError) Error() string { return e.Pretty() }

// Pretty is the text as a command prints it, without a prefix: what is wrong
// with which file, and each problem with its place.
func (e *InvalidError) Pretty() string {
	var b strings.Builder
	switch {
	case e.Kind == YAMLSyntax:
		fmt.Fprintf(&b, "'%s' is invalid%s%s.", dotPath(e.File), e.hint, e.inRevision())
	case e.line != "":
		b.WriteString(e.summary() + ": " + e.line + ".")
	default:
		b.WriteString(e.summary() + ".")
	}
	for _, p := range e.Problems {
		b.WriteString("\n\n" + p.Msg)
		if p.At != "" {
			b.WriteString(", in " + p.At)
		}
		if p.Line > 0 {
			fmt.Fprintf(&b, ", line %d, column %d\n  %d | %s", p.Line, p.Column, p.Line, p.Source)
			fmt.Fprintf(&b, "\n%s:%d:%d", e.File, p.Line, p.Column)
			if p.Want != "" {
				b.WriteString(": " + p.Want)
			}
		}
	}
	return b.String()
}

func (e *InvalidError) inRevision() string {
	if e.Rev == "" {
		return ""
	}
	return " in revision '" + e.Rev[:min(7, len(e.Rev))] + "'"
}

// OfCommit notes in an error of reading a tree whose commit it is.
func OfCommit(err error, rev string) error {
	var e *InvalidError
	if errors.As(err, &e) {
		e.Rev = rev
	}
	return err
}

// summary is the first line of a violated schema, without its end.
func (e *InvalidError) summary() string {
	text := "'" + dotPath(e.File) + "' validation failed" + e.inRevision()
	if n := len(e.Problems); n > 1 {
		text += fmt.Sprintf(": %d errors", n)
	}
	return text
}

// dotPath puts "./" in front of a path that stays below the working directory.
func dotPath(p string) string {
	if strings.HasPrefix(p, "..") || strings.HasPrefix(p, "/") {
		return p
	}
	return "./" + p
}

var conflictMarker = regexp.MustCompile(`(?m)^[<=>]{7} .*$`)

// syntax turns an error of the YAML reader into ours.
func syntaxInvalid(shown string, data []byte, err error) error {
	e := &InvalidError{Kind: YAMLSyntax, File: shown}
	if conflictMarker.Match(data) {
		e.hint = " (possible merge conflicts)"
	}
	var s *dvcyaml.SyntaxError
	if !errors.As(err, &s) {
		e.Problems = []Problem{{Msg: err.Error()}}
		return e
	}
	e.Problems = []Problem{{Msg: capitalize(s.Msg), Line: s.Line, Column: s.Column, Source: sourceLine(strings.Split(string(data), "\n"), s.Line)}}
	return e
}

// capitalize makes the first letter large, which must be one of ASCII.
func capitalize(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// sourceLine is line n, from 1, or nothing if there is no such line.
func sourceLine(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimRight(lines[n-1], "\r")
}

// invalid builds the error for violations of a schema.
func invalid(kind Class, shown, file string, data []byte, problems []violation) error {
	e := &InvalidError{Kind: kind, File: shown}
	if len(problems) == 1 && len(problems[0].at) == 0 && problems[0].msg == "expected a dictionary" {
		e.line = problems[0].msg
		return e
	}
	// Positions are needed only for errors, so the text is parsed for them only
	// now. It was valid before; nil would give no places.
	root, _ := dvcyaml.ParseNode(file, data)
	lines := strings.Split(string(data), "\n")
	for _, p := range problems {
		var names []string
		for _, k := range p.at {
			names = append(names, fmt.Sprint(k))
		}
		line, column := locate(root, p.at)
		e.Problems = append(e.Problems, Problem{Msg: p.msg, At: strings.Join(names, " -> "), Want: p.want,
			Line: line, Column: column, Source: sourceLine(lines, line)})
	}
	return e
}

// locate finds the place of a value below root by its path of keys and indexes;
// of the nearest value around it if there is none. A nil root has no places.
func locate(root *dvcyaml.Node, at []any) (line, column int) {
	if root == nil {
		return 0, 0
	}
	n := root
	line, column = n.Line, n.Column
	for _, step := range at {
		var next *dvcyaml.Node
		if i, ok := step.(int); ok && n.Kind == dvcyaml.Sequence {
			if i < len(n.Items) {
				next = n.Items[i]
				line, column = next.Line, next.Column
			}
		} else {
			for _, p := range n.Pairs {
				if equal(p.Key.Value, step) {
					next = p.Value
					line, column = p.Key.Line, p.Key.Column
				}
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return line, column
}
