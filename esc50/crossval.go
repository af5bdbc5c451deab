package esc50

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/gomlx/compute"
)

// CrossOptions say what a cross-validation runs.
type CrossOptions struct {
	Folds []int   // the test folds; none means every fold of the data
	Seeds []int64 // one round each; none means Config.Seed
	Dir   string  // when not empty, a directory of checkpoints for each training, from which it resumes

	// OnEpoch and OnFold, when not nil, are called after every epoch and every
	// training; an error stops the cross-validation.
	OnEpoch func(fold int, seed int64, e Epoch) error
	OnFold  func(FoldResult) error
}

// FoldResult is the training that one fold was held out of.
type FoldResult struct {
	Seed   int64
	Fold   int
	Test   *Evaluation // of the last epoch's model on the held out fold
	Epochs []Epoch     // ValAcc is on the held out fold, for the curve only
}

// CrossValidation is all the trainings of one, by seed, then fold.
type CrossValidation []FoldResult

// Mean is the mean accuracy over all trainings, 0 for none.
func (v CrossValidation) Mean() float64 {
	sum := 0.0
	for _, r := range v {
		sum += r.Test.Accuracy
	}
	return sum / max(1, float64(len(v)))
}

// CrossValidate trains once for every seed and fold, on all other folds, and
// tests on that fold. Nothing of the held out fold chooses anything: every
// training runs its epochs, and its last model counts. So Patience must be 0. A
// nil backend means that of esc50/cpu.
func CrossValidate(ctx context.Context, b compute.Backend, f *Features, c Config, opts *CrossOptions) (CrossValidation, error) {
	var o CrossOptions
	if opts != nil {
		o = *opts
	}
	if c.Patience != 0 {
		return nil, fmt.Errorf("cross-validation with patience %d would choose the epoch by the test fold", c.Patience)
	}
	all := f.Folds()
	if len(o.Folds) == 0 {
		o.Folds = all
	}
	if len(o.Seeds) == 0 {
		o.Seeds = []int64{c.Seed}
	}
	var results CrossValidation
	for _, seed := range o.Seeds {
		for _, split := range KFold(all) {
			fold := split.Test[0]
			if !slices.Contains(o.Folds, fold) {
				continue
			}
			c.Seed = seed
			r, err := o.train(ctx, b, f, c, split)
			if err != nil {
				return results, fmt.Errorf("fold %d, seed %d: %w", fold, seed, err)
			}
			results = append(results, *r)
			if o.OnFold != nil {
				if err := o.OnFold(*r); err != nil {
					return results, err
				}
			}
		}
	}
	return results, nil
}

func (o CrossOptions) train(ctx context.Context, b compute.Backend, f *Features, c Config, split Split) (*FoldResult, error) {
	fold := split.Test[0]
	opts := &TrainOptions{Split: split, OnEpoch: func(e Epoch) error {
		if o.OnEpoch == nil {
			return nil
		}
		return o.OnEpoch(fold, c.Seed, e)
	}}
	if o.Dir != "" {
		opts.Dir, opts.Resume = filepath.Join(o.Dir, fmt.Sprintf("seed%d-fold%d", c.Seed, fold)), true
	}
	r, err := Train(ctx, b, f, c, opts)
	if err != nil {
		return nil, err
	}
	return &FoldResult{Seed: c.Seed, Fold: fold, Test: r.Test, Epochs: r.Epochs}, nil
}

// All joins the evaluations of all trainings: with every fold, each clip once
// for every seed.
func (v CrossValidation) All() *Evaluation {
	all := new(Evaluation)
	right := 0
	for _, r := range v {
		all.Classes = r.Test.Classes
		all.Files = append(all.Files, r.Test.Files...)
		all.Targets = append(all.Targets, r.Test.Targets...)
		all.Predicted = append(all.Predicted, r.Test.Predicted...)
		all.Loss += r.Test.Loss * float64(len(r.Test.Files))
	}
	for i, t := range all.Targets {
		if t == all.Predicted[i] {
			right++
		}
	}
	if n := float64(len(all.Files)); n > 0 {
		all.Loss, all.Accuracy = all.Loss/n, float64(right)/n
	}
	return all
}
