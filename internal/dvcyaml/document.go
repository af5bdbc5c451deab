package dvcyaml

import (
	"fmt"
	"strconv"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Document is a file that is edited in place: entries that are not touched
// keep their order, comments, blank lines, the flow style of collections,
// block scalars, anchors and the spelling of numbers. As when DVC rewrites a
// file, quotes are chosen anew, indentation becomes two blanks, long strings
// are broken at column 80 and a document start marker is dropped.
//
// A comment belongs to the entry before it, down to the next entry; it goes
// when that entry goes, and an entry appended to a mapping stands below it.
type Document struct {
	root *Node
	tail string // the lines after a collection in brackets that ends the document
}

// ParseDocument reads a document for editing. Errors are those of [Decode].
func ParseDocument(file string, data []byte) (*Document, error) {
	p := parser{file: file, src: string(data), keep: true}
	root, err := p.run()
	if err != nil {
		return nil, err
	}
	d := &Document{root: root, tail: p.before}
	// An empty file is about to become a mapping. All its comments go to the
	// top.
	if root.Value == nil {
		top := root.text.lead + root.text.after + d.tail
		d.tail = ""
		d.root = &Node{Kind: Mapping, Value: &Map{}, text: &text{lead: top}}
	}
	return d, nil
}

// Value returns the current content, as Decode would.
func (d *Document) Value() any { return valueOf(d.root) }

// valueOf is the value of n as it is now. Edits change nodes and leave Value of
// a collection as it was read, so it is made anew.
func valueOf(n *Node) any {
	switch n.Kind {
	case Mapping:
		m := &Map{}
		for _, p := range n.Pairs {
			m.Set(p.Key.Value, valueOf(p.Value))
		}
		return m
	case Sequence:
		l := make([]any, len(n.Items))
		for i, item := range n.Items {
			l[i] = valueOf(item)
		}
		return l
	}
	return n.Value
}

// Node returns the entry at path, or nil. In a value given to Set it stands for
// itself: an entry that moves to a new list or mapping keeps its style and the
// comments within.
func (d *Document) Node(path ...any) *Node {
	n, err := d.walk(path)
	if err != nil {
		return nil
	}
	return n
}

// fresh makes nodes for a value that is new to the document.
func fresh(v any) *Node {
	// A node that Document.Node handed out moves with all that is remembered of
	// it.
	if n, ok := v.(*Node); ok {
		return n
	}
	v = normal(v)
	n := &Node{Kind: Scalar, Value: v, text: &text{}}
	switch v := v.(type) {
	case *Map:
		n.Kind = Mapping
		for k, x := range v.All() {
			n.Pairs = append(n.Pairs, Pair{fresh(k), fresh(x)})
		}
	case []any:
		n.Kind = Sequence
		for _, x := range v {
			n.Items = append(n.Items, fresh(x))
		}
	}
	return n
}

// Set gives the entry at path a value. Keys of mappings are any scalars,
// indices of lists ints; a last key that is missing is appended, and so is an
// item at the length of its list. The comment of an entry stays when its value
// is replaced.
func (d *Document) Set(v any, path ...any) error {
	if len(path) == 0 {
		d.replaceRoot(v)
		return nil
	}
	parent, err := d.walk(path[:len(path)-1])
	if err != nil {
		return err
	}
	last := path[len(path)-1]
	switch parent.Kind {
	case Mapping:
		parent.set(last, fresh(v))
		return nil
	case Sequence:
		i, ok := index(last)
		switch {
		case ok && i == len(parent.Items):
			parent.touch()
			parent.Items = append(parent.Items, fresh(v))
			return nil
		case ok && i >= 0 && i < len(parent.Items):
			parent.touch()
			parent.Items[i] = keepText(parent.Items[i], fresh(v))
			return nil
		}
	}
	return fmt.Errorf("no entry %v to set", last)
}

// Delete removes the entry at path and reports whether there was one.
func (d *Document) Delete(path ...any) bool {
	if len(path) == 0 {
		return false
	}
	parent, err := d.walk(path[:len(path)-1])
	if err != nil {
		return false
	}
	last := path[len(path)-1]
	if parent.Kind == Mapping {
		return parent.delete(last)
	}
	if i, ok := index(last); ok && parent.Kind == Sequence && i >= 0 && i < len(parent.Items) {
		parent.touch()
		parent.Items = append(parent.Items[:i:i], parent.Items[i+1:]...)
		return true
	}
	return false
}

// index is a path part as the index of a list, or false. Negative ones are no
// entries here.
func index(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case string:
		i, err := strconv.Atoi(v)
		return i, err == nil
	}
	return 0, false
}

// walk finds a collection and marks everything on the way as changed.
func (d *Document) walk(path []any) (*Node, error) {
	n := d.root
	n.touch()
	for _, part := range path {
		var next *Node
		switch n.Kind {
		case Mapping:
			if i := n.find(part); i >= 0 {
				next = n.Pairs[i].Value
			}
		case Sequence:
			if i, ok := index(part); ok && i >= 0 && i < len(n.Items) {
				next = n.Items[i]
			}
		}
		if next == nil {
			return nil, fmt.Errorf("no entry %v", part)
		}
		n = next
		n.touch()
	}
	return n, nil
}

// touch gives up the verbatim text of a collection that is about to change,
// and makes an alias a copy.
func (n *Node) touch() {
	if n.text == nil {
		n.text = &text{}
	}
	n.text.raw = ""
}

// open makes a block of {} or [], which is about to be filled.
// A comment beside the brackets now stands between the key and the block.
func (n *Node) open() {
	if n.empty() && n.text.inFlow {
		n.text.inFlow = false
		if n.text.after != "" {
			n.text.lead, n.text.leadCol, n.text.after = n.text.after, n.text.afterCol, ""
		}
	}
}

// find is the place of a key in Pairs, or -1. Keys are equal as in Python, so 1
// finds 1.0.
func (n *Node) find(key any) int {
	for i, p := range n.Pairs {
		if pyjson.Equal(p.Key.Value, key) {
			return i
		}
	}
	return -1
}

// set replaces or appends a pair.
func (n *Node) set(key any, v *Node) {
	n.touch()
	n.open()
	if i := n.find(key); i >= 0 {
		v = keepText(n.Pairs[i].Value, v)
		n.Pairs[i].Value = v
		n.setOwn(key, v)
		return
	}
	// Appended to both lists where there is a <<: own is what will be written.
	p := Pair{fresh(key), v}
	n.Pairs = append(n.Pairs, p)
	if n.text.own != nil {
		n.text.own = append(n.text.own, p)
	}
}

// setOwn keeps the pairs as they are written in step with those after a merge.
func (n *Node) setOwn(key any, v *Node) {
	if n.text.own == nil {
		return
	}
	for i, p := range n.text.own {
		if !p.Key.isMerge && pyjson.Equal(p.Key.Value, key) {
			n.text.own[i].Value = v
			return
		}
	}
	// The key came from a merge alone. Changing it there would change other
	// mappings, so it is written here and wins.
	n.text.own = append(n.text.own, Pair{fresh(key), v})
}

// delete removes the pair of a key, both after the merge and as it is written,
// and reports whether there was one.
func (n *Node) delete(key any) bool {
	n.touch()
	i := n.find(key)
	if i < 0 {
		return false
	}
	n.Pairs = append(n.Pairs[:i:i], n.Pairs[i+1:]...)
	for i, p := range n.text.own {
		if !p.Key.isMerge && pyjson.Equal(p.Key.Value, key) {
			n.text.own = append(n.text.own[:i:i], n.text.own[i+1:]...)
			break
		}
	}
	return true
}

// keepText hands the comment of a replaced scalar on to its successor. What
// follows a collection belongs to its last entry and goes with it.
func keepText(old, now *Node) *Node {
	if old.text == nil {
		return now
	}
	if now.text == nil {
		now.text = &text{}
	}
	now.text.before = old.text.before
	now.text.lead, now.text.leadCol = old.text.lead, old.text.leadCol
	// A block's comment after its key moves behind the scalar that takes its
	// place.
	if now.Kind == Scalar && old.Kind != Scalar && !old.text.inFlow {
		now.text.after, now.text.afterCol = old.text.lead, old.text.leadCol
	}
	if old.Kind == Scalar || old.text.inFlow || old.text.alias != "" {
		if now.Kind == Scalar || now.empty() {
			now.text.after, now.text.afterCol = old.text.after, old.text.afterCol
		} else {
			now.text.lead, now.text.leadCol = old.text.after, old.text.afterCol
		}
	}
	return now
}

// empty reports a node without entries, as every scalar is.
func (n *Node) empty() bool { return len(n.Pairs) == 0 && len(n.Items) == 0 }

// replaceRoot makes v the whole content; of the old text the comments at the
// top stay.
func (d *Document) replaceRoot(v any) {
	n := fresh(v)
	n.text.lead = d.root.text.lead
	d.root = n
}
