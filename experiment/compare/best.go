package compare

import (
	"math"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Goal says which values of a metric are better.
type Goal int

// The goals of [Best].
const (
	Maximize Goal = iota
	Minimize
)

// Best returns the experiment with the best value of a metric, given as
// [FILE:]NAME, and the value. Of equal ones the first in the table counts.
// Baselines, the workspace and experiments that have not finished take no part,
// nor do values that are no numbers; the result is nil if none is left. A
// metric that no state has is a [*ColumnError].
func Best(states []State, metric string, goal Goal) (*Range, float64, error) {
	var metrics, params names
	for s := range every(states) {
		if s.Data != nil {
			metrics.collect(s.Data.Metrics())
			params.collect(s.Data.Params())
		}
	}
	by, err := find(metric, &metrics, &params)
	if err != nil {
		return nil, 0, err
	}
	var best *Range
	value := math.NaN()
	for i := range states {
		for j := range states[i].Experiments {
			x := &states[i].Experiments[j]
			// NaN compares false with everything and would stay the best if it
			// came first.
			v, ok := pyjson.Number(by.value(x.State))
			if !ok || math.IsNaN(v) || !finished(x.Executor) {
				continue
			}
			// Strictly better: of equal ones the first stays.
			if best == nil || goal == Maximize && v > value || goal == Minimize && v < value {
				best, value = x, v
			}
		}
	}
	return best, value, nil
}

// finished: a finished experiment has no executor, or that of a queue's task
// which succeeded.
func finished(e *experiment.Executor) bool { return e == nil || e.State == "success" }
