package main

import (
	"context"
	"os"
	"strings"

	"github.com/reprodl/reprodl/examples/internal/workspace"
	"github.com/reprodl/reprodl/pipeline"
)

const (
	stageFile = "dvc.yaml"
	lockFile  = "dvc.lock"
	stageName = "train"
)

// pipeline is the course's step 2: a stage, made in both of its ways.
func (w *walk) pipeline(ctx context.Context) error {
	if err := w.makeStage(ctx); err != nil {
		return err
	}
	w.hand("reprodl dag")
	picture, err := w.repo.DAG(ctx, nil)
	w.sayf("%s\n", strings.TrimRight(picture, " \n"))
	return err
}

func (w *walk) makeStage(ctx context.Context) error {
	if w.has(stageFile) {
		w.sayf("%s is there already.\n", stageFile)
		return nil
	}
	w.acted = true
	w.sayf("One way is to write the file.\n")
	w.hand("vi %s", stageFile)
	if err := w.declare("workspace/stage.yaml", ""); err != nil {
		return err
	}
	w.sayf("The other is a command, which runs the stage as well.\n")
	w.hand("reprodl run --force -n %s -d %s -d %s -o %s -p %s %s", stageName, dataDir, workspace.Program, modelFile, stageName, workspace.Command)
	err := w.repo.AddStage(ctx, pipeline.Stage{
		Name:   stageName,
		Cmd:    []string{workspace.Command},
		Deps:   []string{dataDir, workspace.Program},
		Outs:   []pipeline.Out{{Path: modelFile}},
		Params: []pipeline.Params{{Keys: []string{stageName}}},
	}, &pipeline.AddStageOptions{Force: true}) // that which is there was written by hand
	if err != nil {
		return err
	}
	_, err = w.repo.Repro(ctx, &pipeline.ReproOptions{Single: true}, stageName)
	return err
}

// metrics is the course's step 3.
func (w *walk) metrics(context.Context) error {
	w.hand("vi %s", stageFile)
	if err := w.declare("workspace/metrics.yaml", summaryFile); err != nil {
		return err
	}
	w.sayf("The program writes %s: ", summaryFile)
	text, err := os.ReadFile(w.path(summaryFile))
	w.sayf("%s", text)
	return err
}

// checkpoints is the course's step 5.
func (w *walk) checkpoints(context.Context) error {
	w.sayf("The program logs the metric in every step with\n")
	w.show("live.Log(\"train_loss\", loss)\nlive.NextStep()\n")
	w.sayf("which makes logs.json, the folder logs, and logs.html with its plot. DVC has to know of them:\n")
	w.hand("vi %s", stageFile)
	return w.declare("workspace/live.yaml", metricsFile)
}

// declare writes the stage as a template has it, unless it mentions an output
// already, and prints the lines that are new.
func (w *walk) declare(template, output string) error {
	old, err := os.ReadFile(w.path(stageFile))
	if output != "" && err != nil {
		return err
	}
	if output != "" && strings.Contains(string(old), output) {
		w.sayf("%s is there already.\n", output)
		return nil
	}
	w.acted = true
	text, err := workspace.Text(templates, template)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(old)) {
		known[line] = true
	}
	for line := range strings.Lines(text) {
		mark := "  "
		if output != "" && !known[line] {
			mark = "+ "
		}
		w.sayf("%s%s", mark, line)
	}
	return os.WriteFile(w.path(stageFile), []byte(text), 0o666)
}
