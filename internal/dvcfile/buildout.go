package dvcfile

import (
	"fmt"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// outs reads one section of outputs. The same path listed twice is one output
// with the flags of both.
func (b *builder) outs(kind Kind) {
	key := string(kind)
	var order []string
	merged := map[string]*dvcyaml.Map{}
	first := map[string]int{}
	add := func(p string, i int) *dvcyaml.Map {
		if merged[p] == nil {
			merged[p] = dvcyaml.NewMap()
			first[p] = i
			order = append(order, p)
		}
		return merged[p]
	}
	for i, v := range b.list(key) {
		m, ok := v.(*dvcyaml.Map)
		if !ok {
			add(b.str(v, key, i), i)
			continue
		}
		for k, flags := range m.All() {
			p := b.str(k, key, i, k)
			fm, ok := flags.(*dvcyaml.Map)
			if !ok {
				b.failAs(Schema, fmt.Sprintf("Expected dict for '%s', got: '%s'", p, typeName(flags)), key, i, k)
				return
			}
			into := add(p, i)
			for name, flag := range fm.All() {
				// A flag that is given twice has its last value, in the place
				// of the first.
				into.Set(name, flag)
			}
		}
	}
	for _, p := range order {
		if b.err != nil {
			return
		}
		b.s.Outs = append(b.s.Outs, b.out(p, kind, merged[p], key, first[p]))
	}
}

// out gives the flags of an output their types. at is the place of the output
// in the definition.
func (b *builder) out(p string, kind Kind, flags *dvcyaml.Map, at ...any) Out {
	o := Out{Path: b.path(p, "an output", at...), Kind: kind}
	for k, v := range flags.All() {
		name, _ := k.(string)
		where := append(append([]any{}, at...), k)
		switch name {
		case "cache":
			o.NoCache = !b.flag(v, where)
		case "push":
			o.NoPush = !b.flag(v, where)
		case "persist":
			o.Persist = b.flag(v, where)
		// A flag of DVC 2 that DVC 3 still accepts, and ignores.
		case "checkpoint":
		case "remote":
			o.Remote = b.str(v, where...)
		case "desc":
			o.Desc = annotation(v)
		case "type":
			o.Type = annotation(v)
		case "labels":
			list, _ := v.([]any)
			for _, label := range list {
				o.Labels = append(o.Labels, annotation(label))
			}
		case "meta":
			o.Meta = v
		// The schema let nothing else through: these are the properties of a
		// plot, or those of live.
		default:
			if o.Props == nil {
				o.Props = dvcyaml.NewMap()
			}
			o.Props.Set(name, v)
		}
	}
	return o
}

// flag is v as a boolean, or an error; an error counts as false.
func (b *builder) flag(v any, at []any) bool {
	on, ok := v.(bool)
	if !ok {
		b.fail("expected bool, got "+typeName(v), at...)
	}
	return on
}

// annotation is a text about an output; a variable may have made it a number.
func annotation(v any) string {
	if v == nil {
		return ""
	}
	return text(v)
}

// live reads the section of DVC 2.1 that names the folder dvclive logs to. The
// folder is not removed before the command; summary and page are made unless
// switched off.
func (b *builder) live() {
	v := b.get("live")
	if v == nil {
		return
	}
	flags := dvcyaml.NewMap()
	p, ok := v.(string)
	if m, isMap := v.(*dvcyaml.Map); isMap && m.Len() == 1 {
		k, f := m.At(0)
		p, ok = k.(string)
		flags, _ = f.(*dvcyaml.Map)
	}
	if !ok {
		b.fail("expected one path, or one path with its flags", "live")
		return
	}
	o := b.out(p, Live, flags, "live")
	o.LiveSummary, o.LiveHTML = true, true
	if o.Props != nil {
		if on, ok := o.Props.Get("summary"); ok {
			o.LiveSummary = b.flag(on, []any{"live", p, "summary"})
		}
		if on, ok := o.Props.Get("html"); ok {
			o.LiveHTML = b.flag(on, []any{"live", p, "html"})
		}
		o.Props = nil
	}
	o.Persist = true
	b.s.Outs = append(b.s.Outs, o)
}
