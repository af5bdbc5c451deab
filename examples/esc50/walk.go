package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
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
}

// run does every step that an earlier run has not done yet.
func (w *walk) run(ctx context.Context) error {
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"Workspace", w.prepare},
		{"Data", w.fetchData},
		{"Version", w.commit},
		{"Pipeline", w.showPipeline},
		{"First experiment", w.firstExperiment},
		{"Variation", w.variation},
		{"Results", w.results},
	}
	for i, s := range steps {
		fmt.Fprintf(w.out, "\n[%d/%d] %s\n", i+1, len(steps), s.title)
		if err := s.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the workspace: a git and DVC repository with params.yaml,
// dvc.yaml and the training program.
func (w *walk) prepare(ctx context.Context) error {
	created, err := workspace.Make(ctx, w.dir, templates)
	if err != nil {
		return err
	}
	if w.params, err = loadParams(filepath.Join(w.dir, paramsFile)); err != nil {
		return err
	}
	if len(created) == 0 {
		fmt.Fprintf(w.out, "Continuing in %s.\n", w.dir)
	} else {
		fmt.Fprintf(w.out, "Made %s with %s. Change what you like there and run this again.\n", w.dir, strings.Join(created, ", "))
	}
	w.repo, w.exps, err = workspace.Open(w.dir, w.out)
	return err
}

func (w *walk) fetchData(ctx context.Context) error {
	return workspace.Data(ctx, w.out, filepath.Join(w.dir, w.params.Train.DataPath), w.data)
}

func (w *walk) commit(ctx context.Context) error {
	return workspace.Commit(ctx, w.out, w.repo, w.dir, w.params.Train.DataPath)
}

func (w *walk) showPipeline(ctx context.Context) error {
	picture, err := w.repo.DAG(ctx, nil)
	fmt.Fprint(w.out, picture)
	return err
}

// firstExperiment trains with the workspace's parameters. When nothing changed
// since the last training there is nothing to do, and when something did, the
// training is another experiment.
func (w *walk) firstExperiment(ctx context.Context) error {
	const name = "first_train"
	_, err := w.exps.Find(ctx, name)
	switch {
	case errors.Is(err, experiment.ErrNotFound):
		_, err := w.exps.Run(ctx, &experiment.RunOptions{Name: name, Seed: fmt.Sprint(w.params.Train.Seed)})
		return err
	case err != nil:
		return err
	}
	changed, err := w.repo.Status(ctx, nil)
	if err != nil {
		return err
	}
	if len(changed) == 0 {
		_, err := w.repo.Repro(ctx, nil) // says so
		return err
	}
	for _, s := range changed {
		for _, c := range s.Changes {
			fmt.Fprintf(w.out, "%s: %s\n", s.Address, c)
		}
	}
	_, err = w.exps.Run(ctx, &experiment.RunOptions{Seed: fmt.Sprint(w.params.Train.Seed)})
	return err
}

// variation trains a smaller network in a copy of the workspace, which stays
// as it is.
func (w *walk) variation(ctx context.Context) error {
	const name = "half_the_filters"
	if _, err := w.exps.Find(ctx, name); !errors.Is(err, experiment.ErrNotFound) {
		if err == nil {
			fmt.Fprintf(w.out, "%s is there already.\n", name)
		}
		return err
	}
	_, err := w.exps.Run(ctx, &experiment.RunOptions{
		Name: name,
		Set:  []string{fmt.Sprintf("train.base_filters=%d", max(1, w.params.Train.BaseFilters/2))},
		Temp: true,
		Copy: []string{workspace.Program}, // not in git
		Seed: fmt.Sprint(w.params.Train.Seed),
	})
	return err
}

// results prints the table of experiments and where to look further.
func (w *walk) results(ctx context.Context) error {
	states, err := compare.Show(ctx, w.exps, nil)
	if err != nil {
		return err
	}
	table, err := compare.Tabulate(states, &compare.TableOptions{
		Drop: []string{"^train.(data_path|gpus)$", "^step$", "^" + w.params.Train.DataPath + "$", "^" + workspace.Program + "$"},
	})
	if err != nil {
		return err
	}
	w.out.Write(table.AppendText(nil, progress.IsTerminal(w.out)))
	dir, err := filepath.Abs(w.dir)
	fmt.Fprintf(w.out, "\nReport:    %s\nWorkspace: %s (dvc and git work there)\n", filepath.Join(dir, reportFile), dir)
	return err
}
