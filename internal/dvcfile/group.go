package dvcfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// foreach lists the members of a foreach over items: a list, a mapping, or an
// expression that gives one.
func (r *resolver) foreach(name string, items any) ([]member, error) {
	// keep: a value from a variable stays a node, so that it remembers where it
	// came from, and how its booleans are to be spelled.
	t := &template{scope: r.scope, keep: true, opts: r.opts}
	resolved, err := t.resolve(items)
	if err != nil {
		return nil, r.fail(err, "'stages."+name+".foreach'", "stages", name, "foreach")
	}
	if n, ok := resolved.(*node); ok {
		switch n.kind {
		case listNode:
			resolved = anys(n.list)
		case mapNode:
			m := dvcyaml.NewMap()
			for _, k := range n.keys {
				m.Set(k, n.fields[k])
			}
			resolved = m
		}
	}
	list := newMembers()
	switch v := resolved.(type) {
	case []any:
		r.warnShadowed(name, "item")
		// If any item is a list or a mapping all are named by their index, even
		// the scalars among them.
		composite := false
		for _, item := range v {
			composite = composite || isCollection(item)
		}
		for i, item := range v {
			key := strconv.Itoa(i)
			if !composite {
				key = nameText(item)
			}
			if err := list.add(key, item, false); err != nil {
				return nil, err
			}
		}
	case *dvcyaml.Map:
		r.warnShadowed(name, "item", "key")
		for k, item := range v.All() {
			if err := list.add(nameText(k), item, true); err != nil {
				return nil, err
			}
		}
	default:
		if n, ok := resolved.(*node); ok {
			resolved = n.value()
		}
		return nil, r.place(&Error{Kind: Foreach, Msg: fmt.Sprintf(
			"failed to resolve 'stages.%s.foreach' in '%s': expected list/dictionary, got %s",
			name, r.show(r.path), typeName(resolved))}, "stages", name, "foreach")
	}
	return list.all, nil
}

// matrix lists the members of a matrix: the product of its axes, the first one
// slowest.
func (r *resolver) matrix(name string, axes any) ([]member, error) {
	t := &template{scope: r.scope, keep: true, opts: r.opts}
	resolved, err := t.resolve(axes)
	if err != nil {
		return nil, r.fail(err, "'stages."+name+".matrix'", "stages", name, "matrix")
	}
	r.warnShadowed(name, "key", "item")
	// The schema accepts nothing but a mapping here, and resolving keeps that.
	m, _ := resolved.(*dvcyaml.Map)
	type combination struct {
		names []string
		item  *dvcyaml.Map
	}
	rows := []combination{{item: dvcyaml.NewMap()}}
	for k, v := range m.All() {
		axis := text(k)
		values, ok := axisValues(v)
		if !ok {
			return nil, r.place(&Error{Kind: Foreach, Msg: fmt.Sprintf(
				"failed to resolve 'stages.%s.matrix' in '%s': expected a list in '%s'", name, r.show(r.path), axis)},
				"stages", name, "matrix", k)
		}
		next := make([]combination, 0, len(rows)*len(values))
		for _, row := range rows {
			for i, item := range values {
				// A collection has no text that could be a name: it goes by its
				// axis and index.
				part := nameText(item)
				if isCollection(item) {
					part = axis + strconv.Itoa(i)
				}
				fields := row.item.Clone()
				fields.Set(k, item)
				next = append(next, combination{append(row.names[:len(row.names):len(row.names)], part), fields})
			}
		}
		// Checked for each axis, before the next one multiplies the rows.
		if rows = next; len(rows) > maxMembers {
			return nil, r.place(&Error{Kind: Foreach, Msg: fmt.Sprintf(
				"failed to resolve 'stages.%s.matrix' in '%s': more than %d combinations", name, r.show(r.path), maxMembers)},
				"stages", name, "matrix")
		}
	}
	list := newMembers()
	for _, row := range rows {
		if err := list.add(strings.Join(row.names, "-"), row.item, true); err != nil {
			return nil, err
		}
	}
	return list.all, nil
}

// maxMembers bounds the size of a group, against files made to exhaust memory.
const maxMembers = 100_000

// axisValues lists what one axis runs over: a list, the characters of a literal
// string, or the keys of an interpolated mapping.
func axisValues(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case string:
		var all []any
		for _, c := range v {
			all = append(all, string(c))
		}
		return all, utf8.ValidString(v)
	case *node:
		switch v.kind {
		case listNode:
			return anys(v.list), true
		case mapNode:
			var all []any
			for _, k := range v.keys {
				all = append(all, k)
			}
			return all, true
		}
	}
	return nil, false
}

// members collects the members of a group. Equal names collapse: the place of
// the first, the value of the last.
type members struct {
	all   []member
	index map[string]int
}

func newMembers() *members { return &members{index: map[string]int{}} }

// add appends a member, or replaces the value of the one with that key.
func (l *members) add(key string, item any, withKey bool) error {
	n, err := newNode(item, "", "item", true)
	if err != nil {
		return err
	}
	if i, ok := l.index[key]; ok {
		l.all[i].item = n
		return nil
	}
	l.index[key] = len(l.all)
	l.all = append(l.all, member{key, n, withKey})
	return nil
}

// warnShadowed tells of variables that item and key hide within the group.
func (r *resolver) warnShadowed(name string, keys ...string) {
	var taken []string
	for _, k := range keys {
		if r.scope.root.fields[k] != nil {
			taken = append(taken, k)
		}
	}
	if len(taken) == 0 {
		return
	}
	verb := "is"
	if len(taken) > 1 {
		verb = "are"
	}
	r.warn(fmt.Sprintf("%s %s already specified, will be overwritten for stages generated from '%s'",
		strings.Join(taken, " and "), verb, name))
}

// nameText is how a value appears in the name of a stage. Values that came from
// a variable keep Python's spelling of booleans.
func nameText(v any) string {
	if n, ok := v.(*node); ok {
		return pyjson.Str(n.value())
	}
	return text(v)
}

// isCollection reports lists and mappings, whether read from the file or from a
// variable.
func isCollection(v any) bool {
	switch v := v.(type) {
	case []any, *dvcyaml.Map:
		return true
	case *node:
		return v.kind != scalarNode
	}
	return false
}

// anys is the nodes as values.
func anys(nodes []*node) []any {
	all := make([]any, len(nodes))
	for i, n := range nodes {
		all[i] = n
	}
	return all
}
