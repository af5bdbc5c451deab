package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
)

// Stage declares a stage in Go, with the same meaning as in a dvc.yaml. Paths
// have slashes and are relative to Wdir. Only Name, and one of Run and Cmd, are
// required.
type Stage struct {
	Name string // no "@"
	// Run is the stage's work. Unlike a command it runs within the calling
	// process: Wdir is not its working directory, and with Jobs above 1 it
	// runs beside other stages.
	Run Func
	// Cmd is the command line of the stage. Empty with Run set: the program
	// given to Define, followed by the name of the stage.
	Cmd    string
	Wdir   string // relative to the dvc.yaml; empty is its directory
	Deps   []string
	Params []Params
	Outs   []Out
	// Code are Go packages ("./cmd/train") that the stage is made of: all
	// source files of this module in their import closure, and the versions of
	// the other modules, are dependencies. See [Repo.SyncCode].
	Code          []string
	Desc          string
	Frozen        bool
	AlwaysChanged bool
}

// Params are parameters that a stage depends on.
type Params struct {
	File string   // empty is params.yaml
	Keys []string // dotted; none is the whole file
}

// Out is an output of a stage declared in Go. The zero value of each field is
// DVC's default.
type Out struct {
	Path    string
	Metric  bool
	Plot    bool
	NoCache bool // left to git instead of the cache
	Persist bool // not deleted before the stage runs
}

// Define returns the repository with stages that are declared in Go in place of
// the dvc.yaml in the working directory, which need not exist. Everything else
// is as with a file: the same dvc.lock, cache and addresses.
//
// program is the command line that runs the calling program, such as
// "go run ./cmd/pipeline"; with the name of a stage behind it, it must run
// [Repo.RunStage]. It is what the lock records as the command of a stage with
// Run, and what makes the dvc.yaml that [Repo.WriteProject] writes of use to
// DVC itself.
func (r *Repo) Define(program string, stages ...Stage) (*Repo, error) {
	d, err := Open(r.Dir(), &r.opts)
	if err != nil {
		return nil, err
	}
	defs := dvcyaml.NewMap()
	d.funcs = map[string]Func{}
	for i := range stages {
		s := &stages[i]
		def, err := s.definition(program)
		if err != nil {
			return nil, err
		}
		if _, ok := defs.Get(s.Name); ok {
			return nil, fmt.Errorf("stage '%s' is declared twice", s.Name)
		}
		defs.Set(s.Name, def)
		if s.Run != nil {
			d.funcs[s.Name] = s.Run
		}
	}
	data := dvcyaml.Marshal(dvcyaml.NewMap("stages", defs))
	d.defined = filepath.Join(r.p.Dir, dvcfile.ProjectName)
	d.p.Overlay = map[string][]byte{d.defined: data}
	// What is wrong with the declarations is found as in a file.
	x := d.p.NewIndex()
	if _, err := x.Load(x.FromRoot(d.defined)); err != nil {
		return nil, err
	}
	return d, nil
}

// WriteProject writes the stages given to [Repo.Define] as a dvc.yaml, unless
// the file has this content already. A file that is there is replaced.
// The Go code of stages is brought up to date, as by [Repo.SyncCode].
func (r *Repo) WriteProject(ctx context.Context) error {
	if r.defined == "" {
		return fmt.Errorf("no stages were declared in Go: call Define first")
	}
	x := r.p.NewIndex()
	if _, err := x.Load(x.FromRoot(r.defined)); err != nil {
		return err
	}
	files, err := code(ctx, x)
	if err != nil {
		return err
	}
	if _, err := r.writeCode(files); err != nil {
		return err
	}
	data, ok := files[r.defined]
	if !ok {
		data = r.p.Overlay[r.defined]
	}
	_, err = atomicfile.WriteFileIfChanged(r.defined, data, nil)
	return err
}

// RunStage runs the function of a stage given to [Repo.Define], and nothing
// else: no check, no record.
func (r *Repo) RunStage(ctx context.Context, name string) error {
	f := r.funcs[name]
	if f == nil {
		return &project.NotFoundError{Name: name, File: dvcfile.ProjectName}
	}
	return f(ctx)
}

// definition is the stage as it stands in a dvc.yaml.
func (s *Stage) definition(program string) (*dvcyaml.Map, error) {
	cmd := s.Cmd
	if cmd == "" && s.Run != nil && program != "" {
		cmd = program + " " + project.ShellQuote(s.Name)
	}
	switch {
	case s.Name == "" || strings.Contains(s.Name, "@"):
		return nil, fmt.Errorf("stage %q: a name must not be empty nor contain @", s.Name)
	case cmd == "":
		return nil, fmt.Errorf("stage '%s': neither Cmd nor Run with a program", s.Name)
	}
	m := dvcyaml.NewMap()
	set := func(key string, v any, ok bool) {
		if ok {
			m.Set(key, v)
		}
	}
	set("desc", s.Desc, s.Desc != "")
	m.Set("cmd", literal(cmd))
	set("wdir", literal(s.Wdir), s.Wdir != "")
	set("deps", literals(slices.Sorted(slices.Values(s.Deps))), len(s.Deps) > 0)
	set("params", paramsList(s.Params), len(s.Params) > 0)
	for _, section := range []dvcfile.Kind{dvcfile.Plain, dvcfile.Metric, dvcfile.Plot} {
		list := outList(s.Outs, section)
		set(string(section), list, len(list) > 0)
	}
	set("frozen", true, s.Frozen)
	set("always_changed", true, s.AlwaysChanged)
	if len(s.Code) > 0 {
		m.Set("meta", dvcyaml.NewMap(codeKey, literals(s.Code)))
	}
	return m, nil
}

// literal keeps a text from being taken as a template.
func literal(s string) string { return strings.ReplaceAll(s, "${", `\${`) }

func literals(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = literal(s)
	}
	return all
}

// paramsList writes keys of params.yaml as themselves and other files as
// mappings.
func paramsList(list []Params) []any {
	var all []any
	for _, p := range list {
		file := p.File
		if file == "" {
			file = dvcfile.ParamsName
		}
		switch {
		case len(p.Keys) == 0:
			all = append(all, dvcyaml.NewMap(literal(file), nil))
		case file == dvcfile.ParamsName:
			all = append(all, literals(p.Keys)...)
		default:
			all = append(all, dvcyaml.NewMap(literal(file), literals(p.Keys)))
		}
	}
	return all
}

func outList(outs []Out, section dvcfile.Kind) []any {
	var all []any
	for _, o := range outs {
		kind := dvcfile.Plain
		switch {
		case o.Metric:
			kind = dvcfile.Metric
		case o.Plot:
			kind = dvcfile.Plot
		}
		if kind != section {
			continue
		}
		flags := dvcyaml.NewMap()
		if o.NoCache {
			flags.Set("cache", false)
		}
		if o.Persist {
			flags.Set("persist", true)
		}
		if flags.Len() == 0 {
			all = append(all, literal(o.Path))
		} else {
			all = append(all, dvcyaml.NewMap(literal(o.Path), flags))
		}
	}
	return all
}
