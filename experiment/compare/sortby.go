package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/pyjson"
)

// lessValue orders values: numbers, then text, then what is missing.
func lessValue(a, b any) bool {
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

// sortColumn finds the file and leaf that SortBy means, by DVC's rules: every
// way to split it at a colon, then the name alone in any file.
func (t *tabulator) sortColumn() (file, leaf, kind string, err error) {
	type match struct{ file, leaf, kind string }
	var found []match
	try := func(file, leaf string) {
		for kind, n := range map[string]*names{"metrics": &t.metrics, "params": &t.params} {
			if m := (match{file, leaf, kind}); slices.Contains(n.leaves[file], leaf) && !slices.Contains(found, m) {
				found = append(found, m)
			}
		}
	}
	by := t.opts.SortBy
	parts := strings.Split(by, ":")
	for i := range parts {
		file, leaf := strings.Join(parts[:i], ":"), strings.Join(parts[i:], ":")
		if file == "" {
			by = leaf
		}
		try(file, leaf)
	}
	if len(found) == 0 {
		for _, n := range []*names{&t.metrics, &t.params} {
			for _, f := range n.files {
				try(f, by)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0].file, found[0].leaf, found[0].kind, nil
	case 0:
		return "", "", "", fmt.Errorf("Unknown sort column '%s'", by)
	}
	var list []string
	for _, m := range found {
		list = append(list, m.file+":"+m.leaf)
	}
	slices.Sort(list)
	return "", "", "", fmt.Errorf("Ambiguous sort column '%s' matched '%s'", by, strings.Join(list, ", "))
}
