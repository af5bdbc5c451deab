// Package vega makes Vega-Lite specifications of plots: it fills the anchors of
// a template - strings such as "<DVC_METRIC_X>" - with data, titles and
// encodings, as DVC does, so that templates written for DVC work here too.
package vega

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

//go:embed templates/*.json
var builtin embed.FS

// Names lists the built-in templates.
func Names() []string {
	return []string{"simple", "linear", "confusion", "confusion_normalized", "scatter", "scatter_jitter",
		"smooth", "bar_horizontal_sorted", "bar_horizontal"}
}

// Default is the template of a plot that names none.
const Default = "linear"

// Load returns a template: a file called name, with or without .json, in dir of
// fsys, then name as a path in fsys, then the built-in one. fsys may be nil.
func Load(name string, fsys fs.FS, dir string) (*dvcyaml.Map, error) {
	if name == "" {
		name = Default
	}
	if fsys != nil {
		for _, file := range []string{path.Join(dir, name), path.Join(dir, name+".json"), path.Clean(name)} {
			data, err := fs.ReadFile(fsys, file)
			if err == nil {
				return decode(file, data)
			}
		}
	}
	data, err := builtin.ReadFile("templates/" + name + ".json")
	if err != nil || strings.ContainsAny(name, "/\\") {
		return nil, fmt.Errorf("Template '%s' not found.", name) // DVC's words
	}
	return decode(name, data)
}

func decode(name string, data []byte) (*dvcyaml.Map, error) {
	v, err := pyjson.Decode(name, data)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*dvcyaml.Map)
	if !ok {
		return nil, errors.New("the plot template " + name + " is not a JSON object")
	}
	return m, nil
}

// anchor is the string that stands for a value in a template.
func anchor(name string) string { return "<DVC_METRIC_" + strings.ToUpper(name) + ">" }

// hasAnchor reports whether a template uses an anchor.
func hasAnchor(v any, name string) bool {
	switch v := v.(type) {
	case string:
		return v == name
	case []any:
		for _, item := range v {
			if hasAnchor(item, name) {
				return true
			}
		}
	case *dvcyaml.Map:
		for _, item := range v.All() {
			if hasAnchor(item, name) {
				return true
			}
		}
	}
	return false
}

// replace returns v with an anchor replaced; text also where it is a part of a
// string.
func replace(v any, name string, value any) any {
	switch v := v.(type) {
	case string:
		if v == name {
			return value
		}
		if s, ok := value.(string); ok {
			return strings.ReplaceAll(v, name, s)
		}
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = replace(item, name, value)
		}
		return all
	case *dvcyaml.Map:
		m := dvcyaml.NewMap()
		for k, item := range v.All() {
			m.Set(k, replace(item, name, value))
		}
		return m
	}
	return v
}
