package queue

import (
	"context"
	"fmt"
	"maps"

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
	live := q.liveMetrics(ctx, tasks)
	q.bringCommits(ctx, tasks)
	list := make([]experiment.Activity, 0, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		if t.Options.Stage != nil {
			continue // no experiment comes of it
		}
		list = append(list, experiment.Activity{Name: t.Name, Baseline: t.Baseline, Commit: t.Commit, Executor: t.executor(),
			Created: t.Created, Live: live[t.ID]})
	}
	// DVC's own tasks are there whatever became of this store.
	for _, t := range q.dvcTasks(ctx) {
		list = append(list, experiment.Activity{Name: t.Name, Baseline: t.Baseline, Commit: t.Commit, Executor: t.executor()})
	}
	return list, nil
}

// liveMetrics are the metrics so far of tasks that run on other machines. Without them a
// table is poorer, and no worse.
func (q *Queue) liveMetrics(ctx context.Context, tasks []Task) map[string]map[string][]byte {
	live := map[string]map[string][]byte{}
	var asked []string
	for i := range tasks {
		switch t := &tasks[i]; {
		case t.State != Running || t.Options.Stage != nil:
		case t.Log == "":
			asked = append(asked, t.ID)
		default:
			// A hub keeps there what workers of other machines tell it.
			var files map[string][]byte
			if readJSON(q.path("live", t.ID+".json"), &files) == nil {
				live[t.ID] = files
			}
		}
	}
	if far, ok := q.store.(Remote); ok && len(asked) > 0 {
		more, err := far.LiveMetrics(ctx, asked...)
		if err != nil && ctx.Err() == nil {
			q.log.Debug(err.Error())
		}
		maps.Copy(live, more)
	}
	return live
}

// bringCommits makes the commits of tasks of other clones known here, as far as they
// are on a baseline that is. Without them a table has no parameters of these.
func (q *Queue) bringCommits(ctx context.Context, tasks []Task) {
	far, ok := q.store.(Remote)
	if !ok {
		return
	}
	based := map[string]bool{}
	var ids []string
	for i := range tasks {
		t := &tasks[i]
		if t.Log != "" || t.State == Success || t.Options.Stage != nil {
			continue
		}
		known, ok := based[t.Baseline]
		if !ok {
			known = q.repo.Has(ctx, t.Baseline)
			based[t.Baseline] = known
		}
		if known && !q.repo.Has(ctx, t.Commit) {
			ids = append(ids, t.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := far.Commits(ctx, ids...); err != nil && ctx.Err() == nil {
		q.log.Debug(err.Error())
	}
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
