package dvcyaml

import "github.com/reprodl/reprodl/params/pyjson"

// Update makes the document hold v and changes as little as it can, the way
// DVC updates dvc.yaml and .dvc files: values that are equal in Python's sense
// stay as they are, keys that v lacks are deleted, new keys are appended at
// the end of their mapping, and a list of another length is refilled as a
// whole.
func (d *Document) Update(v any) {
	if !update(d.root, normal(v)) {
		d.replaceRoot(v)
	}
}

// update reports whether n is of a kind with v, so that it could be updated.
func update(n *Node, v any) bool {
	switch v := v.(type) {
	case *Map:
		if n.Kind != Mapping {
			return false
		}
		updateMapping(n, v)
		return true
	case []any:
		if n.Kind != Sequence {
			return false
		}
		updateSequence(n, v)
		return true
	}
	return false
}

// updateMapping gives n the pairs of m: changed ones in their old places, new
// ones at the end, and what m lacks is deleted. The order of m counts only for
// new keys.
func updateMapping(n *Node, m *Map) {
	before := n.Pairs
	for k, x := range m.All() {
		x = normal(x)
		i := n.find(k)
		if i >= 0 && (same(n.Pairs[i].Value, x) || update(n.Pairs[i].Value, x)) {
			n.touchIf(n.Pairs[i].Value)
			continue
		}
		n.set(k, fresh(x))
	}
	for _, p := range append([]Pair(nil), before...) {
		if _, ok := m.Get(p.Key.Value); !ok {
			n.delete(p.Key.Value)
		}
	}
}

// updateSequence changes items where they stand if there are as many as before;
// otherwise all are made anew, without their comments.
func updateSequence(n *Node, l []any) {
	if len(n.Items) != len(l) {
		n.touch()
		n.open()
		n.Items = n.Items[:0:0]
		for _, x := range l {
			n.Items = append(n.Items, fresh(x))
		}
		return
	}
	for i, x := range l {
		x = normal(x)
		if same(n.Items[i], x) || update(n.Items[i], x) {
			n.touchIf(n.Items[i])
			continue
		}
		n.touch()
		n.Items[i] = keepText(n.Items[i], fresh(x))
	}
}

// same reports that a scalar, or a whole collection, needs no change.
func same(n *Node, v any) bool { return pyjson.Equal(valueOf(n), v) }

// touchIf passes a change below n on to n.
func (n *Node) touchIf(child *Node) {
	if child.text != nil && child.Kind != Scalar && child.text.raw == "" {
		n.touch()
	}
}

// Merge makes the document hold the mapping v the way DVC applies overrides to
// a parameter file: mappings are merged, scalars that stay the same keep their
// spelling, and every list is written anew in block style, changed or not.
func (d *Document) Merge(v *Map) { merge(d.root, v) }

// merge gives n the pairs of m, key by key. Unlike update it keeps a scalar
// only if type and value stay.
func merge(n *Node, m *Map) {
	n.touch()
	for k, x := range m.All() {
		x = normal(x)
		i := n.find(k)
		if i < 0 {
			n.set(k, fresh(x))
			continue
		}
		old := n.Pairs[i].Value
		sub, isMap := x.(*Map)
		switch {
		case isMap && old.Kind == Mapping:
			merge(old, sub)
		case old.Kind == Scalar && sameSpelling(old.Value, x):
		default:
			n.set(k, freshLike(old, x))
		}
	}
	for _, p := range append([]Pair(nil), n.Pairs...) {
		if _, ok := m.Get(p.Key.Value); !ok {
			n.delete(p.Key.Value)
		}
	}
}

// freshLike is fresh, with the spelling of the scalars that old has in the
// same places.
func freshLike(old *Node, v any) *Node {
	n := fresh(v)
	n.adopt(old)
	return n
}

// adopt takes over the spelling of old where the value is the same, item by
// item and key by key.
func (n *Node) adopt(old *Node) {
	switch {
	case old.Kind != n.Kind || old.text == nil:
	case n.Kind == Scalar:
		if sameSpelling(old.Value, n.Value) {
			n.text.source, n.text.header = old.text.source, old.text.header
			n.text.body, n.text.inner = old.text.body, old.text.inner
		}
	case n.Kind == Sequence:
		for i := range min(len(n.Items), len(old.Items)) {
			n.Items[i].adopt(old.Items[i])
		}
	default:
		for _, p := range n.Pairs {
			if i := old.find(p.Key.Value); i >= 0 {
				p.Value.adopt(old.Pairs[i].Value)
			}
		}
	}
}

// sameSpelling reports equal scalars of the same type: 1 over true is a
// change here.
func sameSpelling(a, b any) bool {
	if _, isBool := a.(bool); isBool {
		_, ok := b.(bool)
		return ok && a == b
	}
	switch b.(type) {
	case bool, *Map, []any:
		return false
	}
	// 1 over 1.0 is a change as well, and nan over nan is none.
	fa, aFloat := a.(float64)
	fb, bFloat := b.(float64)
	if aFloat != bFloat {
		return false
	}
	return pyjson.Equal(a, b) || aFloat && fa != fa && fb != fb
}
