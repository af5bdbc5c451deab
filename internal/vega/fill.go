package vega

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A Plot is what goes into a template.
type Plot struct {
	Title          string
	X, Y           string // names of fields
	XLabel, YLabel string
	Revs           []string       // revisions that have data, in order
	Sources        []Source       // what Y is read from
	Data           []*dvcyaml.Map // rows, each with "rev", "filename" and "field"
}

// A Source is a field of a file.
type Source struct{ File, Field string }

// Spec fills a template. With split, the parts that depend on data and layout
// stay anchors and are returned beside it, by anchor.
func (p *Plot) Spec(template *dvcyaml.Map, split bool) (content, anchors *dvcyaml.Map, err error) {
	for _, field := range []string{p.X, p.Y} {
		if field != "" && !slices.ContainsFunc(p.Data, func(row *dvcyaml.Map) bool { _, ok := row.Get(field); return ok }) {
			return nil, nil, fmt.Errorf("Field '%s' does not exist in provided data.", field) // DVC's words
		}
	}
	f := &filler{content: template, anchors: dvcyaml.NewMap(), split: split}
	varied, touched := p.fillOptional(f)
	rows := make([]any, len(p.Data))
	for i, row := range p.Data {
		if touched {
			row = reduceRow(row, varied)
		}
		rows[i] = row
	}
	f.fill("title", p.Title)
	f.plain("x", escape(p.X))
	f.plain("y", escape(p.Y))
	f.fill("x_label", p.XLabel)
	f.fill("y_label", p.YLabel)
	if !hasAnchor(f.content, anchor("data")) {
		return nil, nil, fmt.Errorf("Template is not using '%s' anchor", anchor("data")) // DVC's words
	}
	f.fill("data", rows)
	return f.content.(*dvcyaml.Map), f.anchors, nil
}

type filler struct {
	content any
	anchors *dvcyaml.Map
	split   bool
}

// plain fills an anchor in any case.
func (f *filler) plain(name string, value any) { f.content = replace(f.content, anchor(name), value) }

// fill fills an anchor, or keeps its value beside the template.
func (f *filler) fill(name string, value any) {
	if f.split {
		f.anchors.Set(anchor(name), value)
		return
	}
	f.plain(name, value)
}

// optional fills an anchor if the template has it.
func (f *filler) optional(name string, value any) {
	if !hasAnchor(f.content, anchor(name)) {
		return
	}
	switch name {
	case "group_by", "group_by_x", "group_by_y", "pivot_field", "row", "column":
		f.plain(name, value) // part of the template's logic
	default:
		f.fill(name, value)
	}
}

var optionalAnchors = []string{"color", "column", "group_by_x", "group_by_y", "group_by", "pivot_field",
	"plot_height", "plot_width", "row", "shape", "stroke_dash", "tooltip", "zoom_and_pan"}

var ranges = map[string][]any{
	"stroke_dash": {dash(1, 0), dash(8, 8), dash(8, 4), dash(4, 4), dash(4, 2), dash(2, 1), dash(1, 1)},
	"color":       {"#945dd6", "#13adc7", "#f46837", "#48bb78", "#4299e1", "#ed8936", "#f56565"},
	"shape":       {"circle", "square", "triangle", "diamond"},
}

func dash(on, off int64) any { return []any{on, off} }

// fillOptional fills the anchors that a template may have. It returns the keys
// that tell the lines of the plot apart besides the revision, and whether the
// template has any of the anchors.
func (p *Plot) fillOptional(f *filler) (varied []string, touched bool) {
	for _, name := range optionalAnchors {
		touched = touched || hasAnchor(f.content, anchor(name))
	}
	if !touched {
		return nil, false
	}
	f.optional("color", mapping("rev", "color", p.Revs))
	f.optional("zoom_and_pan", dvcyaml.NewMap("name", "grid", "select", "interval", "bind", "scales"))
	f.optional("plot_height", int64(300))
	f.optional("plot_width", int64(300))
	groups := []any{"rev"}
	pivot := "datum.rev"
	tooltip := []any{dvcyaml.NewMap("field", "rev"), dvcyaml.NewMap("field", p.X), dvcyaml.NewMap("field", p.Y)}
	varied, domain := p.variations()
	concat := strings.Join(varied, "::")
	if len(p.Sources) > 1 {
		groups = append(groups, concat)
		for _, key := range varied {
			pivot += " + '::' + datum." + key
		}
		field := dvcyaml.NewMap("field", concat, "sort", []any{})
		f.optional("row", field)
		f.optional("column", field.Clone())
		tooltip = append(tooltip, dvcyaml.NewMap("field", concat))
		for _, name := range []string{"stroke_dash", "shape"} {
			f.optional(name, mapping(concat, name, domain))
		}
	}
	f.optional("group_by", groups)
	f.optional("group_by_x", append(slices.Clone(groups), p.X))
	f.optional("group_by_y", append(slices.Clone(groups), p.Y))
	f.optional("pivot_field", pivot)
	f.optional("tooltip", tooltip)
	if len(p.Sources) <= 1 {
		for _, name := range []string{"row", "column", "shape", "stroke_dash"} {
			f.plain(name, dvcyaml.NewMap())
		}
		varied = nil
	}
	return varied, true
}

// variations returns which of file and field differ between the sources, and
// the values they take.
func (p *Plot) variations() (keys, domain []string) {
	var files, fields, both []string
	for _, s := range p.Sources {
		for _, v := range []struct {
			list *[]string
			s    string
		}{{&files, s.File}, {&fields, s.Field}, {&both, s.File + "::" + s.Field}} {
			if !slices.Contains(*v.list, v.s) {
				*v.list = append(*v.list, v.s)
			}
		}
	}
	if len(files) > 1 {
		keys, domain = append(keys, "filename"), files
	}
	if len(fields) > 1 {
		keys, domain = append(keys, "field"), fields
	}
	if len(keys) == 2 {
		domain = both
	}
	slices.Sort(domain)
	return keys, domain
}

// mapping is an encoding by a field with a fixed range.
func mapping(field, name string, domain []string) *dvcyaml.Map {
	values, rng := make([]any, len(domain)), make([]any, len(domain))
	for i, d := range domain {
		values[i], rng[i] = d, ranges[name][i%len(ranges[name])]
	}
	m := dvcyaml.NewMap("field", field, "scale", dvcyaml.NewMap("domain", values, "range", rng))
	if name != "color" {
		m.Set("legend", dvcyaml.NewMap("symbolFillColor", "transparent", "symbolStrokeColor", "grey"))
	}
	return m
}

// reduceRow drops the keys that are the same in all rows, and joins the two if
// both differ.
func reduceRow(row *dvcyaml.Map, varied []string) *dvcyaml.Map {
	r := row.Clone()
	if len(varied) == 2 {
		file, _ := r.Get("filename")
		field, _ := r.Get("field")
		r.Set("filename::field", fmt.Sprint(file, "::", field))
	}
	for _, key := range []string{"filename", "field"} {
		if len(varied) == 2 || !slices.Contains(varied, key) {
			r.Delete(key)
		}
	}
	return r
}

// escape protects the characters that Vega takes for a path into a value.
func escape(field string) string {
	return strings.NewReplacer(".", `\.`, "[", `\[`, "]", `\]`).Replace(field)
}
