package dvcfile

import (
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A violation is a value that a schema does not accept.
type violation struct {
	at   []any // keys and indexes from the top
	msg  string
	want string
}

// A check tells what is wrong with a value at a place. The messages, and which
// of several violations is told, are those of the library DVC checks with.
type check func(v any, at []any) []violation

// bad is one violation at a place. The place is copied, because checks reuse
// the slice that they go down with.
func bad(at []any, msg string) []violation {
	return []violation{{at: slices.Clone(at), msg: msg}}
}

// The checks of single types. As in Python a boolean is an integer, but not the
// reverse; the messages are voluptuous'.
func isStr(v any, at []any) []violation {
	if _, ok := v.(string); !ok {
		return bad(at, "expected str")
	}
	return nil
}

func isBool(v any, at []any) []violation {
	if _, ok := v.(bool); !ok {
		return bad(at, "expected bool")
	}
	return nil
}

func isInt(v any, at []any) []violation {
	if n := typeName(v); n != "int" && n != "bool" {
		return bad(at, "expected int")
	}
	return nil
}

// isDict and isList accept any content.
func isDict(v any, at []any) []violation {
	if _, ok := v.(*dvcyaml.Map); !ok {
		return bad(at, "expected dict")
	}
	return nil
}

func isList(v any, at []any) []violation {
	if _, ok := v.([]any); !ok {
		return bad(at, "expected list")
	}
	return nil
}

// isAny accepts everything, also null.
func isAny(any, []any) []violation { return nil }

func isNull(v any, at []any) []violation {
	if v != nil {
		return bad(at, "expected None")
	}
	return nil
}

// listOf accepts lists whose items satisfy one of the checks. A violation inside
// an item hides those of the other items.
func listOf(items ...check) check {
	return func(v any, at []any) []violation {
		list, ok := v.([]any)
		if !ok {
			return bad(at, "expected a list")
		}
		var all []violation
		for i, item := range list {
			// The capacity is cut off, so that the places of two items never
			// share memory.
			here := append(at[:len(at):len(at)], i)
			var last []violation
			for _, c := range items {
				if last = c(item, here); last == nil {
					break
				}
				// The item was of the right sort and something in it is wrong:
				// voluptuous tells this at once, and of no other item.
				if len(last[0].at) > len(here) {
					return last
				}
			}
			all = append(all, last...)
		}
		return all
	}
}

// either accepts what one of the checks accepts; otherwise it tells the
// violation that lies deepest.
func either(checks ...check) check {
	return func(v any, at []any) []violation {
		var worst []violation
		for _, c := range checks {
			found := c(v, at)
			if found == nil {
				return nil
			}
			// The deepest one comes from the alternative that fits best. Of
			// equally deep ones the first counts.
			if worst == nil || len(found[0].at) > len(worst[0].at) {
				worst = found
			}
		}
		return worst
	}
}

// mapOf accepts mappings from strings to values that satisfy the check.
func mapOf(value check) check {
	return func(v any, at []any) []violation {
		m, ok := v.(*dvcyaml.Map)
		if !ok {
			return bad(at, "expected a dictionary")
		}
		var all []violation
		for k, item := range m.All() {
			here := append(at[:len(at):len(at)], k)
			if found := isStr(k, here); found != nil {
				all = append(all, found...)
				continue
			}
			all = append(all, value(item, here)...)
		}
		return all
	}
}

// mapOfSome is mapOf for mappings that must not be empty.
func mapOfSome(value check) check {
	some := mapOf(value)
	return func(v any, at []any) []violation {
		if m, ok := v.(*dvcyaml.Map); ok && m.Len() == 0 {
			return []violation{{at: append(at[:len(at):len(at)], "<class 'str'>"), msg: "required key not provided",
				want: "expected the name of a plot"}}
		}
		return some(v, at)
	}
}

// A field is a key that a mapping may or must have.
type field struct {
	name     string
	value    check
	required bool
}

func opt(name string, value check) field { return field{name, value, false} }
func req(name string, value check) field { return field{name, value, true} }

// fields accepts mappings with the given keys and no other.
func fields(list ...field) check {
	byName := make(map[string]field, len(list))
	names := make([]string, len(list))
	for i, f := range list {
		byName[f.name] = f
		names[i] = f.name
	}
	want := "expected one of: " + strings.Join(names, ", ")
	return func(v any, at []any) []violation {
		m, ok := v.(*dvcyaml.Map)
		if !ok {
			return bad(at, "expected a dictionary")
		}
		var all []violation
		for k, item := range m.All() {
			here := append(at[:len(at):len(at)], k)
			name, _ := k.(string)
			f, ok := byName[name]
			if !ok {
				all = append(all, violation{at: slices.Clone(here), msg: "extra keys not allowed", want: want})
				continue
			}
			all = append(all, f.value(item, here)...)
		}
		for _, f := range list {
			if _, ok := m.Get(f.name); f.required && !ok {
				all = append(all, violation{
					at:  append(at[:len(at):len(at)], f.name),
					msg: "required key not provided", want: "expected the key " + f.name})
			}
		}
		return all
	}
}
