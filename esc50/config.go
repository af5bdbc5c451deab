package esc50

import (
	"fmt"
	"slices"
)

// Config is everything that decides what a training computes. The fields down
// to Seed are the course's params.yaml; the others add to its recipe and are
// off when zero. The zero Config is valid: the course's recipe with its
// defaults.
type Config struct {
	DataPath    string `yaml:"data_path"`    // where the caller finds the data set; Train doesn't use it
	BaseFilters int    `yaml:"base_filters"` // filters of AudioNet's first layer; zero means 32
	Classes     int    `yaml:"n_classes"`    // AudioNet's outputs; zero means 50
	BatchSize   int    `yaml:"batch_size"`   // clips in a step; zero means 8
	GPUs        int    `yaml:"gpus"`         // for the caller's choice of backend; Train doesn't use it
	MaxEpochs   int    `yaml:"max_epochs"`   // passes over the training clips; zero means 20
	Seed        int64  `yaml:"seed"`         // of the initial weights, the order and all augmentation

	LearningRate float64 `yaml:"lr"`            // Adam's; zero means 1e-3
	Schedule     string  `yaml:"lr_schedule"`   // "" or "constant", or "cosine": down to 0 at the last step
	WarmUp       float64 `yaml:"warmup_epochs"` // epochs over which the rate rises linearly from 0
	HeadFactor   float64 `yaml:"head_factor"`   // multiplies the rate of the last, linear layer; zero means 1

	Normalize      bool    `yaml:"normalize"`       // shift and scale inputs to mean 0, deviation 1 over the training clips
	TimeShift      float64 `yaml:"time_shift"`      // rotate a clip in time by up to this part of it, either way; at most 1
	FreqMask       int     `yaml:"freq_mask"`       // SpecAugment: up to this many neighbouring bands get the clip's mean
	TimeMask       int     `yaml:"time_mask"`       // and up to this many neighbouring frames
	Masks          int     `yaml:"masks"`           // number of masks of either kind; zero means 1
	Mixup          float64 `yaml:"mixup"`           // blend clips of a batch with weights from Beta(mixup, mixup)
	LabelSmoothing float64 `yaml:"label_smoothing"` // part of the target spread over all classes of the data; below 1
	Average        float64 `yaml:"average"`         // decay per step of a moving average of the weights, which is what is evaluated and kept; below 1
	Patience       int     `yaml:"patience"`        // stop after this many epochs without a better validation accuracy, and keep the best
}

func (c Config) withDefaults() Config {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.BaseFilters, 32)
	set(&c.Classes, 50)
	set(&c.BatchSize, 8)
	set(&c.MaxEpochs, 20)
	set(&c.Masks, 1)
	if c.LearningRate == 0 {
		c.LearningRate = 1e-3
	}
	if c.HeadFactor == 0 {
		c.HeadFactor = 1
	}
	if c.Schedule == "" {
		c.Schedule = "constant"
	}
	return c
}

// Validate reports the first field that is out of its range, by its name in
// params.yaml.
func (c Config) Validate() error {
	c = c.withDefaults()
	for _, f := range []struct {
		name string
		v    int
		max  int
	}{
		{"base_filters", c.BaseFilters, 4096}, {"n_classes", c.Classes, 1 << 16},
		{"batch_size", c.BatchSize, 1 << 16}, {"max_epochs", c.MaxEpochs, 1 << 30}, {"masks", c.Masks, 1000},
	} {
		if f.v < 1 || f.v > f.max {
			return fmt.Errorf("%s is %d, want 1 to %d", f.name, f.v, f.max)
		}
	}
	for _, f := range []struct {
		name     string
		v, limit float64
	}{
		{"lr", c.LearningRate, 1e3}, {"warmup_epochs", c.WarmUp, 1e9}, {"head_factor", c.HeadFactor, 1e3}, {"time_shift", c.TimeShift, 1},
		{"freq_mask", float64(c.FreqMask), 1 << 16}, {"time_mask", float64(c.TimeMask), 1 << 24}, {"mixup", c.Mixup, 1e3},
		{"label_smoothing", c.LabelSmoothing, 0.999}, {"average", c.Average, 0.999999}, {"patience", float64(c.Patience), 1e9},
		{"gpus", float64(c.GPUs), 1e6},
	} {
		if !(f.v >= 0 && f.v <= f.limit) {
			return fmt.Errorf("%s is %v, want 0 to %v", f.name, f.v, f.limit)
		}
	}
	if !slices.Contains([]string{"constant", "cosine"}, c.Schedule) {
		return fmt.Errorf("lr_schedule is %q, want constant or cosine", c.Schedule)
	}
	return nil
}

func (c Config) audioNet() AudioNet {
	return AudioNet{BaseFilters: c.BaseFilters, Classes: c.Classes, Seed: c.Seed}
}

// check reports why the features cannot be trained on with the split.
func (c Config) check(f *Features, split Split) error {
	for _, part := range []struct {
		name  string
		folds []int
	}{{"train", split.Train}, {"validation", split.Val}, {"test", split.Test}} {
		if len(part.folds) > 0 && len(f.inFolds(part.folds)) == 0 {
			return fmt.Errorf("no clips in the %s folds %v", part.name, part.folds)
		}
	}
	if len(split.Train) == 0 {
		return fmt.Errorf("no train folds")
	}
	if n := len(f.Classes); n > c.Classes {
		return fmt.Errorf("n_classes is %d, but the data has targets up to %d (%s)", c.Classes, n-1, f.Classes[n-1])
	}
	return nil
}
