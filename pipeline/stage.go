package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
)

// Func is the body of a stage that is written in Go. It runs with the working
// directory of the process, whatever the stage's is.
type Func func(context.Context) error

// Stage declares a stage, with the same meaning as in a dvc.yaml: to run from
// Go ([Repo.Define]) or to be written there ([Repo.AddStage]). Paths have
// slashes and are relative to Wdir. Only Name, and one of Run and Cmd, are
// required; the zero value of each field is DVC's default.
type Stage struct {
	Name string // no "@"
	// Run is the stage's work. Unlike a command it runs within the calling
	// process: Wdir is not its working directory, and with Jobs above 1 it
	// runs beside other stages.
	Run Func
	// Cmd are the command lines of the stage, run one after the other. Empty
	// with Run set: the program given to Define, followed by the name of the
	// stage.
	Cmd    []string
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

// OutKind is the section of a stage that an output stands in.
type OutKind string

// The sections. A Live output is what DVC 2.1 knew: a folder of dvclive.
const (
	Plain  OutKind = "outs"
	Metric OutKind = "metrics"
	Plot   OutKind = "plots"
	Live   OutKind = "live"
)

// Out is an output of a stage.
type Out struct {
	Path      string
	Kind      OutKind // empty is Plain
	NoCache   bool    // left to git instead of the cache
	Persist   bool    // not deleted before the stage runs
	NoSummary bool    // of a Live output: no metrics in Path.json
	NoHTML    bool    // of a Live output: no page in Path.html
}

// inFile is the stage as Define puts it into a dvc.yaml: nothing in it is a
// template.
func (s *Stage) inFile(file *dvcfile.File, program string) (*dvcfile.Stage, error) {
	lit := *s
	if len(s.Cmd) == 0 && s.Run != nil && program != "" {
		lit.Cmd = []string{program + " " + project.ShellQuote(s.Name)}
	}
	switch {
	case s.Name == "" || strings.Contains(s.Name, "@"):
		return nil, fmt.Errorf("stage %q: a name must not be empty nor contain @", s.Name)
	case len(lit.Cmd) == 0 || lit.Cmd[0] == "":
		return nil, fmt.Errorf("stage '%s': neither Cmd nor Run with a program", s.Name)
	}
	return lit.declare(file, path.Join(file.Dir(), literal(s.Wdir)), literal), nil
}

// declare is the stage in the terms of the file. wdir is given from the root;
// text is what becomes of each path, command and key.
func (s *Stage) declare(file *dvcfile.File, wdir string, text func(string) string) *dvcfile.Stage {
	def := &dvcfile.Stage{
		File: file, Name: s.Name, Wdir: wdir, Cmd: dvcfile.NewCmd(mapped(s.Cmd, text)...), Deps: mapped(s.Deps, text),
		Desc: s.Desc, Frozen: s.Frozen, AlwaysChanged: s.AlwaysChanged,
	}
	for _, p := range s.Params {
		file := p.File
		if file == "" {
			file = dvcfile.ParamsName
		}
		def.Params = append(def.Params, dvcfile.ParamsFile{Path: text(file), Keys: mapped(p.Keys, text)})
	}
	for _, o := range s.Outs {
		out := dvcfile.Out{Path: text(o.Path), Kind: dvcfile.Kind(o.Kind), NoCache: o.NoCache, Persist: o.Persist}
		if out.Kind == "" {
			out.Kind = dvcfile.Plain
		}
		if out.Kind == dvcfile.Live {
			out.Persist, out.LiveSummary, out.LiveHTML = true, !o.NoSummary, !o.NoHTML
		}
		def.Outs = append(def.Outs, out)
	}
	if len(s.Code) > 0 {
		def.Meta = dvcyaml.NewMap(codeKey, texts(mapped(s.Code, text)))
	}
	return def
}

// literal keeps a text from being taken as a template.
func literal(s string) string { return strings.ReplaceAll(s, "${", `\${`) }

// verbatim leaves a text to be taken as a template, if it is one.
func verbatim(s string) string { return s }

func mapped(list []string, f func(string) string) []string {
	var all []string
	for _, s := range list {
		all = append(all, f(s))
	}
	return all
}

var errFuncInFile = errors.New("a dvc.yaml holds commands, not functions: leave Run out, or give the stage to Define")
