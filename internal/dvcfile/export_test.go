package dvcfile

import (
	"io/fs"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A Resolved is a stage as the templating left it.
type Resolved struct {
	Name   string
	Fields *dvcyaml.Map
}

// Resolve returns what templating makes of the stages of dvc.yaml.
func Resolve(fsys fs.FS) ([]Resolved, error) {
	r := &resolver{fsys: fsys, opts: &Options{}, path: "dvc.yaml", dir: ".", warn: func(string) {}}
	data, raw, err := r.read("dvc.yaml", Schema, projectSchema)
	if err != nil {
		return nil, err
	}
	r.data = data
	vars, _ := raw.Get("vars")
	list, _ := vars.([]any)
	if err := r.start(list); err != nil {
		return nil, err
	}
	section, _ := raw.Get("stages")
	m, _ := section.(*dvcyaml.Map)
	entries, err := r.entries(m)
	if err != nil {
		return nil, err
	}
	var all []Resolved
	for _, e := range entries {
		err := r.each(e, func(d definition) error {
			all = append(all, Resolved{d.name, d.fields})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ParseExpr and FindMatches are the grammar of expressions.
var ParseExpr = parseExpr
