package queue

import (
	"context"

	"github.com/reprodl/reprodl/experiment"
)

// Activities tells what is queued, runs, failed or succeeded, for whoever
// lists experiments.
func (q *Queue) Activities(ctx context.Context) ([]experiment.Activity, error) {
	tasks, err := q.store.Tasks(ctx)
	list := make([]experiment.Activity, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		list[i] = experiment.Activity{Name: t.Name, Baseline: t.Baseline, Commit: t.Commit, Executor: t.executor()}
	}
	return list, err
}

// executor describes a task as DVC does one of its queue, which it calls
// dvc-task.
func (t *Task) executor() experiment.Executor {
	e := experiment.Executor{Name: "dvc-task", Task: t.ID}
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
