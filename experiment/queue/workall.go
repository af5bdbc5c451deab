package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// TaskError is a task that failed.
type TaskError struct {
	ID, Name string
	Err      error
}

func (e *TaskError) Error() string { return fmt.Sprintf("experiment '%s': %v", e.Name, e.Err) }
func (e *TaskError) Unwrap() error { return e.Err }

// WorkAll works on the queue with n workers of this process until it is empty.
// It returns the tasks that failed meanwhile; the error, nil if there are none,
// wraps each of them.
func (q *Queue) WorkAll(ctx context.Context, n int, opts *WorkOptions) (failed []*TaskError, err error) {
	before, err := q.store.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	o := WorkOptions{}
	if opts != nil {
		o = *opts
	}
	errs := make([]error, max(1, n))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = q.Work(ctx, &o) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	after, err := q.store.Tasks(ctx)
	done := map[string]bool{}
	for _, t := range before {
		done[t.ID] = t.State == Failed || t.State == Success
	}
	for _, t := range after {
		if !done[t.ID] && t.State == Failed {
			failed = append(failed, &TaskError{t.ID, t.Name, errors.New(t.Error)})
		}
	}
	all := []error{err}
	for _, f := range failed {
		all = append(all, f)
	}
	return failed, errors.Join(all...)
}
