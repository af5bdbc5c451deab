package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/experiment"
)

// resultFiles are what a training leaves: the model, the summary, and the logs
// with their pictures.
var resultFiles = []string{modelFile, summaryFile, liveDir, metricsFile, pageFile}

// commitResults is the course's step 7.
func (w *walk) commitResults(ctx context.Context) error {
	first := !w.has(resultsDir + ".dvc")
	added, err := w.collect(ctx)
	if err != nil {
		return err
	}
	w.hand("reprodl add %s", resultsDir)
	if !first && len(added) == 0 {
		w.sayf("%s has the results of all experiments already.\n", resultsDir)
		return nil
	}
	w.acted = true
	if _, err := w.repo.Add(ctx, nil, resultsDir); err != nil {
		return err
	}
	message := "Committing the first experiment."
	if !first {
		message = "Committing " + strings.Join(added, ", ") + "."
	}
	return w.commit(ctx, message)
}

// commit commits the results, and of the workspace what the experiment in it
// has changed.
func (w *walk) commit(ctx context.Context, message string) error {
	for _, files := range [][]string{{resultsDir + ".dvc"}, {stageFile, lockFile, paramsFile, metricsFile, ".gitignore"}} {
		w.hand("git add %s", strings.Join(files, " "))
		if _, err := workspace.Git(ctx, w.dir, append([]string{"add"}, files...)...); err != nil {
			return err
		}
	}
	w.hand("git commit -m %q", message)
	if _, err := workspace.Git(ctx, w.dir, "commit", "-q", "-m", message); err != nil {
		return err
	}
	head, err := workspace.Git(ctx, w.dir, "log", "-1", "--format=%h %s")
	w.sayf("%s\n", head)
	return err
}

// collect copies the results of the experiments that experiments-data lacks.
// Those of others than the one in the workspace are brought there first, by
// applying them; at the end the workspace is what it was.
func (w *walk) collect(ctx context.Context) (added []string, err error) {
	all, err := w.exps.List(ctx, &experiment.Selection{All: true})
	if err != nil {
		return nil, err
	}
	if w.here == "" {
		w.here = firstTrain
	}
	here := false
	for _, e := range all {
		if w.has(resultsDir + "/" + e.Name) {
			continue
		}
		if e.Name == w.here {
			here = true // last, so that it stays
			continue
		}
		if err := w.bring(ctx, e.Name); err != nil {
			return added, err
		}
		added = append(added, e.Name)
	}
	switch {
	case here:
		added = append([]string{w.here}, added...)
		return added, w.bring(ctx, w.here)
	case len(added) > 0:
		return added, w.exps.Apply(ctx, w.here)
	}
	return nil, nil
}

// bring applies an experiment and copies its results.
func (w *walk) bring(ctx context.Context, name string) error {
	dir := resultsDir + "/" + name
	w.hand("reprodl exp apply %s; mkdir %s; cp -r %s %s", name, dir, strings.Join(resultFiles, " "), dir)
	if err := w.exps.Apply(ctx, name); err != nil {
		return err
	}
	// The directory appears when it is complete.
	part := w.path(".dvc/tmp/results")
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.MkdirAll(part, 0o777); err != nil {
		return err
	}
	for _, file := range resultFiles {
		if err := copyInto(part, w.path(file)); err != nil {
			return fmt.Errorf("results of %s: %w", name, err)
		}
	}
	return os.Rename(part, w.path(dir))
}

// copyInto copies a file or a directory into another.
func copyInto(dir, source string) error {
	target := filepath.Join(dir, filepath.Base(source))
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(target, os.DirFS(source))
	}
	content, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	return os.WriteFile(target, content, 0o666)
}
