package dvcfile

import (
	"fmt"
	"io/fs"
	"strings"

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

// Violations checks a value, given as JSON, against a schema.
func Violations(kind string, text []byte) [][2]string {
	v, err := dvcyaml.Decode("value", text)
	if err != nil {
		return [][2]string{{err.Error(), ""}}
	}
	schema := map[string]check{"project": projectSchema, "lock": lockFile, "dvc": dvcFile}[kind]
	var all [][2]string
	for _, p := range schema(v, nil) {
		var at []string
		for _, k := range p.at {
			at = append(at, fmt.Sprint(k))
		}
		all = append(all, [2]string{p.msg, strings.Join(at, " -> ")})
	}
	return all
}
