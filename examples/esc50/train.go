package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/live"
)

// Files that the stage makes, as its dvc.yaml declares them.
const (
	modelFile   = "model.bin"
	summaryFile = "summary.json"
	liveDir     = "dvclive"
	reportFile  = "dvclive/report.html"
)

// train is the stage's program: it reads params.yaml in the working directory,
// trains, and writes the model, summary.json and the metrics of every step.
func train(ctx context.Context, out io.Writer) error {
	p, err := loadParams(paramsFile)
	if err != nil {
		return err
	}
	data, err := esc50.OpenPath(p.Train.DataPath)
	if err != nil {
		return err
	}
	defer data.Close()
	bar := progress.NewBar(out, "features")
	features, err := esc50.Extract(ctx, data, &esc50.ExtractOptions{Progress: bar.Update})
	bar.Done()
	if err != nil {
		return err
	}
	run, err := live.Open(liveDir, &live.Options{
		Report:    live.HTMLReport,
		NoDVCYAML: true, // the stage's dvc.yaml says it already
		Progress:  out,
		Steps:     steps(p.Train, features),
	})
	if err != nil {
		return err
	}
	defer run.Close()
	backend, err := newBackend()
	if err != nil {
		return err
	}
	result, err := esc50.Train(ctx, backend, features, p.Train, &esc50.TrainOptions{
		OnStep: func(s esc50.Step) error {
			if s.Step > 1 {
				if err := run.NextStep(); err != nil {
					return err
				}
			}
			run.Log("train_loss", s.Loss)
			return nil
		},
		OnEpoch: func(e esc50.Epoch) error { // belongs to the step that ended the epoch
			run.Log("val_loss", e.ValLoss)
			run.Log("val_acc", e.ValAcc)
			fmt.Fprintf(out, "epoch %d/%d: train_loss %.4f, val_acc %.3f\n", e.Epoch, p.Train.MaxEpochs, e.TrainLoss, e.ValAcc)
			return nil
		},
	})
	if err != nil {
		return err
	}
	if err := run.NextStep(); err != nil {
		return err
	}
	if err := run.Close(); err != nil {
		return err
	}
	if err := result.Model.Save(modelFile); err != nil {
		return err
	}
	if err := writeSummary(result.Val.Accuracy); err != nil {
		return err
	}
	fmt.Fprintf(out, "validation accuracy %.1f %%, test accuracy %.1f %%\n", 100*result.Val.Accuracy, 100*result.Test.Accuracy)
	return nil
}

// steps is the number of steps that a training takes.
func steps(c esc50.Config, f *esc50.Features) int {
	clips := 0
	for _, clip := range f.Clips {
		if slices.Contains(esc50.CourseSplit().Train, clip.Fold) {
			clips++
		}
	}
	return (clips + c.BatchSize - 1) / c.BatchSize * c.MaxEpochs
}

// summary is the course's summary.json, with a real accuracy in it.
type summary struct {
	Stages map[string]stageSummary `json:"stages"`
}

type stageSummary struct {
	Accuracy float64 `json:"accuracy"` // of the validation fold, 0 to 1
}

func writeSummary(accuracy float64) error {
	text, err := json.Marshal(summary{Stages: map[string]stageSummary{"train": {Accuracy: accuracy}}})
	if err != nil {
		return err
	}
	return os.WriteFile(summaryFile, append(text, '\n'), 0o666)
}
