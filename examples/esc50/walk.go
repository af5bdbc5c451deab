package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/pipeline"
)

//go:embed workspace
var templates embed.FS

// walk is the course's walk through one workspace.
type walk struct {
	dir  string // the workspace
	data string // a data set to copy, or empty
	out  io.Writer

	params *parameters
	repo   *pipeline.Repo
	exps   *experiment.Repo
	acted  bool   // something was left to do
	here   string // the experiment whose results are in the workspace, if this run made it

	// after, when not nil, is called at the end of each step.
	after func(step string) error
}

const intro = `Reproducible Deep Learning
Extra: DVC for experiments management

Behind each $ stands what does the same by hand, in %s;
go install ./examples/reprodl makes the command reprodl.
`

// steps are those of the course's text, under its headings. It has no step 4.
var steps = []struct {
	title string
	do    func(*walk, context.Context) error
}{
	{"Prerequisites", (*walk).prerequisites},
	{"Step 0: create simulation folder.", (*walk).simulationFolder},
	{"Step 1: configure parameters.", (*walk).parameters},
	{"Step 2: initialize dvc pipeline.", (*walk).pipeline},
	{"Step 3: configure metrics.", (*walk).metrics},
	{"Step 5: insert checkpoints.", (*walk).checkpoints},
	{"Step 6: do experiments.", (*walk).experiments},
	{"Step 7: commit results.", (*walk).commitResults},
}

// run does every step that an earlier run has not done yet.
func (w *walk) run(ctx context.Context) error {
	w.sayf(intro, w.dir)
	defer func() {
		if w.exps != nil {
			w.exps.Close()
		}
	}()
	for _, s := range steps {
		w.sayf("\n%s\n%s\n", s.title, strings.Repeat("-", len(s.title)))
		if err := s.do(w, ctx); err != nil {
			return err
		}
		if w.after != nil {
			if err := w.after(s.title); err != nil {
				return err
			}
		}
	}
	if !w.acted {
		w.sayf("\nEverything was done before: this run changed nothing.\n")
	}
	return w.whereToLook()
}

func (w *walk) sayf(format string, args ...any) { fmt.Fprintf(w.out, format, args...) }

// hand prints a command as it is typed, before what it prints.
func (w *walk) hand(format string, args ...any) { w.sayf("$ "+format+"\n", args...) }

// show prints a file of the workspace, or a part of it.
func (w *walk) show(text string) {
	for line := range strings.Lines(text) {
		w.sayf("  %s", line)
	}
}

// path is where a file of the workspace lies.
func (w *walk) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }

func (w *walk) has(name string) bool { return workspace.Has(w.dir, name) }

// whereToLook ends the walk.
func (w *walk) whereToLook() error {
	dir, err := filepath.Abs(w.dir)
	w.sayf("\nThe training:    %s\nThe experiments: %s\nThe workspace:   %s (git, dvc and the DVC extension for VS Code work there)\n",
		filepath.Join(dir, pageFile), filepath.Join(dir, tableFile), dir)
	return err
}
