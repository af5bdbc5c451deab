package compare

import (
	"context"
	"maps"
	"slices"

	"github.com/reprodl/reprodl/experiment"
)

// taskStates are the experiments of one baseline that somebody runs, will run
// or tried to.
type taskStates struct {
	running, queued, failed []Range
	success                 map[string]*experiment.Executor // by name
}

// planned is what is marked to be run, as far as git alone knows.
func planned(repo *experiment.Repo) func(context.Context) ([]experiment.Activity, error) {
	return func(ctx context.Context) ([]experiment.Activity, error) {
		plans, err := repo.Plans(ctx)
		var list []experiment.Activity
		for _, p := range plans {
			if p.Options.Stage != nil {
				continue // no experiment comes of it
			}
			list = append(list, experiment.Activity{Name: p.Name, Baseline: p.Baseline, Commit: p.Commit,
				Executor: experiment.Executor{State: "queued", Name: "dvc-task"}})
		}
		return list, err
	}
}

// tasks arranges activities by baseline.
func (s *showing) tasks(ctx context.Context, list []experiment.Activity) map[string]taskStates {
	all := map[string]taskStates{}
	for i := range list {
		t := &list[i]
		st := all[t.Baseline]
		x := Range{Name: t.Name, Executor: &t.Executor}
		// A success is an experiment already; the task adds only its executor.
		if t.Executor.State == "success" {
			if st.success == nil {
				st.success = map[string]*experiment.Executor{}
			}
			st.success[t.Name] = x.Executor
			all[t.Baseline] = st
			continue
		}
		x.State = s.taskState(ctx, t)
		switch t.Executor.State {
		case "running":
			st.running = append(st.running, x)
		case "failed":
			// The data stays: it tells what failed.
			x.State.Err = &StateError{Msg: "Experiment run failed"}
			st.failed = append(st.failed, x)
		default:
			st.queued = append(st.queued, x)
		}
		all[t.Baseline] = st
	}
	return all
}

// taskState collects what a task will run; it has no metrics yet.
func (s *showing) taskState(ctx context.Context, t *experiment.Activity) *State {
	st := &State{Rev: t.Commit, Name: t.Name}
	var b body
	when := t.Created
	switch d, err := s.collect(ctx, t.Commit); {
	case err == nil:
		// A copy: d itself stays as it was read.
		b, when = *d.decode(), d.Time
	case len(t.Live) == 0:
		st.Err = commitError(err)
		return st
	}
	// Of one that was queued in another clone, and whose commit could not be had, no more
	// than its metrics is known here.
	// The metrics in the commit are those of the workspace at the time, not
	// what the task will yield. DVC leaves them out as well.
	if t.Executor.State == "queued" {
		b.metrics = []FileValues{}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Live)) {
		v, err := parseValues(name, t.Live[name])
		if v = metricValue(v); v == nil && err == nil {
			continue
		}
		at := slices.IndexFunc(b.metrics, func(f FileValues) bool { return f.Path == name })
		if at < 0 {
			b.metrics = append(slices.Clip(b.metrics), FileValues{})
			at = len(b.metrics) - 1
		} else {
			b.metrics = slices.Clone(b.metrics)
		}
		b.metrics[at] = result(name, v, err)
	}
	data, err := newData(t.Commit, when, b)
	if st.Data = data; err != nil {
		st.Err = commitError(err)
	}
	return st
}
