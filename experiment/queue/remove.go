package queue

import (
	"context"
	"errors"

	"github.com/reprodl/reprodl/experiment"
)

// RemoveAny removes experiments and tasks that wait or failed, by name, or none
// if one of the names is not known.
func (q *Queue) RemoveAny(ctx context.Context, names ...string) error {
	tasks, err := q.store.List(ctx)
	if err != nil {
		return err
	}
	var saved, queued []string
	for _, name := range names {
		_, err := q.repo.Find(ctx, name)
		t := findTask(tasks, name)
		waiting := t != nil && (t.State == Queued || t.State == Failed)
		switch {
		case err != nil && !errors.Is(err, experiment.ErrNotFound):
			return err
		// A name that is neither goes to Remove as well, which refuses it
		// before anything is removed.
		case err == nil || !waiting:
			saved = append(saved, name)
		}
		if waiting {
			queued = append(queued, name)
		}
	}
	if err := q.repo.Remove(ctx, saved...); err != nil {
		return err
	}
	if len(queued) > 0 {
		_, err = q.Remove(ctx, &TaskFilter{Names: queued})
	}
	return err
}

// Clean queues again what the marks in git ask for and no task knows of, as
// after a process was killed while it added tasks.
func (q *Queue) Clean(ctx context.Context) error {
	lost, err := q.marked(ctx)
	if err != nil || len(lost) == 0 {
		return err
	}
	return q.store.Put(ctx, lost...) // those that are known are left alone
}
