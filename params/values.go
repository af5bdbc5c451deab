package params

import (
	"iter"
	"path"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Values is the content of a parameter file.
type Values struct {
	file string
	root *dvcyaml.Node
}

// File is the name under which the content was read.
func (v *Values) File() string { return v.file }

// Value returns the whole content, nearly always a *[Map]. It is shared: the
// caller must not change it.
func (v *Values) Value() any { return v.root.Value }

// Lookup returns the value of a key such as "train.lr" or "layers.0": the
// parts between the dots are keys of mappings and indices of lists, negative
// ones from the end. A key that itself contains a dot cannot be addressed. A
// part may be a pattern (*, ?, [...]) if it fits exactly one key.
func (v *Values) Lookup(key string) (any, bool) {
	n := find(v.root, key)
	if n == nil {
		return nil, false
	}
	return n.Value, true
}

// Line is the line of the file on which the value of key begins, from 1; 0
// when there is no such key or the format does not tell.
func (v *Values) Line(key string) int {
	if n := find(v.root, key); n != nil {
		return n.Line
	}
	return 0
}

// Select returns the values of keys, under the keys as they are spelled, and
// the keys that are missing. No keys at all select every top-level key.
func (v *Values) Select(keys ...string) (found *Map, missing []string) {
	found = &Map{}
	if len(keys) == 0 {
		if m, ok := v.root.Value.(*Map); ok {
			return m.Clone(), nil
		}
		return found, nil
	}
	for _, key := range keys {
		if x, ok := v.Lookup(key); ok {
			found.Set(key, x)
		} else {
			missing = append(missing, key)
		}
	}
	return found, missing
}

// All iterates over the leaves in the order of the file: scalars, lists, and
// mappings without keys, under their dotted names.
func (v *Values) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) { leaves("", v.root.Value, yield) }
}

// leaves goes through the leaves of v in order and reports whether to go on. A
// mapping without keys is a leaf, except at the top.
func leaves(prefix string, v any, yield func(string, any) bool) bool {
	m, ok := v.(*Map)
	if !ok || m.Len() == 0 && prefix != "" {
		return yield(prefix, v)
	}
	for k, x := range m.All() {
		if !leaves(join(prefix, pyjson.Str(k)), x, yield) {
			return false
		}
	}
	return true
}

// join appends a key to a dotted name, "" being the name of the whole.
func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// find returns the node that a dotted key addresses, or nil.
func find(n *dvcyaml.Node, key string) *dvcyaml.Node {
	if key == "" {
		return nil
	}
	for part := range strings.SplitSeq(key, ".") {
		if n = child(n, part); n == nil {
			return nil
		}
	}
	return n
}

// child returns what one part of a dotted key addresses below n, or nil. In a
// mapping a key of this very text comes before any pattern.
func child(n *dvcyaml.Node, part string) *dvcyaml.Node {
	switch n.Kind {
	case dvcyaml.Mapping:
		if x := n.Get(part); x != nil {
			return x
		}
		return matchChild(n, part)
	case dvcyaml.Sequence:
		if i, err := strconv.Atoi(part); err == nil {
			if i < 0 {
				i += len(n.Items)
			}
			if i >= 0 && i < len(n.Items) {
				return n.Items[i]
			}
		}
	}
	return nil
}

// matchChild finds the one key that part fits as a pattern, or as the text of
// a key that is no string.
func matchChild(n *dvcyaml.Node, part string) *dvcyaml.Node {
	var found *dvcyaml.Node
	for _, p := range n.Pairs {
		name := pyjson.Str(p.Key.Value)
		ok := name == part
		if !ok && strings.ContainsAny(part, "*?[") {
			// Python writes [!a] for what is [^a] in Go. A slash in a key is as
			// good as any other character, while Match lets no * pass it; a bad
			// pattern fits nothing.
			ok, _ = path.Match(strings.ReplaceAll(part, "[!", "[^"), strings.ReplaceAll(name, "/", "_"))
		}
		if ok && found != nil {
			return nil
		}
		if ok {
			found = p.Value
		}
	}
	return found
}
