package live

import (
	"math/big"

	"github.com/reprodl/reprodl/params/pyjson"
)

// group is an ordered mapping from key to value: the summary, or a group of
// metrics in it. Unlike a pyjson.Map it hands out its entries, so that a
// metric is updated in place and without boxing.
type group struct {
	nodes []*node
	index map[string]*node
}

// node is an entry of a group. Its address stays valid while the group lives, so a
// series keeps it.
type node struct {
	key string
	val value
}

// find returns the entry of that key, or nil.
func (g *group) find(key string) *node { return g.index[key] }

// put returns the entry of that key and makes it, last, where it is missing.
func (g *group) put(key string) *node {
	if n := g.index[key]; n != nil {
		return n
	}
	if g.index == nil {
		g.index = make(map[string]*node)
	}
	n := &node{key: key}
	g.index[key] = n
	g.nodes = append(g.nodes, n)
	return n
}

// group returns the mapping that v holds, or nil.
func (v value) group() *group {
	g, _ := v.any.(*group)
	return g
}

// treeOf is the value of a list or a group.
func treeOf(x any) value { return value{kind: kindTree, any: x} }

// appendJSONTree appends a list or a mapping, indented by four blanks a level.
func appendJSONTree(dst []byte, tree any, depth int) []byte {
	switch x := tree.(type) {
	case *group:
		return appendJSONGroup(dst, x, depth)
	case []value:
		if len(x) == 0 {
			break
		}
		dst = append(dst, '[')
		for i, v := range x {
			dst = appendJSONBreak(dst, i > 0, depth+1)
			dst = v.appendJSON(dst, depth+1)
		}
		return append(appendJSONBreak(dst, false, depth), ']')
	}
	return append(dst, "[]"...)
}

// appendJSONGroup writes {} without a line break if empty, as Python's json does.
func appendJSONGroup(dst []byte, g *group, depth int) []byte {
	if len(g.nodes) == 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, '{')
	for i, n := range g.nodes {
		dst = appendJSONBreak(dst, i > 0, depth+1)
		dst = pyjson.AppendString(dst, n.key, true)
		dst = append(dst, ": "...)
		dst = n.val.appendJSON(dst, depth+1)
	}
	return append(appendJSONBreak(dst, false, depth), '}')
}

// appendJSONBreak begins a line at a depth, after a comma unless it is the first.
func appendJSONBreak(dst []byte, comma bool, depth int) []byte {
	if comma {
		dst = append(dst, ',')
	}
	dst = append(dst, '\n')
	for range depth {
		dst = append(dst, "    "...)
	}
	return dst
}

// pyjson copies the group.
func (g *group) pyjson() *pyjson.Map {
	m := new(pyjson.Map)
	for _, n := range g.nodes {
		m.Set(n.key, n.val.pyjson())
	}
	return m
}

// pyjson is the value as internal/pyjson has it; null, and no kind, is nil.
func (v value) pyjson() any {
	switch v.kind {
	case kindBool:
		return v.bits != 0
	case kindInt:
		return int64(v.bits)
	case kindUint:
		return new(big.Int).SetUint64(v.bits)
	case kindFloat64, kindFloat32, kindFloat16:
		return v.float()
	case kindString:
		return v.str
	case kindBig:
		return v.any
	case kindTree:
		if g := v.group(); g != nil {
			return g.pyjson()
		}
		list := []any{}
		for _, e := range v.any.([]value) {
			list = append(list, e.pyjson())
		}
		return list
	}
	return nil
}
