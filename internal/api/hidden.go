package api

import (
	"fmt"
	"go/types"
)

// Hidden lists what is exported of a package and has in its type, or is an
// alias of, a type of an internal package: callers could hold such a value but
// not name it, nor see its methods in the documentation.
func Hidden(p *types.Package) []string {
	var found []string
	for _, name := range p.Scope().Names() {
		obj := p.Scope().Lookup(name)
		if !obj.Exported() {
			continue
		}
		for what, t := range exposed(obj) {
			if hidden := internalType(t); hidden != "" {
				found = append(found, fmt.Sprintf("%s.%s: %s", p.Path(), what, hidden))
			}
		}
	}
	return found
}

// exposed are the types that an object shows to callers, by what shows them.
func exposed(obj types.Object) map[string]types.Type {
	name := obj.Name()
	tn, ok := obj.(*types.TypeName)
	if !ok {
		return map[string]types.Type{name: obj.Type()}
	}
	if a, ok := tn.Type().(*types.Alias); ok {
		return map[string]types.Type{name: a.Rhs()}
	}
	named := tn.Type().(*types.Named)
	all := map[string]types.Type{}
	if s, ok := named.Underlying().(*types.Struct); ok {
		for f := range s.Fields() {
			if f.Exported() {
				all[name+"."+f.Name()] = f.Type()
			}
		}
	} else {
		all[name] = named.Underlying()
	}
	for m := range named.Methods() {
		if m.Exported() {
			all[name+"."+m.Name()] = m.Type()
		}
	}
	return all
}

// internalType finds a type of an internal package in a type's text, or "".
func internalType(t types.Type) string {
	found := ""
	types.TypeString(t, func(p *types.Package) string {
		if IsInternal(p.Path()) {
			found = p.Path()
		}
		return p.Path()
	})
	return found
}
