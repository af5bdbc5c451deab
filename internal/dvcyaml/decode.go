// Package dvcyaml reads and writes YAML exactly as DVC 3.67.1 does, which is
// to say as ruamel.yaml 0.19.1 does: YAML 1.2 with underscores and binary
// numbers, block style, lines broken at column 80.
//
// Values are nil, bool, int64, *big.Int, float64, string, []any and *[Map];
// timestamps are [Date] or time.Time. A collection that the document names
// with an anchor is one Go object wherever an alias refers to it, and Marshal
// writes anchors for collections that occur twice. The identity of a list is
// its backing array and its length.
package dvcyaml

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// Kind tells the three sorts of nodes apart.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota + 1
	Mapping
	Sequence
)

// Node is a value with its place in the file, for checks that report
// positions. Aliases are resolved: the node of an alias has the alias' own
// position and the target's value and children.
type Node struct {
	Kind         Kind
	Line, Column int    // both from 1; 0 for an empty document
	Value        any    // the whole value, as Decode returns it
	Pairs        []Pair // of a mapping, in order, merges done
	Items        []*Node
}

// Pair is a key of a mapping and its value.
type Pair struct{ Key, Value *Node }

// Get returns the value of a key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if s, ok := p.Key.Value.(string); ok && s == key {
			return p.Value
		}
	}
	return nil
}

// SyntaxError is a document that cannot be read.
type SyntaxError struct {
	File         string
	Line, Column int // both from 1; 0 when not known
	Msg          string
}

// Error is the message with file, line and column in front.
func (e *SyntaxError) Error() string {
	switch {
	case e.Line == 0:
		return e.File + ": " + e.Msg
	case e.Column == 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Decode reads one document; an empty one is nil. file names the document in
// errors, which are of type *[SyntaxError].
func Decode(file string, data []byte) (any, error) {
	n, err := ParseNode(file, data)
	if err != nil {
		return nil, err
	}
	return n.Value, nil
}

// ParseNode is Decode with positions.
func ParseNode(file string, data []byte) (*Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, &SyntaxError{File: file, Msg: err.Error()}
	}
	if len(doc.Content) == 0 {
		return &Node{Kind: Scalar}, nil
	}
	c := converter{file: file, done: map[*yaml.Node]*Node{}}
	return c.node(doc.Content[0])
}

type converter struct {
	file string
	done map[*yaml.Node]*Node
}

func (c *converter) fail(y *yaml.Node, msg string) error {
	return &SyntaxError{File: c.file, Line: y.Line, Column: y.Column, Msg: msg}
}

func (c *converter) node(y *yaml.Node) (*Node, error) {
	if y.Kind == yaml.AliasNode {
		t, err := c.node(y.Alias)
		if err != nil {
			return nil, err
		}
		n := *t
		n.Line, n.Column = y.Line, y.Column
		return &n, nil
	}
	if n := c.done[y]; n != nil {
		return n, nil
	}
	n := &Node{Line: y.Line, Column: y.Column}
	switch y.Kind {
	case yaml.ScalarNode:
		n.Kind = Scalar
		k := kindString
		if y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
			k = resolve(y.Value)
		}
		v, err := convert(k, y.Value)
		if err != nil {
			return nil, c.fail(y, err.Error())
		}
		n.Value = v
	case yaml.SequenceNode:
		n.Kind = Sequence
		l := make([]any, 0, max(1, len(y.Content)))
		for _, y := range y.Content {
			x, err := c.node(y)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, x)
			l = append(l, x.Value)
		}
		n.Value = l
	case yaml.MappingNode:
		n.Kind = Mapping
		m := &Map{}
		var merged []*Node
		for i := 0; i+1 < len(y.Content); i += 2 {
			k, err := c.node(y.Content[i])
			if err != nil {
				return nil, err
			}
			v, err := c.node(y.Content[i+1])
			if err != nil {
				return nil, err
			}
			if y.Content[i].Tag == "!!merge" {
				if v.Kind == Sequence {
					merged = append(merged, v.Items...)
				} else {
					merged = append(merged, v)
				}
				continue
			}
			if _, ok := m.Get(k.Value); ok {
				return nil, c.fail(y.Content[i], fmt.Sprintf("found duplicate key %q", strings.TrimSpace(y.Content[i].Value)))
			}
			m.Set(k.Value, v.Value)
			n.Pairs = append(n.Pairs, Pair{k, v})
		}
		for _, o := range merged {
			for _, p := range o.Pairs {
				if _, ok := m.Get(p.Key.Value); !ok {
					m.Set(p.Key.Value, p.Value.Value)
					n.Pairs = append(n.Pairs, p)
				}
			}
		}
		n.Value = m
	}
	c.done[y] = n
	return n, nil
}

func convert(k kind, s string) (any, error) {
	switch k {
	case kindNull:
		return nil, nil
	case kindBool:
		return s[0] == 't' || s[0] == 'T', nil
	case kindInt:
		return parseInt(s)
	case kindFloat:
		return parseFloat(s)
	case kindTimestamp:
		return parseTimestamp(s)
	}
	return s, nil
}
