// Package api writes down the public API of the module, one line for each
// exported identifier, so that every change of it is seen in a diff: api.txt
// beside this file, as Go keeps its own in api/.
//
//	go test ./internal/api -update
//
// writes the file anew. A line is what a caller may rely on: the package from
// the module's root, the kind, the name and the type.
package api

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Module is the path of the module.
const Module = "github.com/reprodl/reprodl"

// Load returns the types of the module's public packages, in the order of their
// paths. Examples and internal packages are not public.
func Load(dir string) ([]*types.Package, error) {
	mode := packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedExportFile
	pkgs, err := packages.Load(&packages.Config{Mode: mode, Dir: dir}, Module+"/...")
	if err != nil {
		return nil, err
	}
	var public []*types.Package
	for _, p := range pkgs {
		if len(p.Errors) > 0 {
			return nil, fmt.Errorf("%s: %w", p.PkgPath, p.Errors[0])
		}
		if p.Name != "main" && !IsInternal(p.PkgPath) && !strings.HasPrefix(p.PkgPath, Module+"/examples/") {
			public = append(public, p.Types)
		}
	}
	slices.SortFunc(public, func(a, b *types.Package) int { return strings.Compare(a.Path(), b.Path()) })
	return public, nil
}

// IsInternal reports a package of this module that callers can't import.
func IsInternal(path string) bool {
	rest, ours := strings.CutPrefix(path, Module)
	return ours && slices.Contains(strings.Split(rest, "/"), "internal")
}

// Lines returns the API of a package, sorted.
func Lines(p *types.Package) []string {
	w := &writer{pkg: p}
	for _, name := range p.Scope().Names() {
		if obj := p.Scope().Lookup(name); obj.Exported() {
			w.object(obj)
		}
	}
	slices.Sort(w.lines)
	return w.lines
}

type writer struct {
	pkg   *types.Package
	lines []string
}

func (w *writer) add(format string, args ...any) {
	path := strings.TrimPrefix(strings.TrimPrefix(w.pkg.Path(), Module), "/")
	w.lines = append(w.lines, "pkg "+path+", "+fmt.Sprintf(format, args...))
}

// qualify names packages as callers do; the module's own from its root.
func (w *writer) qualify(p *types.Package) string {
	if p == w.pkg {
		return ""
	}
	return strings.TrimPrefix(p.Path(), Module+"/")
}

func (w *writer) text(t types.Type) string { return types.TypeString(t, w.qualify) }

func (w *writer) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		w.add("const %s %s = %s", obj.Name(), w.text(obj.Type()), obj.Val().ExactString())
	case *types.Var:
		w.add("var %s %s", obj.Name(), w.text(obj.Type()))
	case *types.Func:
		w.add("func %s%s", obj.Name(), w.signature(obj))
	case *types.TypeName:
		w.typeName(obj)
	}
}

// signature is a function's type without the word func.
func (w *writer) signature(f *types.Func) string {
	return strings.TrimPrefix(w.text(f.Signature()), "func")
}

func (w *writer) typeName(obj *types.TypeName) {
	name := obj.Name()
	if a, ok := obj.Type().(*types.Alias); ok {
		w.add("type %s = %s", name, w.text(a.Rhs()))
		return
	}
	named := obj.Type().(*types.Named)
	if list := named.TypeParams(); list.Len() > 0 {
		var params []string
		for p := range list.TypeParams() {
			params = append(params, p.String()+" "+w.text(p.Constraint()))
		}
		name += "[" + strings.Join(params, ", ") + "]"
	}
	switch u := named.Underlying().(type) {
	case *types.Struct:
		w.add("type %s struct", name)
		for f := range u.Fields() {
			if f.Embedded() && f.Exported() {
				w.add("type %s struct, embedded %s", name, w.text(f.Type()))
			} else if f.Exported() {
				w.add("type %s struct, %s %s", name, f.Name(), w.text(f.Type()))
			}
		}
	case *types.Interface:
		w.add("type %s interface", name)
		for m := range u.Methods() {
			if m.Exported() {
				w.add("type %s interface, %s%s", name, m.Name(), w.signature(m))
			} else {
				w.add("type %s interface, unexported methods", name)
			}
		}
	default:
		w.add("type %s %s", name, w.text(u))
	}
	for m := range named.Methods() {
		if !m.Exported() {
			continue
		}
		recv := obj.Name()
		if _, ok := m.Signature().Recv().Type().(*types.Pointer); ok {
			recv = "*" + recv
		}
		w.add("method (%s) %s%s", recv, m.Name(), w.signature(m))
	}
}
