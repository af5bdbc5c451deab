package dvcfile

import (
	"fmt"
	"strconv"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// tops fills the top-level sections that declare what to show.
func (r *resolver) tops(f *File) error {
	var err error
	if f.Metrics, err = r.paths(f.raw, "metrics"); err != nil {
		return err
	}
	if err = r.plots(f); err != nil {
		return err
	}
	if f.Params, err = r.paths(f.raw, "params"); err != nil {
		return err
	}
	if err = r.artifacts(f); err != nil {
		return err
	}
	sets, _ := f.raw.Get("datasets")
	f.Datasets, _ = sets.([]any)
	return nil
}

// paths reads a section that is a list of paths.
func (r *resolver) paths(raw *dvcyaml.Map, section string) ([]string, error) {
	v, _ := raw.Get(section)
	list, _ := v.([]any)
	var all []string
	for i, item := range list {
		resolved, err := r.top(section, strconv.Itoa(i), item, section, i)
		if err != nil {
			return nil, err
		}
		s, ok := resolved.(string)
		if !ok {
			return nil, r.mistyped(section, strconv.Itoa(i), resolved, section, i)
		}
		all = append(all, s)
	}
	return all, nil
}

// mistyped is the error of an expression that gave no string where one is
// needed.
func (r *resolver) mistyped(section, name string, got any, at ...any) error {
	return r.place(&Error{Kind: Schema, Msg: fmt.Sprintf("failed to resolve '%s.%s' in '%s': expected str, got %s",
		section, name, r.show(r.path), typeName(got))}, at...)
}

// plots reads the plots section: paths, and mappings from an id to its
// properties, of which one may hold several.
func (r *resolver) plots(f *File) error {
	v, _ := f.raw.Get("plots")
	list, _ := v.([]any)
	for i, item := range list {
		resolved, err := r.top("plots", strconv.Itoa(i), item, "plots", i)
		if err != nil {
			return err
		}
		switch v := resolved.(type) {
		case string:
			f.Plots = append(f.Plots, TopPlot{ID: v})
		case *dvcyaml.Map:
			for k, props := range v.All() {
				p := TopPlot{ID: text(k)}
				p.Props, _ = props.(*dvcyaml.Map)
				f.Plots = append(f.Plots, p)
			}
		default:
			return r.mistyped("plots", strconv.Itoa(i), resolved, "plots", i)
		}
	}
	return nil
}

// artifacts reads the artifacts section. The name may be an expression, too;
// text fields that a variable made something else are empty.
func (r *resolver) artifacts(f *File) error {
	v, _ := f.raw.Get("artifacts")
	m, _ := v.(*dvcyaml.Map)
	for k, def := range m.All() {
		written := text(k)
		resolved, err := r.top("artifacts", written, k, "artifacts", k)
		if err != nil {
			return err
		}
		name, ok := resolved.(string)
		if !ok {
			return r.mistyped("artifacts", written, resolved, "artifacts", k)
		}
		if resolved, err = r.top("artifacts", written, def, "artifacts", k); err != nil {
			return err
		}
		fields, _ := resolved.(*dvcyaml.Map)
		a := Artifact{Name: name}
		get := func(key string) string {
			v, _ := fields.Get(key)
			s, _ := v.(string)
			return s
		}
		a.Path, a.Desc, a.Type = get("path"), get("desc"), get("type")
		a.Meta, _ = fields.Get("meta")
		labels, _ := fields.Get("labels")
		items, _ := labels.([]any)
		for _, l := range items {
			a.Labels = append(a.Labels, text(l))
		}
		f.Artifacts = append(f.Artifacts, a)
	}
	return nil
}
