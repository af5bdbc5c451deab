package dvcfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// loadVars merges the items of a vars section into c: "file", "file:key,key" or
// a mapping. dir is the directory that files are relative to, stage the name to
// put into messages.
func (r *resolver) loadVars(c *scope, vars []any, dir, stage string) error {
	for i, item := range vars {
		switch item := item.(type) {
		case string:
			if err := r.importFile(c, item, dir); err != nil {
				return err
			}
		case *dvcyaml.Map:
			source := fmt.Sprintf("vars[%d]", i)
			if stage != "" {
				source = stage + "." + source
			}
			n, err := newNode(item, source, "", true)
			if err != nil {
				return err
			}
			if err := c.merge(n, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadDefault merges params.yaml next to the file, if there is one.
func (r *resolver) loadDefault(c *scope) error {
	// Whatever keeps it from being found, it was not asked for by name.
	if _, err := fs.Stat(r.fsys, join(r.dir, ParamsName)); err != nil {
		return nil
	}
	return r.importFile(c, ParamsName, r.dir)
}

// importFile merges a file, or some keys of it. keys nil means the whole file,
// also in imports; a file may be loaded in part several times, with other keys
// each.
func (r *resolver) importFile(c *scope, item, dir string) error {
	name, list, _ := strings.Cut(item, ":")
	full := join(dir, name)
	var keys []string
	for k := range strings.SplitSeq(list, ",") {
		if k != "" {
			keys = append(keys, k)
		}
	}
	have, loaded := c.imports[full]
	if loaded {
		if keys == nil && have == nil {
			return nil // the whole file may be named again
		}
		if err := checkLoaded(have, keys, item); err != nil {
			return err
		}
	}
	n, err := r.readVars(full, keys)
	if err != nil {
		return err
	}
	if err := c.merge(n, item); err != nil {
		return err
	}
	if !loaded {
		c.imports[full] = keys
	} else {
		c.imports[full] = append(have, keys...)
	}
	return nil
}

// checkLoaded refuses to load what is there already, wholly or in part; the
// messages differ even in their full stop, as DVC's do.
func checkLoaded(have, keys []string, item string) error {
	msg := ""
	switch {
	case keys == nil && have != nil:
		msg = "cannot load '" + item + "' as it's partially loaded already"
	case keys != nil && have == nil:
		msg = "cannot partially load '" + item + "' as it's already loaded."
	case slices.ContainsFunc(keys, func(k string) bool { return slices.Contains(have, k) }):
		msg = "cannot load '" + item + "' as it's partially loaded already"
	default:
		return nil
	}
	return &exprError{class: Vars, ownLine: true, loaded: true, msg: msg}
}

// readVars reads a file of variables, or some of its top-level keys.
func (r *resolver) readVars(name string, keys []string) (*node, error) {
	shown := r.show(name)
	fi, err := fs.Stat(r.fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid):
		return nil, &exprError{class: Vars, msg: "'" + shown + "' does not exist"}
	case err != nil:
		return nil, err
	case fi.IsDir():
		return nil, &exprError{class: Vars, msg: "'" + shown + "' is a directory"}
	}
	v, err := r.values(name)
	if err != nil {
		return nil, err
	}
	m, ok := v.(*dvcyaml.Map)
	if !ok {
		return nil, &exprError{class: Vars, msg: fmt.Sprintf("expected a dictionary, got '%s' in file '%s'", typeName(v), shown)}
	}
	// The order of the keys is that of the request.
	if keys != nil {
		chosen := dvcyaml.NewMap()
		for _, k := range keys {
			item, ok := m.Get(k)
			if !ok {
				return nil, &exprError{class: Vars, msg: fmt.Sprintf("could not find '%s' in '%s'", k, shown)}
			}
			chosen.Set(k, item)
		}
		m = chosen
	}
	return newNode(m, shown, "", false)
}
