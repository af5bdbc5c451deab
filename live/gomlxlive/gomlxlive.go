// Package gomlxlive logs GoMLX training loops with package live.
//
//	loop := train.NewLoop(trainer)
//	gomlxlive.Attach(loop, logger, nil)
package gomlxlive

import (
	"strings"
	"time"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/reprodl/reprodl/live"
)

// Options change what is logged. Nil, and the zero value, mean every step
// under train/.
type Options struct {
	// PerEpoch logs once an epoch instead of every step: the mean of the loss
	// over the epoch, the other metrics as they stand at its end, and the mean
	// step time. A step of the logger is an epoch then, counted from 0. It is
	// for loop.RunEpochs.
	PerEpoch bool
	// Every logs every so many steps only; 0 and 1 mean every step.
	Every int
	// Prefix goes before the names; empty means "train/".
	Prefix string
	// Priority places the hook among the loop's others; the default 0 is
	// theirs too.
	Priority train.Priority
}

// Attach logs the loop's metrics until it ends: loss, the trainer's other
// training metrics under their names in lower case with underscores,
// learning_rate, and step_time in seconds, the time from step to step with
// reading the data. The logger's step is the loop's, so that a training that
// is resumed from a checkpoint goes on where its history stops. Closing the
// logger is the caller's.
func Attach(loop *train.Loop, l *live.Logger, opts *Options) {
	a := &attachment{l: l}
	if opts != nil {
		a.opts = *opts
	}
	if a.opts.Prefix == "" {
		a.opts.Prefix = "train/"
	}
	a.opts.Every = max(a.opts.Every, 1)
	loop.OnStart("live", a.opts.Priority, a.onStart)
	loop.OnStep("live", a.opts.Priority, a.onStep)
	loop.OnEnd("live", a.opts.Priority, a.onEnd)
}

// attachment is the state of one Attach.
type attachment struct {
	l     *live.Logger
	opts  Options
	names []string // of the metrics, with prefix
	rate  *model.Variable
	last  time.Time // when the step before ended

	epoch  int
	values []float64 // of the last step
	loss   float64   // sum over the epoch
	time   float64   // sum over the epoch, seconds
	steps  int       // in the epoch
}

func (a *attachment) onStart(loop *train.Loop, _ train.Dataset) error {
	metrics := loop.Trainer.TrainMetrics()
	a.names = make([]string, len(metrics))
	for i, m := range metrics {
		a.names[i] = a.opts.Prefix + metricName(m)
	}
	a.values = make([]float64, len(metrics))
	a.epoch, a.steps, a.loss, a.time = loop.Epoch, 0, 0, 0
	a.last = time.Now()
	return nil
}

func (a *attachment) onStep(loop *train.Loop, metrics []*tensors.Tensor) error {
	now := time.Now()
	elapsed := now.Sub(a.last).Seconds()
	a.last = now
	if a.opts.PerEpoch {
		return a.addToEpoch(loop, metrics, elapsed)
	}
	if (loop.LoopStep+1)%a.opts.Every != 0 {
		return nil
	}
	a.l.SetStep(loop.LoopStep)
	for i, m := range metrics {
		a.l.Log(a.names[i], scalar(m))
	}
	a.logRate(loop)
	a.l.Log(a.opts.Prefix+"step_time", elapsed)
	return a.l.NextStep()
}

// addToEpoch collects a step. The loop tells of the end of an epoch by the
// first step of the next one, and by its own end.
func (a *attachment) addToEpoch(loop *train.Loop, metrics []*tensors.Tensor, elapsed float64) error {
	if loop.Epoch != a.epoch {
		if err := a.endEpoch(loop); err != nil {
			return err
		}
		a.epoch = loop.Epoch
	}
	for i, m := range metrics {
		a.values[i] = scalar(m)
	}
	a.loss += a.values[0]
	a.time += elapsed
	a.steps++
	return nil
}

func (a *attachment) endEpoch(loop *train.Loop) error {
	if a.steps == 0 {
		return nil
	}
	n := float64(a.steps)
	a.l.SetStep(a.epoch)
	a.l.Log(a.names[0], a.loss/n)
	for i, v := range a.values[1:] {
		a.l.Log(a.names[i+1], v)
	}
	a.logRate(loop)
	a.l.Log(a.opts.Prefix+"step_time", a.time/n)
	a.steps, a.loss, a.time = 0, 0, 0
	return a.l.NextStep()
}

func (a *attachment) onEnd(loop *train.Loop, _ []*tensors.Tensor) error {
	if a.opts.PerEpoch {
		return a.endEpoch(loop)
	}
	return nil
}

// logRate logs the optimizer's learning rate, if it keeps it in a variable.
func (a *attachment) logRate(loop *train.Loop) {
	if a.rate == nil {
		for v := range loop.Trainer.Store().IterVariables() {
			if v.Name() == optimizer.ParamLearningRate {
				a.rate = v
				break
			}
		}
	}
	if a.rate == nil {
		return
	}
	if value, err := a.rate.Value(); err == nil {
		a.l.Log(a.opts.Prefix+"learning_rate", scalar(value))
	}
}

// LogEval evaluates the trainer's model on a data set and logs the results
// under prefix, for instance "eval/", at the logger's current step. The mean
// loss is logged as loss.
func LogEval(trainer *train.Trainer, ds train.Dataset, l *live.Logger, prefix string) error {
	values, err := trainer.Eval(ds)
	if err != nil {
		return err
	}
	for i, m := range trainer.EvalMetrics() {
		l.Log(prefix+strings.TrimPrefix(metricName(m), "mean_"), scalar(values[i]))
	}
	for _, v := range values {
		if err := v.FinalizeAll(); err != nil {
			return err
		}
	}
	return nil
}

// metricName is a metric's name in lower case, words joined by underscores.
func metricName(m metric.Interface) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(m.Name()), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "_")
}

func scalar(t *tensors.Tensor) float64 { return shapes.ConvertTo[float64](t.Value()) }
