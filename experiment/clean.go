package experiment

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
)

// Clean deletes what killed runs and workers left in .dvc/tmp/exps, and what
// is kept there only to save time. Experiments and tasks stay.
func (r *Repo) Clean(ctx context.Context) error {
	if err := r.Recover(ctx); err != nil {
		return err
	}
	tasks, err := r.Queue().Tasks(ctx)
	if err != nil {
		return err
	}
	busy := map[string]bool{}
	for _, t := range tasks {
		busy[t.ID] = t.State == Running
	}
	entries, err := os.ReadDir(r.tmpDir("reprodl", "work"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if id := e.Name(); len(id) > 16 && !busy[id[:16]] {
			removeAll(r.tmpDir("reprodl", "work", id))
		}
	}
	os.Remove(r.tmpDir("reprodl-show.cache"))
	half, _ := filepath.Glob(filepath.Join(r.git.CommonDir(), "objects", "*", atomicfile.TempPrefix+"*"))
	for _, name := range half {
		if fi, err := os.Lstat(name); err == nil && time.Since(fi.ModTime()) > time.Hour {
			os.Remove(name)
		}
	}
	return r.cleanRefs(ctx, tasks)
}

// cleanRefs deletes references of tasks that are no longer in the queue.
func (r *Repo) cleanRefs(ctx context.Context, tasks []Task) error {
	refs, err := r.git.Refs(ctx, "refs/reprodl/queue/")
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, t := range tasks {
		known[taskRef(t.ID)] = true
	}
	var updates []git.Update
	for _, g := range refs {
		if !known[g.Name] {
			updates = append(updates, git.Update{Name: g.Name, Old: g.ID})
		}
	}
	return r.git.UpdateRefs(ctx, updates...)
}

// WorkAll works on the queue with n workers of this process until it is empty,
// and returns the names of the tasks that failed.
func (q *Queue) WorkAll(ctx context.Context, n int, opts *WorkOptions) (failed []string, err error) {
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
			failed = append(failed, t.Name)
		}
	}
	return failed, err
}
