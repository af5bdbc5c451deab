package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/pipeline"
)

// Files of the workspace, as its dvc.yaml declares them.
const (
	dataDir      = "data/ESC-50"
	featuresFile = "features.bin"
	summaryFile  = "crossval.json"
)

//go:embed workspace
var templates embed.FS

// validation is what the flags ask for.
type validation struct {
	dir      string
	data     string
	download bool
	name     string // of the experiment
	set      []string
	seeds    string
	jobs     int
	out      io.Writer
}

// run makes the workspace complete, runs the experiment unless it is there, and
// shows all experiments.
func (v *validation) run(ctx context.Context) error {
	exps, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer exps.Close()
	_, err = exps.Find(ctx, v.name)
	switch {
	case errors.Is(err, experiment.ErrNotFound):
		if err := v.experiment(ctx, exps); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		fmt.Fprintf(v.out, "%s is there already; another -name makes another.\n", v.name)
	}
	return v.show(ctx, exps)
}

// open makes the workspace: repository, program, data and their commit.
func (v *validation) open(ctx context.Context) (*experiment.Repo, error) {
	if v.download {
		if err := esc50.Download(ctx, v.data, nil); err != nil {
			return nil, err
		}
	}
	if _, err := workspace.Make(ctx, v.dir); err != nil {
		return nil, err
	}
	if _, err := workspace.Fill(v.dir, templates); err != nil {
		return nil, err
	}
	if _, err := workspace.Data(ctx, v.out, filepath.Join(v.dir, dataDir), v.data); err != nil {
		return nil, err
	}
	repo, exps, err := workspace.Open(v.dir, v.out)
	if err != nil {
		return nil, err
	}
	return exps, v.commit(ctx, repo)
}

// commit puts the data under DVC's control and everything small under git's,
// once: the baseline of the experiments.
func (v *validation) commit(ctx context.Context, repo *pipeline.Repo) error {
	if workspace.Has(v.dir, dataDir+".dvc") {
		fmt.Fprintf(v.out, "%s.dvc is there already.\n", dataDir)
		return nil
	}
	if _, err := repo.Add(ctx, nil, dataDir); err != nil {
		return err
	}
	if _, err := workspace.Git(ctx, v.dir, "add", "-A"); err != nil {
		return err
	}
	if _, err := workspace.Git(ctx, v.dir, "commit", "-q", "-m", "Add the data, the parameters and the pipeline"); err != nil {
		return err
	}
	head, err := workspace.Git(ctx, v.dir, "log", "-1", "--format=%h %s")
	fmt.Fprintf(v.out, "The clips are in DVC's cache, %s.dvc and the rest in git: %s\n", dataDir, head)
	return err
}

// experiment runs the pipeline in a copy of the workspace, so that every
// experiment differs from the same baseline by its own parameters only.
//
// Several trainings with a share of the processors each take less time than one
// after the other with all of them; the results are the same.
func (v *validation) experiment(ctx context.Context, exps *experiment.Repo) error {
	jobs := v.jobs
	if jobs == 0 {
		jobs = runtime.GOMAXPROCS(0)
	}
	start := time.Now()
	_, err := exps.Run(ctx, &experiment.RunOptions{
		Name: v.name,
		Set:  v.set,
		Temp: true,
		Copy: []string{workspace.Program}, // not in git
		Repro: pipeline.ReproOptions{
			Jobs: jobs,
			Env:  []string{fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.GOMAXPROCS(0)/jobs))},
		},
		Seed: v.seeds,
	})
	if err == nil {
		fmt.Fprintf(v.out, "%s took %v\n", v.name, time.Since(start).Round(time.Second))
	}
	return err
}

// show prints the parameters and the mean accuracies of all experiments.
func (v *validation) show(ctx context.Context, exps *experiment.Repo) error {
	states, err := compare.Show(ctx, exps, nil)
	if err != nil {
		return err
	}
	table, err := compare.Tabulate(states, &compare.TableOptions{
		OnlyChanged: true,
		Drop:        []string{`^seed.*\.fold\d+$`, "^(" + dataDir + "|" + featuresFile + "|" + workspace.Program + "|trainings)$"},
	})
	if err != nil {
		return err
	}
	_, err = v.out.Write(table.AppendText(nil, progress.IsTerminal(v.out)))
	return err
}
