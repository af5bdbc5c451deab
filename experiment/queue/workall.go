package queue

import (
	"context"
	"errors"
	"sync"
)

// WorkAll works on the queue with n workers of this process until it is empty.
// It returns the tasks that failed meanwhile; the error, nil if there are none,
// wraps each of them.
func (q *Queue) WorkAll(ctx context.Context, n int, opts *WorkOptions) (failed []*TaskError, err error) {
	before, err := q.store.List(ctx, Failed)
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
	after, err := q.store.List(ctx, Failed)
	known := map[string]int{}
	for _, t := range before {
		known[t.ID] = t.Attempts
	}
	all := []error{err}
	for i := range after {
		// One that had failed before counts if it was tried again since.
		if n, ok := known[after[i].ID]; !ok || n != after[i].Attempts {
			failed = append(failed, after[i].err())
			all = append(all, failed[len(failed)-1])
		}
	}
	return failed, errors.Join(all...)
}
