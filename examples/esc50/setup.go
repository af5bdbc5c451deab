package main

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/workspace"
)

// resultsDir holds the results of all experiments, a directory each.
const resultsDir = "experiments-data"

// ignored is what git leaves alone: the folder that DVC will track, the
// program that the walk builds, and the page about the experiments, which can
// be made again.
var ignored = []string{"/" + resultsDir, "/" + workspace.Program, "/" + tableFile}

// prerequisites makes the repositories and puts the data set, which the course
// takes for granted, and the program where the steps expect them.
func (w *walk) prerequisites(ctx context.Context) error {
	w.hand("git init; reprodl init")
	created, err := workspace.Make(ctx, w.dir)
	if err != nil {
		return err
	}
	if w.acted = w.acted || created; created {
		w.sayf("The program %s, a copy of this one, is the course's train.py.\n", workspace.Program)
	} else {
		w.sayf("%s is there already.\n", w.dir)
	}
	if w.repo, w.exps, err = workspace.Open(w.dir, w.out); err != nil {
		return err
	}
	return w.dataSet(ctx)
}

// dataSet fills data/ESC-50 and has DVC track it, which makes git ignore it,
// and lets experiments in copies of the workspace have it too.
func (w *walk) dataSet(ctx context.Context) error {
	w.hand("cp -r ESC-50 %s", dataDir)
	filled, err := workspace.Data(ctx, w.out, w.path(dataDir), w.data)
	if err != nil {
		return err
	}
	w.acted = w.acted || filled
	w.hand("reprodl add %s", dataDir)
	if w.has(dataDir + ".dvc") {
		w.sayf("%s.dvc is there already.\n", dataDir)
		return nil
	}
	w.acted = true
	_, err = w.repo.Add(ctx, nil, dataDir)
	return err
}

// simulationFolder is the course's step 0.
func (w *walk) simulationFolder(context.Context) error {
	w.hand("mkdir %s", resultsDir)
	if w.has(resultsDir) && w.has(".gitignore") {
		w.sayf("%s is there already.\n", resultsDir)
		return nil
	}
	w.acted = true
	if err := os.MkdirAll(w.path(resultsDir), 0o777); err != nil {
		return err
	}
	w.hand("vi .gitignore")
	text, err := os.ReadFile(w.path(".gitignore"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	lines := strings.Join(ignored, "\n") + "\n"
	w.show(lines)
	w.sayf("%s holds the results of all experiments; git ignores it, and DVC will track it.\n", resultsDir)
	return os.WriteFile(w.path(".gitignore"), append(text, lines...), 0o666)
}

// parameters is the course's step 1.
func (w *walk) parameters(context.Context) (err error) {
	w.hand("vi %s", paramsFile)
	if !w.has(paramsFile) {
		w.acted = true
		if err := workspace.Write(w.dir, paramsFile, templates, "workspace/params.yaml"); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(w.path(paramsFile))
	if err != nil {
		return err
	}
	w.show(string(text))
	w.sayf("Change what you like in it and run this again: that makes another experiment.\n")
	w.params, err = loadParams(w.path(paramsFile))
	return err
}
