package dvcfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A node is a variable, or a part of one, that remembers where it came from.
// Exactly one of scalar, list and keys is in use.
type node struct {
	kind   nodeKind
	scalar any
	list   []*node
	keys   []string
	fields map[string]*node

	source string // file or "vars[0]" the value was read from; empty for data of the file itself
	local  bool   // not from a file, so of no interest outside the definition
	path   string // dotted place within the source
}

type nodeKind uint8

const (
	scalarNode nodeKind = iota
	listNode
	mapNode
)

// newNode wraps a value. Mapping keys other than strings are dropped: nothing
// could refer to them.
func newNode(v any, source, at string, local bool) (*node, error) {
	if n, ok := v.(*node); ok {
		return n, nil
	}
	n := &node{source: source, path: at, local: local}
	switch v := v.(type) {
	case *dvcyaml.Map:
		n.kind = mapNode
		for k, item := range v.All() {
			name, ok := k.(string)
			if !ok {
				continue
			}
			child, err := newNode(item, source, dotted(at, name), local)
			if err != nil {
				return nil, err
			}
			n.set(name, child)
		}
	case []any:
		n.kind = listNode
		for i, item := range v {
			child, err := newNode(item, source, dotted(at, strconv.Itoa(i)), local)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, child)
		}
	case dvcyaml.Date, time.Time:
		return nil, &exprError{class: Vars, alone: true, msg: fmt.Sprintf("Unsupported value of type '%s' in '%s:%s'", typeName(v), source, at)}
	default:
		n.scalar = v
	}
	return n, nil
}

// dotted appends a key to a dotted place, which may be empty.
func dotted(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// set gives a mapping a field; keys keeps the order of the first appearance.
func (n *node) set(key string, child *node) {
	if n.fields == nil {
		n.fields = make(map[string]*node)
	}
	if _, ok := n.fields[key]; !ok {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = child
}

// remove takes a field out, if it is there.
func (n *node) remove(key string) {
	if _, ok := n.fields[key]; ok {
		delete(n.fields, key)
		n.keys = slices.DeleteFunc(n.keys, func(k string) bool { return k == key })
	}
}

// value unwraps the node.
func (n *node) value() any {
	switch n.kind {
	case listNode:
		all := make([]any, len(n.list))
		for i, c := range n.list {
			all[i] = c.value()
		}
		return all
	case mapNode:
		m := dvcyaml.NewMap()
		for _, k := range n.keys {
			m.Set(k, n.fields[k].value())
		}
		return m
	}
	return n.scalar
}

// clone copies the mappings of the tree; lists and scalars are never changed
// and stay shared.
func (n *node) clone() *node {
	if n.kind != mapNode {
		return n
	}
	c := *n
	c.keys, c.fields = nil, nil
	for _, k := range n.keys {
		c.set(k, n.fields[k].clone())
	}
	return &c
}

// A scope is the set of variables that a definition may refer to.
type scope struct {
	root     *node
	imports  map[string][]string // file → keys loaded from it; nil keys = the whole file
	reserved []string            // names that vars must not redefine
	used     *usage              // if set, records the variables that are referred to
}

// newScope is a scope without variables.
func newScope() *scope {
	return &scope{root: &node{kind: mapNode}, imports: map[string][]string{}}
}

// clone is a scope that changes apart from c. The recorder is not taken along:
// it belongs to one definition.
func (c *scope) clone() *scope {
	d := &scope{root: c.root.clone(), imports: map[string][]string{}, reserved: c.reserved}
	for k, v := range c.imports {
		d.imports[k] = slices.Clone(v)
	}
	return d
}

// merge adds the variables of n. Mappings are merged; an existing leaf is an
// error.
func (c *scope) merge(n *node, item string) error {
	// Only the names at the top are reserved: item and key within a foreach.
	var taken []string
	for _, k := range c.reserved {
		if n.fields[k] != nil {
			taken = append(taken, k)
		}
	}
	if len(taken) > 0 {
		msg := "attempted to modify reserved key" + plural(taken) + " " + humanJoin(taken)
		if item != "" {
			msg += " in '" + item + "'"
		}
		return &exprError{class: Vars, msg: msg}
	}
	return mergeNode(c.root, n)
}

// mergeNode merges n into a mapping in place. What it had merged before an
// error stays: the file is not read on then.
func mergeNode(into, n *node) error {
	for _, k := range n.keys {
		have, add := into.fields[k], n.fields[k]
		switch {
		case have == nil:
			into.set(k, add)
		case have.kind == mapNode && add.kind == mapNode:
			if err := mergeNode(have, add); err != nil {
				return err
			}
		default:
			return &exprError{class: Vars, ownLine: true, msg: fmt.Sprintf(
				"cannot redefine '%s' from '%s' as it already exists in '%s'", add.path, add.source, have.source)}
		}
	}
	return nil
}

// with runs f while the given names stand for the given nodes and cannot be
// redefined by vars.
func (c *scope) with(names []string, nodes []*node, f func() error) error {
	before := make([]*node, len(names))
	reserved := c.reserved
	for i, name := range names {
		before[i] = c.root.fields[name]
		c.root.set(name, nodes[i])
		// A clone of this scope may hold the old slice, which must not be
		// written to.
		c.reserved = append(slices.Clip(c.reserved), name)
	}
	defer func() {
		c.reserved = reserved
		for i, name := range names {
			if before[i] != nil {
				c.root.set(name, before[i])
			} else {
				c.root.remove(name)
			}
		}
	}()
	return f()
}

// lookup finds the node that an expression names: parts joined by dots, or with
// brackets where the syntax was checked before.
func (c *scope) lookup(expr string) (*node, error) {
	n := c.root
	key := strings.ReplaceAll(strings.ReplaceAll(expr, "[", "."), "]", "")
	for {
		part, rest, more := strings.Cut(key, ".")
		if n = n.child(strings.TrimSpace(part)); n == nil {
			return nil, &exprError{class: InterpolationMissing, msg: "Could not find '" + expr + "'"}
		}
		if !more {
			break
		}
		key = rest
	}
	if c.used != nil {
		c.used.add(n)
	}
	return n, nil
}

// child is a part of a mapping or list, or nil. An index may be negative and
// have underscores, as Python's int reads it.
func (n *node) child(key string) *node {
	switch n.kind {
	case mapNode:
		return n.fields[key]
	case listNode:
		i, err := strconv.Atoi(strings.ReplaceAll(key, "_", ""))
		if err != nil {
			return nil
		}
		if i < 0 {
			i += len(n.list)
		}
		if i >= 0 && i < len(n.list) {
			return n.list[i]
		}
	}
	return nil
}

// usage lists the variables from files that a definition referred to, each once
// and in the order of first use. Whole mappings do not count.
type usage struct {
	vars []Var
	seen map[[2]string]bool
}

func (u *usage) add(n *node) {
	id := [2]string{n.source, n.path}
	if n.local || n.source == "" || n.kind == mapNode || u.seen[id] {
		return
	}
	if u.seen == nil {
		u.seen = map[[2]string]bool{}
	}
	u.seen[id] = true
	u.vars = append(u.vars, Var{File: n.source, Key: n.path, Value: n.value()})
}
