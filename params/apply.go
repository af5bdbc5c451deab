package params

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// applyAll returns a copy of root with the overrides applied in order. All of
// them are parsed before the first is applied, and root is never changed: an
// error in the last one leaves nothing half done. References are resolved at
// the end, so that one override may refer to what another sets.
func applyAll(root *Map, overrides []string) (*Map, error) {
	var parsed []*override
	for _, text := range overrides {
		o, err := parseOverride(text)
		if err != nil {
			return nil, err
		}
		// DVC takes a sweep only together with --queue, and expands it before
		// it applies anything: by now every override must have one value.
		if _, ok := o.value.(*sweep); ok {
			return nil, &reason{fmt.Sprintf("%s is a sweep, which only a queue can run", text), ErrSweep}
		}
		parsed = append(parsed, o)
	}
	root = clone(root).(*Map)
	for _, o := range parsed {
		if err := o.apply(root); err != nil {
			return nil, err
		}
	}
	return resolveAll(root)
}

// clone copies the collections of a value.
func clone(v any) any {
	switch v := v.(type) {
	case *Map:
		m := &Map{}
		for k, x := range v.All() {
			m.Set(k, clone(x))
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = clone(x)
		}
		return l
	}
	return v
}

// plainValue turns quoted strings into strings.
// Text with ${ becomes a reference, which resolveAll replaces. Lists and
// mappings are changed in place, so v must be the caller's own.
func plainValue(v any) any {
	switch v := v.(type) {
	// The quotes did their work in the parser: what stood in them is a text,
	// whatever it looks like, but a ${ in it is a reference all the same.
	case quoted:
		return plainValue(v.text)
	case string:
		if strings.Contains(v, "${") {
			return reference(v)
		}
	case []any:
		for i, x := range v {
			v[i] = plainValue(x)
		}
	case *Map:
		for k, x := range v.All() {
			v.Set(k, plainValue(x))
		}
	}
	return v
}

// place is where a value stands in its collection.
type place struct {
	in  any // *Map or []any
	key any // a key of the mapping, or an index
}

// keyIn finds the key that a part of a dotted name means in a mapping: the text
// itself, or the integer that it spells if only that is there, as OmegaConf
// converts a key to the type of those in the mapping.
func keyIn(m *Map, part string) any {
	if _, ok := m.Get(part); ok {
		return part
	}
	if i, err := strconv.ParseInt(part, 10, 64); err == nil {
		if _, ok := m.Get(i); ok {
			return i
		}
	}
	return part
}

// get returns the value at the place. An index counts from the end where it is
// negative, as in Python; a list knows no keys but int.
func (p place) get() (any, bool) {
	switch in := p.in.(type) {
	case *Map:
		return in.Get(p.key)
	case []any:
		i, ok := p.key.(int)
		if ok && i < 0 {
			i += len(in)
		}
		if ok && i >= 0 && i < len(in) {
			return in[i], true
		}
	}
	return nil, false
}

// set stores v. In a list the place must exist: get said so, or the caller made
// sure; a list never grows.
func (p place) set(v any) {
	switch in := p.in.(type) {
	case *Map:
		in.Set(p.key, v)
	case []any:
		i := p.key.(int)
		if i < 0 {
			i += len(in)
		}
		in[i] = v
	}
}

// placeOf is the place that a part of a dotted name means in a collection; it
// need not exist yet. False says that there can be none: in is a scalar, or
// part is no index of a list.
func placeOf(in any, part string) (place, bool) {
	switch in := in.(type) {
	case *Map:
		return place{in, keyIn(in, part)}, true
	case []any:
		i, err := strconv.Atoi(part)
		return place{in, i}, err == nil
	}
	return place{}, false
}

// missing is Hydra's refusal to change a key that is not there. DVC opens the
// file's content in OmegaConf's struct mode, in which only + and ++ add keys.
func (o *override) missing() error {
	return o.fail("Could not override '%s'.\nTo append to your config use +%s", o.key, o.text)
}

// apply changes root.
func (o *override) apply(root *Map) error {
	if strings.Contains(o.key, "@") {
		group, _, _ := strings.Cut(o.key, "@")
		return o.fail("Override %s looks like a config group override, but config group '%s' does not exist.", o.text, group)
	}
	// Walk down to the collection that holds the last part; what lacks on the
	// way is made for + and ++ only.
	parts := o.path()
	var in any = root
	create := o.op == add || o.op == force
	for _, part := range parts[:len(parts)-1] {
		at, ok := placeOf(in, part)
		if !ok {
			return o.fail("Error merging override %s", o.text)
		}
		next, there := at.get()
		switch next.(type) {
		case *Map, []any:
			in = next
			continue
		}
		if o.op == discard {
			return o.absent()
		}
		// A list has no place for a new element, not even with ++.
		if _, isList := in.([]any); isList && !there || !create {
			return o.missing()
		}
		// As in OmegaConf.update, a scalar on the way gives place to a mapping:
		// ++a.b=1 on "a: 5" is a mapping afterwards.
		m := &Map{}
		at.set(m)
		in = m
	}
	at, ok := placeOf(in, parts[len(parts)-1])
	if !ok {
		return o.fail("Error merging override %s", o.text)
	}
	if o.op == discard {
		return o.delete(at)
	}
	return o.assign(at)
}

// absent is Hydra's refusal to delete a key that is not there.
func (o *override) absent() error {
	return o.fail("Could not delete from config. '%s' does not exist.", o.key)
}

// delete removes the key at a place. A value in the override, as in ~lr=0.1, is
// a condition and must be the current one; ~lr=null and a bare ~lr have none,
// because Hydra tests the value against None.
func (o *override) delete(at place) error {
	old, ok := at.get()
	if !ok || old == nil { // Hydra cannot tell a null from a missing key
		return o.absent()
	}
	if v := plainValue(o.value); o.valued && v != nil && !pyjson.Equal(v, old) {
		return o.fail("Could not delete from config. The value of '%s' is %s and not %s.", o.key, pyjson.Str(old), pyjson.Str(v))
	}
	m, isMap := at.in.(*Map)
	if !isMap {
		return o.fail("Error merging override %s: an element of a list cannot be deleted", o.text)
	}
	m.Delete(at.key)
	return nil
}

// assign stores the override's value at a place by Hydra's rules: + on a key
// with a value is an error, unless it brings a collection, which OmegaConf
// would merge; a plain assignment needs the key to be there; a mapping is
// merged into a mapping, a list and a mapping exclude each other, and any other
// value replaces what was there.
func (o *override) assign(at place) error {
	// plainValue changes what it is given, and the parsed override must stay as
	// it is.
	v := plainValue(clone(o.value))
	old, there := at.get()
	_, isMap := v.(*Map)
	_, isList := v.([]any)
	if _, inList := at.in.([]any); inList && !there {
		return o.fail("Error merging override %s: the list has no element %s", o.text, pyjson.Str(at.key))
	}
	switch {
	// A null counts as no item: OmegaConf.select answers None for both.
	case o.op == add && there && old != nil && !isMap && !isList:
		return o.fail("Could not append to config. An item is already at '%s'.\nEither remove + prefix: '%s'\nOr add a second + to add or override '%s': '+%s'",
			o.key, o.text[1:], o.key, o.text)
	case o.op == change && !there:
		return o.missing()
	}
	target, oldIsMap := old.(*Map)
	if isMap && oldIsMap {
		return o.merge(target, v.(*Map))
	}
	_, oldIsList := old.([]any)
	if isMap && oldIsList || isList && oldIsMap {
		return o.fail("Error merging override %s: a list and a mapping cannot be merged", o.text)
	}
	at.set(v)
	return nil
}

// merge puts the pairs of m into target; new keys need + or ++.
func (o *override) merge(target, m *Map) error {
	for k, v := range m.All() {
		old, there := target.Get(k)
		if !there && o.op == change {
			return o.missing()
		}
		sub, isMap := v.(*Map)
		inner, oldIsMap := old.(*Map)
		if isMap && oldIsMap {
			if err := o.merge(inner, sub); err != nil {
				return err
			}
			continue
		}
		target.Set(k, v)
	}
	return nil
}

// resolveAll replaces the references that overrides brought in.
//
// The strings of the file itself are no references, whatever is in them: only
// plainValue makes references, and it sees nothing but values of overrides.
func resolveAll(root *Map) (*Map, error) {
	r := resolver{root: root}
	v, err := r.value(root, 0)
	if err != nil {
		return nil, err
	}
	return v.(*Map), nil
}

// resolver looks names up in root, which it changes in place while it walks: a
// reference that was replaced is found as its value from then on.
type resolver struct{ root *Map }

// maxReferences bounds chains of references, which may go in circles.
const maxReferences = 100

// value replaces the references in v. depth counts the references that were
// followed on the way, not the nesting of collections.
func (r *resolver) value(v any, depth int) (any, error) {
	if depth > maxReferences {
		return nil, &reason{"references go in a circle, or too deep", ErrOverride}
	}
	switch v := v.(type) {
	case reference:
		return r.text(string(v), depth)
	case []any:
		for i, x := range v {
			y, err := r.value(x, depth)
			if err != nil {
				return nil, err
			}
			v[i] = y
		}
	case *Map:
		for k, x := range v.All() {
			y, err := r.value(x, depth)
			if err != nil {
				return nil, err
			}
			v.Set(k, y)
		}
	}
	return v, nil
}

// text is s with its references replaced. A reference that is the whole text
// becomes the value itself, of any type; one among other text is written as
// Python's str writes it. References do not nest, and ${ without its } is text.
func (r *resolver) text(s string, depth int) (any, error) {
	var b strings.Builder
	for rest := s; ; {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			b.WriteString(rest)
			return b.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed {
			b.WriteString(rest)
			return b.String(), nil
		}
		v, err := r.lookup(strings.TrimSpace(name), depth)
		if err != nil {
			return nil, err
		}
		if before == "" && tail == "" && b.Len() == 0 {
			return v, nil
		}
		b.WriteString(before + pyjson.Str(v))
		rest = tail
	}
}

// lookup is the value under a dotted name from the root, with the references in
// it replaced. It is a copy: the same collection in two places would change in
// both.
func (r *resolver) lookup(name string, depth int) (any, error) {
	var v any = r.root
	for part := range strings.SplitSeq(name, ".") {
		at, ok := placeOf(v, part)
		if ok {
			v, ok = at.get()
		}
		if !ok {
			return nil, &reason{fmt.Sprintf("Interpolation key '%s' not found", name), ErrOverride}
		}
	}
	return r.value(clone(v), depth+1)
}
