package esc50

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/model"
)

// Names of the files that Train keeps in TrainOptions.Dir.
const (
	LastFile = "last.ckpt"  // everything that a resumed training needs
	BestFile = "best.model" // the model of the best epoch, for LoadModel
)

// Step is what a training reports after each of its steps.
type Step struct {
	Step         int // over all epochs, from 1
	Epoch        int // from 1
	Loss         float64
	LearningRate float64
}

// Epoch is what a training reports after each of its epochs.
type Epoch struct {
	Epoch     int     // from 1
	Step      int     // the last step of the epoch
	TrainLoss float64 // mean over the epoch's steps
	ValLoss   float64
	ValAcc    float64 // 0 to 1; 0 without validation folds
	Best      bool    // whether no earlier epoch had as good a validation accuracy
}

// TrainOptions are what a training needs besides its Config; they don't change
// what it computes, except Split.
type TrainOptions struct {
	Split Split // zero means CourseSplit; no Val or Test folds means no such evaluation

	// Dir, when not empty, gets LastFile after every epoch, when the context is
	// cancelled and every SaveSteps steps (zero: not in between), and BestFile.
	Dir       string
	SaveSteps int
	// Resume continues from Dir's LastFile, when there is one; it must be of the
	// same Config, split and clips. The result is the same to the bit as
	// without the interruption.
	Resume bool

	// OnStep and OnEpoch, when not nil, are called in order; an error stops the
	// training and is returned.
	OnStep  func(Step) error
	OnEpoch func(Epoch) error
}

// Result is a finished training.
type Result struct {
	Model  *Model      // of the last epoch; with Config.Patience of the best
	Epochs []Epoch     // all of them, those before a resumption included
	Val    *Evaluation // of Model on the validation folds, nil without
	Test   *Evaluation // and on the test folds
}

// Train trains AudioNet on the features and evaluates it. A nil backend means
// that of esc50/cpu, with which the result depends to the bit on nothing but
// the features, c and the split.
//
// When ctx is cancelled it stops between two steps and returns the context's
// error.
func Train(ctx context.Context, b compute.Backend, f *Features, c Config, opts *TrainOptions) (*Result, error) {
	if opts == nil {
		opts = new(TrainOptions)
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t, err := newTraining(b, f, c.withDefaults(), *opts)
	if err != nil {
		return nil, err
	}
	defer func() { t.net.train.Finalize() }()
	for !t.done() {
		if err := t.epoch(ctx); err != nil {
			return nil, err
		}
	}
	return t.result(ctx)
}

// progress is where a training stands. It is part of a checkpoint.
type progress struct {
	Split   Split
	Data    string  // fingerprint of the clips
	Epoch   int     // epochs finished
	Step    int     // steps done in the epoch after
	LossSum float64 // of those steps
	Epochs  []Epoch
}

// training is a training under way.
type training struct {
	backend  compute.Backend
	f        *Features
	c        Config
	opts     TrainOptions
	batcher  batcher
	schedule schedule
	net      *network
	model    *Model // a copy of the current weights, for evaluation
	best     *Model // with early stopping
	at       progress
}

func newTraining(b compute.Backend, f *Features, c Config, opts TrainOptions) (*training, error) {
	if opts.Split.Train == nil && opts.Split.Val == nil && opts.Split.Test == nil {
		opts.Split = CourseSplit()
	}
	if err := c.check(f, opts.Split); err != nil {
		return nil, err
	}
	if c.Patience > 0 && len(opts.Split.Val) == 0 {
		return nil, errors.New("patience needs validation folds")
	}
	b = orCPU(b)
	t := &training{backend: b, f: f, c: c, opts: opts}
	t.batcher = batcher{c: c, f: f, index: f.inFolds(opts.Split.Train), norm: norm{0, 1}}
	t.schedule = schedule{c, t.batcher.steps()}
	t.at = progress{Split: opts.Split}
	if opts.Dir != "" { // only checkpoints need it
		var err error
		if t.at.Data, err = f.fingerprint(); err != nil {
			return nil, err
		}
	}
	store := model.NewStore()
	saved, err := t.load()
	if err != nil {
		return nil, err
	}
	if saved != nil {
		t.at, t.batcher.norm = *saved.Progress, saved.Norm
		if store, err = storeOf(saved.Vars); err != nil {
			return nil, err
		}
	} else if c.Normalize {
		if t.batcher.norm, err = measure(f, t.batcher.index); err != nil {
			return nil, err
		}
	}
	t.model = t.newModel()
	if t.net, err = newNetwork(b, c, store); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *training) newModel() *Model {
	return &Model{Config: t.c, Classes: t.f.Classes, Front: t.f.Front, norm: t.batcher.norm, store: model.NewStore()}
}

// load reads the checkpoint to resume from, nil when there is none. The best
// model comes along.
func (t *training) load() (*checkpoint, error) {
	if !t.opts.Resume || t.opts.Dir == "" {
		return nil, nil
	}
	name := filepath.Join(t.opts.Dir, LastFile)
	saved, err := readCheckpoint(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := t.matches(saved); err != nil {
		return nil, fmt.Errorf("%s: %w; train in another directory, or without resuming", name, err)
	}
	if t.c.Patience > 0 && saved.Progress.Epoch > 0 {
		t.best, err = LoadModel(filepath.Join(t.opts.Dir, BestFile))
	}
	return saved, err
}

// done reports whether no epoch is left, or early stopping ends the training.
func (t *training) done() bool {
	if t.at.Epoch >= t.c.MaxEpochs {
		return true
	}
	since := 0
	for _, e := range t.at.Epochs {
		if since++; e.Best {
			since = 0
		}
	}
	return t.c.Patience > 0 && since >= t.c.Patience
}

// epoch runs the rest of an epoch, validates, and saves.
func (t *training) epoch(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	batches := t.batcher.stream(inner, t.at.Epoch, t.at.Step)
	defer func() { // the streaming goroutine has ended when the channel closes
		cancel()
		for b := range batches {
			b.free()
		}
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		err := t.step(b)
		b.free()
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(err, t.save())
		}
		if n := t.opts.SaveSteps; n > 0 && t.at.Step%n == 0 && t.at.Step < t.batcher.steps() {
			if err := t.save(); err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return errors.Join(err, t.save())
	}
	return t.endEpoch(ctx)
}

// globalStep is the number of steps done.
func (t *training) globalStep() int { return t.at.Epoch*t.batcher.steps() + t.at.Step }

func (t *training) step(b batch) error {
	s := Step{Epoch: t.at.Epoch + 1, LearningRate: t.schedule.rate(t.globalStep())}
	loss, err := t.net.step(b, t.globalStep(), s.LearningRate)
	if err != nil {
		return err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("training diverged: the loss of step %d is %v; try a smaller lr", t.globalStep()+1, loss)
	}
	t.at.Step++
	t.at.LossSum += loss
	s.Step, s.Loss = t.globalStep(), loss
	if t.opts.OnStep != nil {
		return t.opts.OnStep(s)
	}
	return nil
}

func (t *training) endEpoch(ctx context.Context) error {
	e := Epoch{Epoch: t.at.Epoch + 1, Step: t.globalStep(), TrainLoss: t.at.LossSum / float64(t.batcher.steps())}
	if err := t.model.take(t.net.store); err != nil {
		return err
	}
	if len(t.opts.Split.Val) > 0 {
		v, err := t.model.Evaluate(ctx, t.backend, t.f, t.opts.Split.Val)
		if err != nil {
			return errors.Join(err, t.save())
		}
		e.ValLoss, e.ValAcc = v.Loss, v.Accuracy
	}
	e.Best = true
	for _, earlier := range t.at.Epochs {
		e.Best = e.Best && e.ValAcc > earlier.ValAcc
	}
	if err := t.keepBest(e); err != nil {
		return err
	}
	t.at.Epochs = append(t.at.Epochs, e)
	t.at.Epoch, t.at.Step, t.at.LossSum = e.Epoch, 0, 0
	if err := t.save(); err != nil {
		return err
	}
	if t.opts.OnEpoch != nil {
		return t.opts.OnEpoch(e)
	}
	return nil
}

// keepBest keeps the model of an epoch that is the best so far.
func (t *training) keepBest(e Epoch) error {
	if !e.Best {
		return nil
	}
	if t.c.Patience > 0 {
		t.best = t.newModel()
		if err := t.best.take(t.model.store); err != nil {
			return err
		}
	}
	if t.opts.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(t.opts.Dir, 0o777); err != nil {
		return err
	}
	return t.model.Save(filepath.Join(t.opts.Dir, BestFile))
}

// save writes the checkpoint.
func (t *training) save() error {
	if t.opts.Dir == "" {
		return nil
	}
	vars, err := variablesOf(t.net.store, func(string) bool { return true })
	if err != nil {
		return err
	}
	if err := os.MkdirAll(t.opts.Dir, 0o777); err != nil {
		return err
	}
	c := &checkpoint{Config: t.c, Classes: t.f.Classes, Front: t.f.Front, Norm: t.batcher.norm, Progress: &t.at, Vars: vars}
	return c.write(filepath.Join(t.opts.Dir, LastFile))
}

func (t *training) result(ctx context.Context) (*Result, error) {
	r := &Result{Model: t.model, Epochs: t.at.Epochs}
	if t.best != nil {
		r.Model = t.best
	} else if err := r.Model.take(t.net.store); err != nil {
		return nil, err
	}
	var err error
	if len(t.opts.Split.Val) > 0 {
		if r.Val, err = r.Model.Evaluate(ctx, t.backend, t.f, t.opts.Split.Val); err != nil {
			return nil, err
		}
	}
	if len(t.opts.Split.Test) > 0 {
		if r.Test, err = r.Model.Evaluate(ctx, t.backend, t.f, t.opts.Split.Test); err != nil {
			return nil, err
		}
	}
	return r, nil
}
