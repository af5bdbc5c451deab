package dvcfile

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// A resolver replaces the variables of one dvc.yaml.
type resolver struct {
	fsys  fs.FS
	opts  *Options
	path  string // of the dvc.yaml, from the root
	dir   string
	scope *scope
	data  []byte // text of the file, to find places in
	warn  func(string)
}

// A definition is a resolved stage before it is checked and typed.
type definition struct {
	name, group string
	fields      *dvcyaml.Map
	at          []any // where it stands in the file
	vars        []Var
}

// show is a path from the root as messages have it.
func (r *resolver) show(p string) string {
	if r.opts.Show != nil {
		return r.opts.Show(p)
	}
	return p
}

// fail turns an error met while resolving into one that names the file. what is
// the part being parsed, at its place in the file.
func (r *resolver) fail(err error, what string, at ...any) error {
	e, ok := err.(*exprError)
	if !ok {
		return err
	}
	sep := " "
	if e.ownLine {
		sep = "\n"
	}
	if e.alone {
		return r.place(&Error{Kind: e.class, Msg: e.msg, Err: errUnsupported}, append(at, e.at...)...)
	}
	return r.place(&Error{Kind: e.class, Msg: "failed to parse " + what + " in '" + r.show(r.path) + "':" + sep + e.msg},
		append(at, e.at...)...)
}

// place fills in where the value at that path stands in the file.
func (r *resolver) place(e *Error, at ...any) *Error {
	e.File = r.show(r.path)
	// Parsed anew for every error, since there is usually one at most.
	root, _ := dvcyaml.ParseNode(r.path, r.data)
	e.Line, e.Column = locate(root, at)
	return e
}

// start loads the variables that all definitions of the file share.
func (r *resolver) start(vars []any) error {
	for i, v := range vars {
		// Vars are what expressions refer to, so they cannot have any.
		if hasExpr(v) {
			return r.fail(&exprError{class: Vars, msg: "interpolating is not allowed"}, "'vars'", "vars", i)
		}
	}
	r.scope = newScope()
	if err := r.loadDefault(r.scope); err != nil {
		return r.fail(err, "'vars'", "vars")
	}
	if err := r.loadVars(r.scope, vars, r.dir, ""); err != nil {
		return r.fail(err, "'vars'", "vars")
	}
	return nil
}

// An entry is one item of stages: a stage, or the template of a group and its
// members.
type entry struct {
	name    string
	def     *dvcyaml.Map
	group   bool
	members []member
	at      []any
}

// entries finds the members of all groups. DVC does that before it resolves any
// stage, so errors in groups come first.
func (r *resolver) entries(stages *dvcyaml.Map) ([]entry, error) {
	var all []entry
	for k, v := range stages.All() {
		name, def := k.(string), v.(*dvcyaml.Map)
		e := entry{name: name, def: def, at: []any{"stages", name}}
		var err error
		if items, ok := def.Get("matrix"); ok {
			// Without its matrix the definition is that of each member; f.raw
			// keeps the original.
			e.def, e.group = def.Clone(), true
			e.def.Delete("matrix")
			e.members, err = r.matrix(name, items)
		} else if items, ok := def.Get("foreach"); ok {
			do, _ := def.Get("do")
			e.def, e.group = do.(*dvcyaml.Map), true
			e.at = append(e.at, "do")
			e.members, err = r.foreach(name, items)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// each resolves the stages of an entry one after the other.
func (r *resolver) each(e entry, f func(definition) error) error {
	if !e.group {
		d, err := r.stage(e.name, e.def, false, e.at)
		if err != nil {
			return err
		}
		return f(d)
	}
	return r.eachMember(e, f)
}

// A member is one stage of a group: its key, and what ${item} and ${key} are.
type member struct {
	key     string
	item    *node
	withKey bool
}

// eachMember resolves the members of a group one after the other, each with its
// own item and key.
func (r *resolver) eachMember(e entry, f func(definition) error) error {
	for i, m := range e.members {
		full := e.name + groupJoin + m.key
		if m.key == "" {
			return r.place(&Error{Kind: NameInvalid, Msg: fmt.Sprintf(
				"failed to resolve 'stages.%s' in '%s': a member without a name", e.name, r.show(r.path))}, e.at...)
		}
		if strings.Contains(m.key, groupJoin) {
			return r.place(stageNotFound(full, r.show(r.path)), e.at...)
		}
		// One definition serves all members: its syntax needs one check, and a
		// group without members gets none.
		if i == 0 {
			if err := r.checkSyntax(e.def, e.name, e.at); err != nil {
				return err
			}
		}
		names, nodes := []string{"item"}, []*node{m.item}
		// A list has no keys, so ${key} stays unknown there.
		if m.withKey {
			key, err := newNode(m.key, "", "key", true)
			if err != nil {
				return err
			}
			names, nodes = append(names, "key"), append(nodes, key)
		}
		var d definition
		err := r.scope.with(names, nodes, func() (err error) {
			d, err = r.stage(full, e.def, true, e.at)
			return err
		})
		if err != nil {
			return err
		}
		d.group = e.name
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

// checkSyntax parses all expressions of a definition before any is resolved, so
// that an error of syntax comes before a missing variable.
func (r *resolver) checkSyntax(def *dvcyaml.Map, name string, at []any) error {
	for k, v := range def.All() {
		if err := checkSyntax(v); err != nil {
			return r.fail(err, fmt.Sprintf("'stages.%s.%v'", name, k), append(at, k)...)
		}
	}
	return nil
}

// stage resolves one definition under the current variables.
func (r *resolver) stage(name string, def *dvcyaml.Map, checked bool, at []any) (definition, error) {
	d := definition{name: name, at: at, fields: dvcyaml.NewMap()}
	if !checked {
		if err := r.checkSyntax(def, name, at); err != nil {
			return d, err
		}
	}
	scope, err := r.local(name, def, at)
	if err != nil {
		return d, err
	}
	used := &usage{}
	// The shared scope serves all definitions, one after the other; the
	// recorder must not stay in it.
	scope.used = used
	defer func() { scope.used = nil }()
	for k, v := range def.All() {
		// They are loaded by now, and are no part of the stage.
		if k == "vars" {
			continue
		}
		key, _ := k.(string)
		t := &template{scope: scope, key: key, checked: checked, opts: r.opts}
		resolved, err := t.resolve(v)
		if err != nil {
			return d, r.fail(err, fmt.Sprintf("'stages.%s.%s'", name, key), append(at, k)...)
		}
		d.fields.Set(k, resolved)
	}
	d.vars = used.vars
	return d, nil
}

// local returns the variables of a stage: the shared ones, and its own vars with
// files relative to its working directory.
func (r *resolver) local(name string, def *dvcyaml.Map, at []any) (*scope, error) {
	dir := r.dir
	if v, ok := def.Get("wdir"); ok {
		t := &template{scope: r.scope, opts: r.opts}
		resolved, err := t.resolve(v)
		if err != nil {
			return nil, r.fail(err, fmt.Sprintf("'stages.%s.wdir'", name), append(at, "wdir")...)
		}
		dir = join(r.dir, text(resolved))
	}
	v, ok := def.Get("vars")
	vars, _ := v.([]any)
	if !ok || len(vars) == 0 {
		return r.scope, nil
	}
	if hasExpr(vars) {
		return nil, r.fail(&exprError{class: Vars, msg: "interpolating is not allowed"},
			fmt.Sprintf("'stages.%s.vars'", name), append(at, "vars")...)
	}
	scope := r.scope.clone()
	if err := r.loadVars(scope, vars, dir, name); err != nil {
		what := "stage '" + name + "'"
		if e, ok := err.(*exprError); ok && e.loaded {
			what = fmt.Sprintf("'stages.%s.vars'", name)
		}
		return nil, r.fail(err, what, append(at, "vars")...)
	}
	return scope, nil
}

// top resolves an entry of a top-level section.
func (r *resolver) top(section, name string, v any, at ...any) (any, error) {
	what := fmt.Sprintf("'%s.%s'", section, name)
	if err := checkSyntax(v); err != nil {
		return nil, r.fail(err, what, at...)
	}
	t := &template{scope: r.scope, opts: r.opts}
	resolved, err := t.resolve(v)
	if err != nil {
		return nil, r.fail(err, what, at...)
	}
	return resolved, nil
}
