package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/gomlx/compute"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params"
)

// Files that the stage makes, as its dvc.yaml declares them.
const (
	modelFile   = "model.bin"
	summaryFile = "summary.json"
	liveDir     = "logs"
	metricsFile = "logs.json"
	pageFile    = "logs.html"
)

// train is the stage's program: it reads params.yaml in the working directory,
// trains, and writes the model, summary.json and the logs.
func train(ctx context.Context, out io.Writer) error {
	p, err := loadParams(paramsFile)
	if err != nil {
		return err
	}
	c := p.Train
	backend, err := newBackend()
	if err != nil {
		return err
	}
	if c.GPUs > 0 && backend == nil {
		fmt.Fprintf(out, "gpus is %d, but no accelerator is used here: the CPU trains.\n", c.GPUs)
	}
	data, err := esc50.OpenPath(c.DataPath)
	if err != nil {
		return err
	}
	defer data.Close()
	if n := countClasses(data); n < c.Classes {
		fmt.Fprintf(out, "n_classes is %d, but the data has %d: the other outputs learn to stay low.\n", c.Classes, n)
	}
	bar := progress.NewBar(out, "features")
	features, err := esc50.Extract(ctx, data, &esc50.ExtractOptions{Progress: bar.Update})
	bar.Done()
	if err != nil {
		return err
	}
	logger, err := openLog(out, c, features)
	if err != nil {
		return err
	}
	defer logger.Close()
	if err := logParams(logger); err != nil {
		return err
	}
	result, err := fit(ctx, backend, out, c, features)
	if err != nil {
		return err
	}
	if err := logPictures(ctx, backend, logger, result, features); err != nil {
		return err
	}
	if err := logger.Close(); err != nil {
		return err
	}
	if err := result.Model.Save(modelFile); err != nil {
		return err
	}
	fmt.Fprintf(out, "validation accuracy %.1f %%, test accuracy %.1f %%\n", 100*result.Val.Accuracy, 100*result.Test.Accuracy)
	return writeSummary(result.Val.Accuracy)
}

// openLog makes a logger with the course's files, logs/, logs.json and
// logs.html, that of live.Log and live.NextStep. No file holds the time, so
// that the same training leaves the same bytes.
func openLog(out io.Writer, c esc50.Config, f *esc50.Features) (*live.Logger, error) {
	logger, err := live.Open(liveDir, &live.Options{
		Layout:      live.Classic,
		Report:      live.HTMLReport,
		NoTimestamp: true,
		Progress:    out,
		Steps:       countSteps(c, f),
	})
	if err != nil {
		return nil, err
	}
	live.SetDefault(logger)
	return logger, nil
}

// logParams logs what params.yaml says, and not what it leaves out.
func logParams(logger *live.Logger) error {
	values, err := params.Read(paramsFile)
	if err != nil {
		return err
	}
	return logger.LogParams(values.Value())
}

// fit trains and logs the metrics of every step; those of an epoch belong to
// its last step.
func fit(ctx context.Context, backend compute.Backend, out io.Writer, c esc50.Config, f *esc50.Features) (*esc50.Result, error) {
	result, err := esc50.Train(ctx, backend, f, c, &esc50.TrainOptions{
		OnStep: func(s esc50.Step) error {
			if s.Step > 1 {
				if err := live.NextStep(); err != nil {
					return err
				}
			}
			live.Log("train_loss", s.Loss)
			return nil
		},
		OnEpoch: func(e esc50.Epoch) error {
			live.Log("val_loss", e.ValLoss)
			live.Log("val_acc", e.ValAcc)
			_, err := fmt.Fprintf(out, "epoch %d/%d: train_loss %.4f, val_acc %.3f\n", e.Epoch, c.MaxEpochs, e.TrainLoss, e.ValAcc)
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return result, live.NextStep()
}

// countSteps is the number of steps that a training takes.
func countSteps(c esc50.Config, f *esc50.Features) int {
	clips := 0
	for _, clip := range f.Clips {
		if slices.Contains(esc50.CourseSplit().Train, clip.Fold) {
			clips++
		}
	}
	return (clips + c.BatchSize - 1) / c.BatchSize * c.MaxEpochs
}

func countClasses(d *esc50.Dataset) int {
	names := d.Classes()
	return len(slices.DeleteFunc(names, func(name string) bool { return name == "" }))
}

// writeSummary writes the course's summary.json, with a real accuracy in it:
// that on the validation fold, 0 to 1.
func writeSummary(accuracy float64) error {
	text := `{"stages": {"train": {"accuracy": ` + strconv.FormatFloat(accuracy, 'g', -1, 64) + "}}}\n"
	return os.WriteFile(summaryFile, []byte(text), 0o666)
}
