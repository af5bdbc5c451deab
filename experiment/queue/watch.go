package queue

import (
	"context"
	"iter"
	"slices"
)

// Watch ranges over tasks as they are added and change, until ctx ends, whose
// error then comes last, or the loop is left.
func (q *Queue) Watch(ctx context.Context) iter.Seq2[*Task, error] { return q.store.Watch(ctx) }

// Wait returns tasks once all of them have ended, in the order of ids; no ids
// means all of the queue. Failed ones are in the error too, each as a
// [*TaskError].
func (q *Queue) Wait(ctx context.Context, ids ...string) ([]Task, error) {
	changes := q.store.Watch(ctx) // before the first look, so that nothing is missed
	open := map[string]bool{}
	if len(ids) == 0 {
		all, err := q.store.List(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			ids = append(ids, t.ID)
		}
	}
	tasks := make([]Task, len(ids))
	for i, id := range ids {
		t, err := q.store.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		tasks[i] = *t
		if !t.ended() {
			open[id] = true
		}
	}
	if len(open) == 0 {
		return tasks, failures(tasks)
	}
	for t, err := range changes {
		if err != nil {
			return tasks, err
		}
		if i := slices.Index(ids, t.ID); i >= 0 {
			tasks[i] = *t
			// A task that ended may be open again: Retry queues it anew.
			if delete(open, t.ID); !t.ended() {
				open[t.ID] = true
			}
		}
		if len(open) == 0 {
			break
		}
	}
	return tasks, failures(tasks)
}

// ended reports whether nobody will do anything about the task by himself.
func (t *Task) ended() bool { return t.State == Success || t.State == Failed }
