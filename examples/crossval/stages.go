package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/params"
)

// parameters is the typed form of params.yaml.
type parameters struct {
	Seeds []int64      `yaml:"seeds"`
	Folds []int        `yaml:"folds"`
	Train esc50.Config `yaml:"train"`
}

// runStage is the program of the pipeline's stages.
func runStage(ctx context.Context, args []string, out io.Writer) error {
	var p parameters
	if err := params.Load("params.yaml", &p); err != nil {
		return err
	}
	switch {
	case len(args) == 1 && args[0] == "features":
		return features(ctx, out)
	case len(args) == 3 && args[0] == "fold":
		seed, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		fold, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		return trainFold(ctx, p.Train, seed, fold, out)
	case len(args) == 1 && args[0] == "summary":
		return summarize(p, out)
	}
	return fmt.Errorf("usage: train features, train fold SEED FOLD, or train summary")
}

// features computes the spectrograms of all clips.
func features(ctx context.Context, out io.Writer) error {
	data, err := esc50.OpenPath(dataDir)
	if err != nil {
		return err
	}
	defer data.Close()
	bar := progress.NewBar(out, "features")
	defer bar.Done()
	return esc50.ExtractFile(ctx, data, featuresFile, &esc50.ExtractOptions{Progress: bar.Update})
}

// trainFold holds one fold out, trains on the others and writes the result.
func trainFold(ctx context.Context, c esc50.Config, seed int64, fold int, out io.Writer) error {
	f, err := esc50.OpenFeatures(featuresFile)
	if err != nil {
		return err
	}
	defer f.Close()
	results, err := esc50.CrossValidate(ctx, nil, f, c, &esc50.CrossOptions{
		Folds: []int{fold},
		Seeds: []int64{seed},
		OnEpoch: func(fold int, seed int64, e esc50.Epoch) error {
			_, err := fmt.Fprintf(out, "epoch %d/%d: train_loss %.4f, accuracy %.2f %%\n", e.Epoch, c.MaxEpochs, e.TrainLoss, 100*e.ValAcc)
			return err
		},
	})
	if err != nil {
		return err
	}
	if len(results) == 0 {
		return fmt.Errorf("the data has no fold %d", fold)
	}
	name := resultFile(seed, fold)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return writeJSON(name, results[0])
}

func writeJSON(name string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o666)
}

func resultFile(seed int64, fold int) string {
	return fmt.Sprintf("trainings/seed%d-fold%d.json", seed, fold)
}
