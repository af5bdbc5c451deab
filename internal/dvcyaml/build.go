package dvcyaml

import (
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// properties are the anchor and the tag in front of a node.
type properties struct {
	set         bool
	anchor, tag string
}

// properties passes anchor and tag, in either order and each at most once, with
// the blanks after them.
func (p *parser) properties() (properties, error) {
	var props properties
	for {
		switch p.at(0) {
		case '&':
			if props.anchor != "" {
				return props, p.fail("a node cannot have two anchors")
			}
			name, err := p.name()
			if err != nil {
				return props, err
			}
			props.anchor, props.set = name, true
		case '!':
			if props.tag != "" {
				return props, p.fail("a node cannot have two tags")
			}
			tag, err := p.tag()
			if err != nil {
				return props, err
			}
			props.tag, props.set = tag, true
		default:
			return props, nil
		}
		p.skipSpaces()
	}
}

// name passes the name of an anchor or an alias with its indicator.
func (p *parser) name() (string, error) {
	p.pos++
	from := p.pos
	for p.pos < len(p.src) && !p.blankAt(p.pos) && strings.IndexByte(",[]{}", p.src[p.pos]) < 0 {
		p.pos++
	}
	if p.pos == from {
		return "", p.fail("expected a name for the anchor or alias")
	}
	return p.src[from:p.pos], nil
}

// tag passes a tag and returns it in full: "!x", or "tag:yaml.org,2002:x" for
// "!!x".
func (p *parser) tag() (string, error) {
	from := p.pos
	p.pos++
	for p.pos < len(p.src) && !p.blankAt(p.pos) && (p.flow == 0 || strings.IndexByte(",[]{}", p.src[p.pos]) < 0) {
		p.pos++
	}
	text := p.src[from:p.pos]
	if uri, ok := strings.CutPrefix(text, "!<"); ok {
		uri, ok := strings.CutSuffix(uri, ">")
		if !ok {
			return "", p.fail("expected '>' at the end of the tag")
		}
		return uri, nil
	}
	i := strings.IndexByte(text[1:], '!')
	if i < 0 {
		return text, nil
	}
	handle, suffix := text[:i+2], text[i+2:]
	// A %TAG line may redefine even !!.
	if prefix, ok := p.tags[handle]; ok {
		return prefix + suffix, nil
	}
	if handle == "!!" {
		return yamlTag + suffix, nil
	}
	return "", p.fail("found undefined tag handle %q", handle)
}

const yamlTag = "tag:yaml.org,2002:"

// tagDirective takes note of a %TAG or %YAML line; other directives are passed
// over. A version of 1.1 turns the old rules for plain scalars on for the whole
// document.
func (p *parser) tagDirective(line string) error {
	f := strings.Fields(line)
	if f[0] == "%TAG" && len(f) >= 3 {
		if p.tags == nil {
			p.tags = map[string]string{}
		}
		p.tags[f[1]] = f[2]
	}
	if f[0] == "%YAML" && (len(f) < 2 || !strings.HasPrefix(f[1], "1.")) {
		return p.fail("found an incompatible YAML version (1.x is required)")
	}
	p.old = p.old || f[0] == "%YAML" && f[1] == "1.1"
	return nil
}

// resolvePlain gives n the value of a plain scalar.
func (p *parser) resolvePlain(n *Node, s string, props properties) error {
	if n.text != nil {
		n.text.source = s
	}
	if props.tag != "" {
		// A tag decides the type, so the text must not be resolved before.
		n.Value = s
		_, err := p.scalarTag(n, props)
		return err
	}
	// Most scalars are strings without properties: they are done at once.
	k := p.resolve(s)
	if k == kindString {
		n.Value = p.intern(s)
		if props.set {
			_, err := p.finish(n, props)
			return err
		}
		return nil
	}
	// << is remembered at the node: as a value it is the plain text.
	n.isMerge = k == kindMerge
	v, err := p.convert(k, s)
	if err != nil {
		return p.failAt(n, "%q has the form of a number or a time, but no value", s)
	}
	n.Value = v
	if props.set {
		_, err = p.finish(n, props)
	}
	return err
}

// resolve is the kind of a plain scalar under the document's version of YAML.
func (p *parser) resolve(s string) kind {
	if p.old {
		return resolve11(s)
	}
	return resolve(s)
}

// convert is the value of a plain scalar of a known kind, by the same version.
func (p *parser) convert(k kind, s string) (any, error) {
	if p.old {
		return convert11(k, s)
	}
	return convert(k, s)
}

// convert is the value of a plain scalar by YAML 1.2. s has the form that
// resolve found, so the first byte tells booleans apart. Merge and value keys
// stay text.
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

// scalarTag applies a tag to a scalar whose text is its value.
func (p *parser) scalarTag(n *Node, props properties) (*Node, error) {
	s, _ := n.Value.(string)
	k := kindString
	if n.Value == nil && props.tag == "" {
		return p.finish(n, props)
	}
	switch strings.TrimPrefix(props.tag, yamlTag) {
	case "", "str", "!":
	case "int":
		k = kindInt
	case "float":
		k = kindFloat
	case "bool":
		k = kindBool
	case "null":
		k = kindNull
	case "timestamp":
		k = kindTimestamp
	default:
		return nil, p.failAt(n, "could not determine a constructor for the tag %q", props.tag)
	}
	got := p.resolve(s)
	// !!float 1 is fine, !!int 1.0 is not.
	if k == kindFloat && got == kindInt {
		got = k
	}
	// Any text can be tagged a string, and even a null; else it must have the
	// form of the type.
	if k != kindString && k != kindNull && got != k {
		return nil, p.failAt(n, "%q is no %s", s, strings.TrimPrefix(props.tag, yamlTag))
	}
	v, err := p.convert(k, s)
	if err != nil {
		return nil, p.failAt(n, "%q is no %s", s, strings.TrimPrefix(props.tag, yamlTag))
	}
	n.Value = v
	return p.finish(n, props)
}

// finish counts a node and files its anchor.
func (p *parser) finish(n *Node, props properties) (*Node, error) {
	if n.text != nil && props.set {
		n.text.anchor, n.text.tag = props.anchor, props.tag
	}
	if n.Kind != Scalar && props.tag != "" {
		switch strings.TrimPrefix(props.tag, yamlTag) {
		case "map", "seq", "!":
		case "omap", "pairs":
			if err := p.omap(n); err != nil {
				return nil, err
			}
		default:
			return nil, p.failAt(n, "could not determine a constructor for the tag %q", props.tag)
		}
	}
	if props.anchor != "" {
		if p.anchors == nil {
			p.anchors = map[string]*Node{}
		}
		// An empty list that aliases share needs a backing array: that is what
		// identOf goes by.
		if l, ok := n.Value.([]any); ok && cap(l) == 0 {
			n.Value = make([]any, 0, 1)
		}
		p.anchors[props.anchor] = n
	}
	return n, nil
}

// omap turns a sequence of one-key mappings into a mapping.
func (p *parser) omap(n *Node) error {
	if n.Kind != Sequence {
		return p.failAt(n, "expected a sequence for an ordered mapping")
	}
	m := &Map{}
	for _, item := range n.Items {
		if item.Kind != Mapping || len(item.Pairs) != 1 {
			return p.failAt(item, "expected a mapping with one key")
		}
		m.Set(item.Pairs[0].Key.Value, item.Pairs[0].Value.Value)
		n.Pairs = append(n.Pairs, item.Pairs[0])
	}
	n.Kind, n.Value = Mapping, m
	return nil
}

// alias passes *name.
func (p *parser) alias(props properties) (*Node, error) {
	at := p.newNode(Scalar)
	if props.set {
		return nil, p.fail("an alias cannot have an anchor or a tag")
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	target := p.anchors[name]
	if target == nil {
		return nil, p.failAt(at, "found undefined alias %q", name)
	}
	// The alias has a node of its own with its own place, and the value and
	// children of the target: the same *Map or list, not a copy.
	n := *target
	n.Line, n.Column = at.Line, at.Column
	if at.text != nil {
		at.text.alias = name
		n.text = at.text
	}
	if n.Kind == Scalar {
		return &n, nil
	}
	return &n, p.count(&n, target.size)
}

// count adds to the size that the document has with all aliases counted.
// An error here stops a document whose aliases multiply, before anything walks
// it in full.
func (p *parser) count(n *Node, size int) error {
	if p.size += size; p.size > maxSize {
		return p.failAt(n, "the document is too large once its aliases are followed")
	}
	return nil
}

// grow counts a collection.
// n.size has what is below with aliases counted in full; p.size got the plain
// nodes below one by one already, so only n itself is added.
func (p *parser) grow(n *Node) error {
	if n.size > maxSize {
		return p.count(n, n.size)
	}
	return p.count(n, 1)
}

// add puts a pair into a mapping.
func (p *parser) add(n *Node, m *Map, key, value *Node) error {
	n.size += key.size + value.size
	if !p.lean {
		n.Pairs = append(n.Pairs, Pair{key, value})
	}
	if key.Kind != Scalar {
		return p.failAt(key, "a collection cannot be a key")
	}
	// The pair stays among n.Pairs for merge; << itself is no key of the value.
	// ruamel allows one << in a mapping, and merge refuses a second.
	if key.isMerge {
		return nil
	}
	if old, ok := m.Get(key.Value); ok {
		return p.failAt(key, "found duplicate key %q with value %q (original value: %q)",
			pyjson.Str(key.Value), brief(value.Value), brief(old))
	}
	m.Set(key.Value, value.Value)
	p.release(key, value)
	return nil
}

// brief is a value for an error message, cut at 60 bytes.
func brief(v any) string {
	s := pyjson.Str(v)
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// merge puts the pairs that << refers to in front of the mapping's own, which
// win.
func (p *parser) merge(n *Node, m *Map) error {
	var sources []*Node
	merges := 0
	for _, pair := range n.Pairs {
		if !pair.Key.isMerge {
			continue
		}
		if merges++; merges > 1 {
			return p.failAt(pair.Key, "found duplicate merge key \"<<\"")
		}
		sources = []*Node{pair.Value}
		if pair.Value.Kind == Sequence {
			sources = pair.Value.Items
		}
	}
	if merges == 0 {
		return p.grow(n)
	}
	var pairs []Pair
	all := &Map{}
	for i := range sources {
		src := sources[len(sources)-1-i]
		if src.Kind != Mapping {
			return p.failAt(src, "expected a mapping or a list of mappings for merging")
		}
		// From the last source to the first, so that of equal keys the first
		// source has the last word, as the merge type demands.
		pairs = append(pairs, src.Pairs...)
	}
	own := n.Pairs
	if n.text != nil {
		n.text.own = own
	}
	n.Pairs = nil
	// index maps a key to its place in n.Pairs: a key that occurs again keeps
	// the place where it came first and takes the later value.
	index := &Map{}
	for _, pair := range append(pairs, own...) {
		if pair.Key.isMerge {
			continue
		}
		all.Set(pair.Key.Value, pair.Value.Value)
		if i, ok := index.Get(pair.Key.Value); ok {
			n.Pairs[i.(int)] = pair
			continue
		}
		index.Set(pair.Key.Value, len(n.Pairs))
		n.Pairs = append(n.Pairs, pair)
	}
	// m is already the value of n and must stay the same object.
	*m = *all
	return p.grow(n)
}
