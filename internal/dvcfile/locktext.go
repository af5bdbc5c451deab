package dvcfile

import (
	"bytes"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A lockText produces the bytes of a dvc.lock again and again while stages
// finish. A file that is as DVC writes it is kept as one piece of text per
// stage, so that replacing an entry does not write the others anew; any other
// file is edited as a document, which keeps its comments.
type lockText struct {
	data []byte       // as read; nil for a new file
	raw  *dvcyaml.Map // the same, decoded

	started bool
	head    []byte // all before the first stage
	order   []string
	pieces  map[string][]byte
	values  map[string]*dvcyaml.Map
	doc     *dvcyaml.Document
}

// newLockText is the text of a lock as it was read, or of a new one for nil.
func newLockText(data []byte, raw *dvcyaml.Map) *lockText {
	return &lockText{data: data, raw: raw, pieces: map[string][]byte{}, values: map[string]*dvcyaml.Map{}}
}

var stagesLine = []byte("stages:\n")

// start decides how the file is kept, when it is first changed.
func (t *lockText) start(file string) error {
	if t.started {
		return nil
	}
	t.started = true
	if t.data == nil {
		t.head = []byte("schema: '2.0'\nstages:\n")
		return nil
	}
	section, _ := t.raw.Get("stages")
	stages, _ := section.(*dvcyaml.Map)
	last, _ := t.raw.At(t.raw.Len() - 1)
	// Pieces can stand one after the other only if the stages end the file and
	// the whole is byte for byte as DVC writes it: then no comment, order or
	// style is lost.
	if last != "stages" || stages.Len() == 0 || !bytes.Equal(dvcyaml.Marshal(t.raw), t.data) {
		var err error
		t.doc, err = dvcyaml.ParseDocument(file, t.data)
		return err
	}
	head := t.raw.Clone()
	head.Delete("stages")
	t.head = append(dvcyaml.Marshal(head), stagesLine...)
	for k, v := range stages.All() {
		t.put(k.(string), v.(*dvcyaml.Map))
	}
	return nil
}

// put makes the piece of a stage, at its old place or at the end. The piece is
// written below a "stages:" line, which gives it its indentation, and that line
// is cut off.
func (t *lockText) put(name string, m *dvcyaml.Map) {
	if _, ok := t.values[name]; !ok {
		t.order = append(t.order, name)
	}
	t.values[name] = m
	text := dvcyaml.Marshal(dvcyaml.NewMap("stages", dvcyaml.NewMap(name, m)))
	t.pieces[name] = text[len(stagesLine):]
}

// bytes returns the whole file.
func (t *lockText) bytes() []byte {
	if !t.started {
		return t.data
	}
	if t.doc != nil {
		return t.doc.Bytes()
	}
	out := slices.Clone(t.head)
	for _, name := range t.order {
		// Perhaps an anchor, perhaps only such a text: whole is right for both.
		if bytes.Contains(t.pieces[name], []byte("&id")) {
			return t.whole()
		}
		out = append(out, t.pieces[name]...)
	}
	return out
}

// whole writes all stages at once: anchors are numbered through the document.
func (t *lockText) whole() []byte {
	stages := dvcyaml.NewMap()
	for _, name := range t.order {
		stages.Set(name, deepCopy(t.values[name], map[*dvcyaml.Map]*dvcyaml.Map{}, map[*any][]any{}))
	}
	head := bytes.TrimSuffix(t.head, stagesLine)
	return append(slices.Clone(head), dvcyaml.Marshal(dvcyaml.NewMap("stages", stages))...)
}

// deepCopy copies v. What occurs twice in v occurs twice in the copy, but the
// copy shares nothing with other stages, which get no anchors for equal values.
func deepCopy(v any, seen map[*dvcyaml.Map]*dvcyaml.Map, lists map[*any][]any) any {
	switch v := v.(type) {
	case *dvcyaml.Map:
		if m := seen[v]; m != nil {
			return m
		}
		m := dvcyaml.NewMap()
		seen[v] = m
		for k, item := range v.All() {
			m.Set(k, deepCopy(item, seen, lists))
		}
		return m
	case []any:
		if len(v) == 0 {
			return v
		}
		if l := lists[&v[0]]; len(l) == len(v) {
			return l
		}
		l := make([]any, len(v))
		lists[&v[0]] = l
		for i, item := range v {
			l[i] = deepCopy(item, seen, lists)
		}
		return l
	}
	return v
}

// Set replaces the entry of a stage where it stands, or appends it. The entry
// must not change afterwards.
func (l *Lock) Set(name string, s *LockStage) error {
	if err := l.text.start(l.Path); err != nil {
		return err
	}
	l.stages[name] = s
	if doc := l.text.doc; doc != nil {
		// A document needs the section before an entry can be put into it; raw
		// remembers that it is there.
		if _, ok := l.text.raw.Get("stages"); !ok {
			l.text.raw.Set("stages", dvcyaml.NewMap())
			if err := doc.Set(dvcyaml.NewMap(), "stages"); err != nil {
				return err
			}
		}
		return doc.Set(s.Map(), "stages", name)
	}
	l.text.put(name, s.Map())
	return nil
}

// Delete removes the entry of a stage and reports whether there was one.
func (l *Lock) Delete(name string) (bool, error) {
	if l.stages[name] == nil {
		return false, nil
	}
	if err := l.text.start(l.Path); err != nil {
		return false, err
	}
	delete(l.stages, name)
	if l.text.doc != nil {
		return l.text.doc.Delete("stages", name), nil
	}
	l.text.order = slices.DeleteFunc(l.text.order, func(n string) bool { return n == name })
	delete(l.text.values, name)
	delete(l.text.pieces, name)
	return true, nil
}

// Names lists the stages that have an entry, sorted.
func (l *Lock) Names() []string { return slices.Sorted(maps.Keys(l.stages)) }

// Bytes returns the file as DVC would write it now. Entries of stages that were
// not set stay as they were, comments included.
func (l *Lock) Bytes() []byte { return l.text.bytes() }
