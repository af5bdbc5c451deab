package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline"
)

const (
	firstTrain = "first_train"
	tableFile  = "experiments.html"
	// longer is how many times as long the further experiments train.
	longer = 5
)

// variation is a further experiment, for the queue.
type variation struct {
	name string
	set  []string
}

func (w *walk) variations() []variation {
	epochs := fmt.Sprintf("train.max_epochs=%d", longer*w.params.Train.MaxEpochs)
	return []variation{
		{"more_epochs", []string{epochs}},
		{"half_the_filters", []string{epochs, fmt.Sprintf("train.base_filters=%d", max(1, w.params.Train.BaseFilters/2))}},
	}
}

// experiments is the course's step 6.
func (w *walk) experiments(ctx context.Context) error {
	if err := w.baseline(ctx); err != nil {
		return err
	}
	if err := w.firstExperiment(ctx); err != nil {
		return err
	}
	w.hand("reprodl repro")
	results, err := w.repo.Repro(ctx, nil)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(results, func(r pipeline.Result) bool { return r.Action != pipeline.Skipped }) {
		w.sayf("Data and pipelines are up to date.\n")
	}
	if err := w.further(ctx); err != nil {
		return err
	}
	return w.tabulate(ctx)
}

// baseline commits what the experiments start from, once.
func (w *walk) baseline(ctx context.Context) error {
	tracked, err := workspace.Git(ctx, w.dir, "ls-files", stageFile)
	if err != nil || tracked != "" {
		return err
	}
	w.acted = true
	const message = "Data, parameters and pipeline"
	files := []string{".dvcignore", ".gitignore", "data", paramsFile, stageFile, lockFile} // init has added .dvc
	w.hand("git add %s; git commit -m %q", strings.Join(files, " "), message)
	if _, err := workspace.Git(ctx, w.dir, append([]string{"add"}, files...)...); err != nil {
		return err
	}
	_, err = workspace.Git(ctx, w.dir, "commit", "-q", "-m", message)
	return err
}

// firstExperiment trains with the workspace's parameters. When nothing changed
// since the last training there is nothing to do, and when something did, the
// training is another experiment.
func (w *walk) firstExperiment(ctx context.Context) error {
	opts := &experiment.RunOptions{Seed: fmt.Sprint(w.params.Train.Seed)}
	_, err := w.exps.Find(ctx, firstTrain)
	switch {
	case errors.Is(err, experiment.ErrNotFound):
		opts.Name = firstTrain
		w.hand("reprodl exp run -n %s", firstTrain)
	case err != nil:
		return err
	default:
		changed, err := w.repo.Status(ctx, nil)
		if err != nil || len(changed) == 0 {
			return err
		}
		w.hand("reprodl status")
		for _, s := range changed {
			for _, c := range s.Changes {
				w.sayf("%s: %s\n", s.Address, c)
			}
		}
		w.hand("reprodl exp run")
	}
	w.acted = true
	e, err := w.exps.Run(ctx, opts)
	if err == nil {
		w.here = e.Name
	}
	return err
}

// further runs the variations that are not there yet, side by side.
func (w *walk) further(ctx context.Context) error {
	tasks := queue.Open(w.exps, nil)
	var missing []string
	for _, v := range w.variations() {
		_, err := w.exps.Find(ctx, v.name)
		if err == nil {
			w.sayf("%s is there already.\n", v.name)
			continue
		}
		if !errors.Is(err, experiment.ErrNotFound) {
			return err
		}
		missing = append(missing, v.name)
		w.hand("reprodl exp run --queue -C %s -n %s -S %s", workspace.Program, v.name, strings.Join(v.set, " -S "))
		if t, err := tasks.Find(ctx, v.name); err == nil && t.State == queue.Queued {
			continue // by a run that was interrupted
		}
		_, err = tasks.Add(ctx, &experiment.RunOptions{
			Name: v.name,
			Set:  v.set,
			Copy: []string{workspace.Program}, // not in git
			Seed: fmt.Sprint(w.params.Train.Seed),
		})
		if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	w.acted = true
	w.hand("reprodl queue start -j %d", len(missing))
	return w.work(ctx, tasks, missing)
}

// tabulate prints the table of all experiments, and makes it a page.
func (w *walk) tabulate(ctx context.Context) error {
	opts := &compare.ShowOptions{Selection: experiment.Selection{All: w.has(resultsDir + ".dvc")}}
	if opts.All { // the experiments start from an earlier commit
		w.hand("reprodl exp show --all-commits")
	} else {
		w.hand("reprodl exp show")
	}
	states, err := compare.Show(ctx, w.exps, opts)
	if err != nil {
		return err
	}
	hide := &compare.TableOptions{Drop: []string{"^(State|Executor|step)$", "^" + dataDir + "$", "^" + workspace.Program + "$"}}
	page, err := os.Create(w.path(tableFile))
	if err != nil {
		return err
	}
	if err := errors.Join(compare.WriteHTML(page, "Experiments", states, hide), page.Close()); err != nil {
		return err
	}
	hide.OnlyChanged = true
	table, err := compare.Tabulate(states, hide)
	if err != nil {
		return err
	}
	_, err = w.out.Write(table.AppendText(nil, progress.IsTerminal(w.out)))
	return err
}
