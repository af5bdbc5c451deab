package compare

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// lessValue orders values: numbers, then text, then what is missing.
func lessValue(a, b any) bool {
	// Python raises an error when a text meets a number; here numbers are
	// first. What is missing is last, as None is in DVC's sort key.
	rank := func(v any) int {
		if v == nil {
			return 2
		}
		if _, ok := pyjson.Number(v); ok {
			return 0
		}
		return 1
	}
	if x, y := rank(a), rank(b); x != y {
		return x < y
	}
	x, ok := pyjson.Number(a)
	if y, ok2 := pyjson.Number(b); ok && ok2 {
		return x < y
	}
	return a != nil && pyjson.Str(a) < pyjson.Str(b)
}

// ColumnError says that a metric or parameter is not known, or that several go
// by its name.
type ColumnError struct {
	Name    string
	Matches []string // FILE:NAME of those it may be, sorted; none if it is unknown
}

// Error is DVC's message.
func (e *ColumnError) Error() string {
	if len(e.Matches) == 0 {
		return fmt.Sprintf("Unknown sort column '%s'", e.Name)
	}
	return fmt.Sprintf("Ambiguous sort column '%s' matched '%s'", e.Name, strings.Join(e.Matches, ", "))
}

// leaf is one metric or parameter of a file.
type leaf struct{ file, name, kind string }

// value is what a state has there; nil if it has nothing.
func (l leaf) value(s *State) any {
	if s == nil || s.Data == nil {
		return nil
	}
	files := s.Data.Params()
	if l.kind == "metrics" {
		files = s.Data.Metrics()
	}
	for _, f := range files {
		if f.Path != l.file {
			continue
		}
		for name, v := range leaves(f.Value) {
			if name == l.name {
				return v
			}
		}
	}
	return nil
}

// find tells what [FILE:]NAME means, by DVC's rules: every way to split it at a
// colon, then the name alone in any file.
func find(by string, metrics, params *names) (leaf, error) {
	var found []leaf
	// Which of metrics and params is asked first does not matter: two finds
	// are an error whose names are sorted.
	try := func(file, name string) {
		for kind, n := range map[string]*names{"metrics": metrics, "params": params} {
			if l := (leaf{file, name, kind}); slices.Contains(n.leaves[file], name) && !slices.Contains(found, l) {
				found = append(found, l)
			}
		}
	}
	parts := strings.Split(by, ":")
	for i := range parts {
		file, name := strings.Join(parts[:i], ":"), strings.Join(parts[i:], ":")
		// ":NAME" is NAME in any file, and is named so in an error.
		if file == "" {
			by = name
		}
		try(file, name)
	}
	if len(found) == 0 {
		for _, n := range []*names{metrics, params} {
			for _, f := range n.files {
				try(f, by)
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	e := &ColumnError{Name: by}
	for _, l := range found {
		e.Matches = append(e.Matches, l.file+":"+l.name)
	}
	slices.Sort(e.Matches)
	return leaf{}, e
}

// sorted orders experiments by the column asked for; without a value last, or
// first when descending.
func (t *tabulator) sorted(list []Range) ([]Range, error) {
	if t.opts.SortBy == "" || len(list) == 0 {
		return list, nil
	}
	by, err := find(t.opts.SortBy, &t.metrics, &t.params)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(list)
	sort.SliceStable(out, func(i, j int) bool {
		// The sort is stable in both directions, as Python's is: equal ones keep
		// their order even when descending.
		if t.opts.Descending {
			i, j = j, i
		}
		return lessValue(by.value(out[i].State), by.value(out[j].State))
	})
	return out, nil
}
