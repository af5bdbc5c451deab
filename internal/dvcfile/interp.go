package dvcfile

import (
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// A template replaces the expressions inside one value of a file.
type template struct {
	scope   *scope
	key     string // section the value stands in: "cmd", "foreach", …; empty = any value is accepted
	checked bool   // the syntax of all expressions was checked before
	keep    bool   // whole-string expressions give *node instead of plain values
	opts    *Options
}

// resolve returns v with every string in it, mapping keys included, resolved.
// An error tells the path to the string inside v.
func (t *template) resolve(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return t.str(v)
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			r, err := t.resolve(item)
			if err != nil {
				return nil, inside(err, i)
			}
			all[i] = r
		}
		return all, nil
	case *dvcyaml.Map:
		m := dvcyaml.NewMap()
		for k, item := range v.All() {
			key, err := t.resolve(k)
			if err != nil {
				return nil, inside(err, k)
			}
			r, err := t.resolve(item)
			if err != nil {
				return nil, inside(err, k)
			}
			// With keep a key may be a node, and a mapping needs its value.
			if n, ok := key.(*node); ok {
				key = n.value()
			}
			if typeName(key) == "list" || typeName(key) == "dict" {
				return nil, inside(&exprError{class: InterpolationType, ownLine: true,
					msg: "Cannot interpolate data of type '" + typeName(key) + "' into a key"}, k)
			}
			m.Set(key, r)
		}
		return m, nil
	}
	return v, nil
}

// str resolves one string. A string that is one expression takes the value and
// its type; otherwise the values are written into the text.
func (t *template) str(s string) (any, error) {
	matches := findMatches(s)
	if len(matches) == 1 && matches[0].start == 0 && matches[0].end == len(s) {
		n, err := t.node(matches[0])
		if err != nil {
			return nil, err
		}
		if t.keep {
			return n, t.accept(n)
		}
		return n.value(), t.accept(n)
	}
	var b strings.Builder
	at := 0
	for _, m := range matches {
		n, err := t.node(m)
		if err != nil {
			return nil, err
		}
		if err := t.accept(n); err != nil {
			return nil, err
		}
		b.WriteString(s[at:m.start])
		if n.kind == mapNode {
			flags, err := flags(n, t.opts)
			if err != nil {
				return nil, err
			}
			b.WriteString(flags)
		} else {
			b.WriteString(text(n.value()))
		}
		at = m.end
	}
	b.WriteString(s[at:])
	// Also in what the values brought in: DVC replaces in the finished text.
	return strings.ReplaceAll(b.String(), `\${`, "${"), nil
}

// node is the variable that an expression names.
func (t *template) node(m match) (*node, error) {
	expr := m.inner
	if !t.checked {
		var err error
		if expr, err = parseExpr(m.inner); err != nil {
			return nil, err
		}
	}
	return t.scope.lookup(expr)
}

// accept refuses lists and mappings where only text makes sense. A mapping in a
// command becomes flags.
func (t *template) accept(n *node) error {
	// DVC goes by the name of the section, and asks whether "foreach" is in it.
	if n.kind == scalarNode || t.key == "" || strings.Contains(t.key, "foreach") {
		return nil
	}
	if n.kind == mapNode && t.key == "cmd" {
		return nil
	}
	return &exprError{class: InterpolationType, ownLine: true,
		msg: "Cannot interpolate data of type '" + typeName(n.value()) + "'"}
}

// checkSyntax parses every expression inside v.
func checkSyntax(v any) error {
	switch v := v.(type) {
	case string:
		for _, m := range findMatches(v) {
			if _, err := parseExpr(m.inner); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := checkSyntax(item); err != nil {
				return inside(err, i)
			}
		}
	case *dvcyaml.Map:
		for k, item := range v.All() {
			if err := checkSyntax(k); err != nil {
				return inside(err, k)
			}
			if err := checkSyntax(item); err != nil {
				return inside(err, k)
			}
		}
	}
	return nil
}

// hasExpr reports whether any string inside v holds an expression.
func hasExpr(v any) bool {
	switch v := v.(type) {
	case string:
		return interpolated(v)
	case []any:
		for _, item := range v {
			if hasExpr(item) {
				return true
			}
		}
	case *dvcyaml.Map:
		for k, item := range v.All() {
			if hasExpr(k) || hasExpr(item) {
				return true
			}
		}
	}
	return false
}

// flags writes a mapping as command-line options, nested names joined by dots.
func flags(n *node, opts *Options) (string, error) {
	var words []string
	var walk func(prefix string, n *node) error
	walk = func(prefix string, n *node) error {
		for _, k := range n.keys {
			name, v := dotted(prefix, k), n.fields[k]
			switch {
			case v.kind == mapNode:
				if err := walk(name, v); err != nil {
					return err
				}
			case v.kind == listNode:
				items, err := listFlags(name, v, opts)
				if err != nil {
					return err
				}
				words = append(words, items...)
			case v.scalar == true:
				words = append(words, "--"+name)
			// A false option is left out, or negated where the repository is
			// set so.
			case v.scalar == false:
				if opts.BoolOptional {
					words = append(words, "--no-"+name)
				}
			default:
				words = append(words, "--"+name, flagText(v.scalar))
			}
		}
		return nil
	}
	if err := walk("", n); err != nil {
		return "", err
	}
	return strings.Join(words, " "), nil
}

// listFlags writes a list as one option with several values, or as the option
// repeated for each.
func listFlags(name string, n *node, opts *Options) ([]string, error) {
	var words []string
	for i, item := range n.list {
		if item.kind != scalarNode {
			return nil, &exprError{class: InterpolationType, ownLine: true,
				msg: "Cannot interpolate nested iterable in '" + name + "'"}
		}
		if i == 0 || opts.ListAppend {
			words = append(words, "--"+name)
		}
		if b, ok := item.scalar.(bool); ok {
			words = append(words, pyjson.Str(b)) // Python's own spelling here
			continue
		}
		words = append(words, flagText(item.scalar))
	}
	return words, nil
}

// flagText is the value of an option: text is protected from the shell, all
// else is Python's and needs no protection.
func flagText(v any) string {
	if s, ok := v.(string); ok {
		return shellQuote(s)
	}
	return pyjson.Str(v)
}

// shellQuote protects s from the shell if it has to be.
func shellQuote(s string) string {
	// The characters, and the way to quote a quote, are those of Python's
	// shlex.quote.
	safe := func(r rune) bool {
		return r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' ||
			strings.ContainsRune("_@%+=:,./-", r))
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// text writes a value into a string: booleans as YAML spells them, the rest as
// Python does.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return fmt.Sprint(v)
	}
	return pyjson.Str(v)
}
