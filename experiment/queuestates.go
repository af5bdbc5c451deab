package experiment

import (
	"context"

	"github.com/reprodl/reprodl/internal/git"
)

// queueStates arranges the tasks by baseline for Show.
func (s *showing) queueStates(ctx context.Context) (map[git.ID]taskStates, error) {
	tasks, err := s.repo.Queue().Tasks(ctx)
	if err != nil {
		return nil, err
	}
	all := map[git.ID]taskStates{}
	for i := range tasks {
		t := &tasks[i]
		base := git.ID(t.Baseline)
		st := all[base]
		x := Range{Name: t.Name, Executor: t.executor()}
		if t.State == Success {
			if st.success == nil {
				st.success = map[string]*Executor{}
			}
			st.success[ref{Baseline: base, Name: t.Name}.String()] = x.Executor
			all[base] = st
			continue
		}
		x.State = s.taskState(ctx, t)
		switch t.State {
		case Running:
			st.running = append(st.running, x)
		case Failed:
			x.State.Err = &StateError{Msg: "Experiment run failed"}
			x.State.Data = nil
			st.failed = append(st.failed, x)
		default:
			st.queued = append(st.queued, x)
		}
		all[base] = st
	}
	return all, nil
}

func (t *Task) executor() *Executor {
	e := &Executor{Name: "dvc-task", Task: t.ID}
	switch t.State {
	case Running:
		e.State, e.PID, e.Log = "running", t.Lease.PID, t.Log
	case Success:
		e.State, e.Log = "success", t.Log
	case Failed:
		e.State, e.Log = "failed", t.Log
	default:
		e.State, e.Task = "queued", ""
	}
	return e
}

// taskState collects what a task will run; it has no metrics yet.
func (s *showing) taskState(ctx context.Context, t *Task) *State {
	st := &State{Rev: t.Commit, Name: t.Name}
	d, err := s.repo.collectCommit(ctx, git.ID(t.Commit), s.store, s.opts.ParamDeps)
	if err != nil {
		st.Err = commitError(err)
		return st
	}
	b := *d.decode()
	if t.State == Queued {
		b.metrics = []FileValues{}
	}
	if st.Data, err = newData(t.Commit, d.Time, b); err != nil {
		st.Err = commitError(err)
	}
	return st
}
