package dvcyaml

import (
	"fmt"
	"unsafe"
)

// maxDepth bounds the nesting of values read and written.
const maxDepth = 1000

// ident is what makes a collection the very same one: the *Map, or the backing
// array and the length of a list. An empty list has an identity if it has a
// capacity, which is how Decode makes the ones that aliases share.
type ident struct {
	at unsafe.Pointer
	n  int
}

// identOf is the identity of a collection; scalars and lists without a backing
// array have none. -1 is the length of no list, so a *Map and a list never
// meet.
func identOf(v any) (ident, bool) {
	switch v := v.(type) {
	case *Map:
		return ident{unsafe.Pointer(v), -1}, v != nil
	case []any:
		return ident{unsafe.Pointer(unsafe.SliceData(v)), len(v)}, cap(v) > 0
	}
	return ident{}, false
}

// findShared names the collections that occur more than once, in the order in
// which a second occurrence is met.
func (e *emitter) findShared(v any) {
	if !mayShare(v) {
		return
	}
	seen := map[ident]bool{}
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		id, ok := identOf(v)
		if !ok {
			return
		}
		if seen[id] {
			if e.names == nil {
				e.names, e.placed = map[ident]string{}, map[ident]bool{}
			}
			// id001 and so on, in the order in which PyYAML's and ruamel's
			// serializers name them: at the second occurrence, not at the
			// first.
			if e.names[id] == "" {
				e.names[id] = fmt.Sprintf("id%03d", len(e.names)+1)
			}
			return
		}
		seen[id] = true
		switch v := v.(type) {
		case *Map:
			for i := range v.Len() {
				_, x := v.At(i)
				walk(x, depth+1)
			}
		case []any:
			for _, x := range v {
				walk(x, depth+1)
			}
		}
	}
	walk(v, 0)
}

// mayShare reports whether v holds collections at all; most small values and
// all scalars do not.
func mayShare(v any) bool {
	_, ok := identOf(v)
	return ok
}

// anchor writes " *name" for a collection that was written before (alias is
// then true) and " &name" for one that will occur again.
// Both are false, and nothing is written, for what occurs once; nil names are
// the usual case, in which there is nothing to look up.
func (e *emitter) anchor(v any) (alias, anchored bool) {
	if e.names == nil {
		return false, false
	}
	id, ok := identOf(v)
	if !ok || e.names[id] == "" {
		return false, false
	}
	if e.placed[id] {
		e.ascii(" *" + e.names[id])
		return true, false
	}
	e.placed[id] = true
	e.ascii(" &" + e.names[id])
	return false, true
}
