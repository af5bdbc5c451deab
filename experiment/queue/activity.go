package queue

import (
	"context"
	"fmt"

	"github.com/reprodl/reprodl/experiment"
)

// Activities tells what is queued, runs, failed or succeeded, for whoever
// lists experiments. If the store cannot be read it warns and returns what is
// marked: a table of experiments does not fail for its queue.
func (q *Queue) Activities(ctx context.Context) ([]experiment.Activity, error) {
	tasks, err := q.store.List(ctx)
	if err != nil && ctx.Err() == nil {
		q.log.Warn(fmt.Sprintf("the queue cannot be read: %v", err))
		tasks, err = q.marked(ctx)
	}
	if err != nil {
		return nil, err
	}
	list := make([]experiment.Activity, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		list[i] = experiment.Activity{Name: t.Name, Baseline: t.Baseline, Commit: t.Commit, Executor: t.executor()}
		if t.State == Running {
			// A hub keeps there what workers of other machines tell it.
			_ = readJSON(q.path("live", t.ID+".json"), &list[i].Live)
		}
	}
	// DVC's own tasks are there whatever became of this store.
	for _, t := range q.dvcTasks(ctx) {
		list = append(list, experiment.Activity{Name: t.Name, Baseline: t.Baseline, Commit: t.Commit, Executor: t.executor()})
	}
	return list, nil
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
