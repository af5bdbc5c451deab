package dvcyaml

import (
	"fmt"
	"strings"
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
	Line, Column int     // both from 1, the column in characters; 0 for an empty document
	Value        any     // the whole value, as Decode returns it
	Pairs        []Pair  // of a mapping, in order, merges done
	Items        []*Node // of a sequence

	size int // nodes below and including this one, aliases counted in full
	text *text

	isMerge bool // a plain << as a key
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
	if e.Line == 0 {
		return e.File + ": " + e.Msg
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Decode reads one document; an empty one is nil. file names the document in
// errors, which are of type *[SyntaxError].
func Decode(file string, data []byte) (any, error) {
	p := parser{file: file, src: string(data)}
	// Without anchors, tags and merges nothing refers back to a node, so nodes
	// can be used again once their values are taken. The test is for the bytes
	// anywhere in the text, a string or a comment included: it may only err to
	// the safe side.
	p.lean = !strings.ContainsAny(p.src, "&!") && !strings.Contains(p.src, "<<")
	n, err := p.run()
	if err != nil {
		return nil, err
	}
	return n.Value, nil
}

// ParseNode is Decode with positions.
func ParseNode(file string, data []byte) (*Node, error) {
	p := parser{file: file, src: string(data)}
	return p.run()
}
