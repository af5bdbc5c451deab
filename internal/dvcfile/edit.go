package dvcfile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// Definition returns the stage as it is written in a dvc.yaml: keys in a fixed
// order, lists sorted by path, parameters of params.yaml first, empty parts left
// out.
func (s *Stage) Definition() *dvcyaml.Map {
	m := dvcyaml.NewMap()
	set := func(key string, v any) {
		if !isFalse(v) {
			m.Set(key, v)
		}
	}
	set("desc", s.Desc)
	set("cmd", s.Cmd.value)
	if s.File != nil {
		if wdir := relDir(s.File.Dir(), s.Wdir); wdir != "." {
			set("wdir", wdir)
		}
	}
	set("deps", sortedStrings(s.Deps))
	set("params", paramsList(s.Params))
	outs := slices.Clone(s.Outs)
	slices.SortStableFunc(outs, func(a, b Out) int { return cmp.Compare(a.Path, b.Path) })
	for _, kind := range []Kind{Plain, Metric, Plot} {
		var list []any
		for _, o := range outs {
			if o.Kind == kind {
				list = append(list, o.definition())
			}
		}
		set(string(kind), list)
	}
	for _, o := range outs {
		if o.Kind == Live {
			flags := dvcyaml.NewMap("summary", o.LiveSummary, "html", o.LiveHTML)
			o.flags(flags)
			m.Set(string(Live), dvcyaml.NewMap(o.Path, flags))
		}
	}
	set("frozen", s.Frozen)
	set("always_changed", s.AlwaysChanged)
	if meta, ok := s.Meta.(*dvcyaml.Map); !ok || meta.Len() > 0 {
		set("meta", s.Meta)
	}
	return m
}

// definition is the path alone, or the path with its flags if any is not the
// default.
func (o Out) definition() any {
	flags := dvcyaml.NewMap()
	o.flags(flags)
	if flags.Len() == 0 {
		return o.Path
	}
	return dvcyaml.NewMap(o.Path, flags)
}

// sortedStrings is a sorted copy: by bytes, which for UTF-8 is Python's order.
func sortedStrings(list []string) []any {
	all := make([]any, len(list))
	for i, s := range slices.Sorted(slices.Values(list)) {
		all[i] = s
	}
	return all
}

// paramsList is the params section: the keys of params.yaml as plain strings,
// then the other files by name. A whole file is a mapping to null, even
// params.yaml, and not at the front.
func paramsList(files []ParamsFile) []any {
	sorted := slices.Clone(files)
	slices.SortStableFunc(sorted, func(a, b ParamsFile) int { return cmp.Compare(a.Path, b.Path) })
	var first, rest []any
	for _, f := range sorted {
		keys := sortedStrings(f.Keys)
		switch {
		case len(keys) == 0:
			rest = append(rest, dvcyaml.NewMap(f.Path, nil))
		case f.Path == ParamsName:
			first = keys
		default:
			rest = append(rest, dvcyaml.NewMap(f.Path, keys))
		}
	}
	return append(first, rest...)
}

// WriteStage returns the text of a dvc.yaml in which the stage stands as its
// Definition says: data with the one entry replaced or appended, comments and
// order kept. Data may be empty. A stage that uses variables cannot be written.
func WriteStage(file string, data []byte, s *Stage) ([]byte, error) {
	if s.Parametrized {
		return nil, parametrized("dump", s)
	}
	return editStages(file, data, func(stages *dvcyaml.Map) { stages.Set(s.Name, s.Definition()) })
}

// DeleteStage returns the text of a dvc.yaml without the stage; nil if no stage
// is left, which is when DVC removes the file.
func DeleteStage(file string, data []byte, s *Stage) ([]byte, error) {
	if s.Parametrized {
		return nil, parametrized("remove", s)
	}
	doc, err := dvcyaml.ParseDocument(file, data)
	if err != nil {
		return nil, syntaxInvalid(file, data, err)
	}
	doc.Delete("stages", s.Name)
	root, _ := doc.Value().(*dvcyaml.Map)
	stages, _ := root.Get("stages")
	if m, _ := stages.(*dvcyaml.Map); m.Len() == 0 {
		return nil, nil
	}
	return doc.Bytes(), nil
}

// parametrized is DVC's refusal to touch a definition that it cannot write back
// as it was.
func parametrized(what string, s *Stage) error {
	return &Error{Kind: "other", Msg: fmt.Sprintf("cannot %s a parametrized stage: '%s'", what, s.Name)}
}

// editStages applies edit to the mapping of stages, which may be empty, and
// brings the document up to the result with as few changes as it takes.
func editStages(file string, data []byte, edit func(*dvcyaml.Map)) ([]byte, error) {
	doc, err := dvcyaml.ParseDocument(file, data)
	if err != nil {
		return nil, syntaxInvalid(file, data, err)
	}
	root := dvcyaml.NewMap()
	if m, ok := doc.Value().(*dvcyaml.Map); ok {
		root = m.Clone()
	}
	stages := dvcyaml.NewMap()
	if v, _ := root.Get("stages"); v != nil {
		if m, ok := v.(*dvcyaml.Map); ok {
			stages = m.Clone()
		}
	}
	edit(stages)
	root.Set("stages", stages)
	doc.Update(root)
	return doc.Bytes(), nil
}
