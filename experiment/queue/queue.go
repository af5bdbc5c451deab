package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

// Queue is the experiments that wait for a worker, run under one, or did.
type Queue struct {
	repo  *experiment.Repo
	opts  Options
	store Store
	log   *slog.Logger
}

// Options change where a Queue keeps its tasks and how its workers start. Nil
// means the zero Options.
type Options struct {
	Store  Store         // nil is a file, .dvc/tmp/exps/reprodl/queue.db
	Lease  time.Duration // how long a worker may be silent; 0 is a minute
	Env    []string      // of background workers; nil is os.Environ()
	Logger *slog.Logger  // receives warnings; nil discards them
}

// Open returns the queue of a repository.
func Open(repo *experiment.Repo, opts *Options) *Queue {
	q := &Queue{repo: repo}
	if opts != nil {
		q.opts = *opts
	}
	if q.opts.Lease <= 0 {
		q.opts.Lease = time.Minute
	}
	if q.log = q.opts.Logger; q.log == nil {
		q.log = slog.New(slog.DiscardHandler)
	}
	if q.store = q.opts.Store; q.store == nil {
		q.store = newFileStore(q.path("queue.db"), q.marked, q.log)
	}
	return q
}

// path is a file of the queue.
func (q *Queue) path(elem ...string) string {
	return filepath.Join(append([]string{q.repo.Root(), ".dvc", "tmp", "exps", "reprodl"}, elem...)...)
}

// leaseAlive sees through leases of this machine's past: of an earlier boot,
// or of a process that is gone.
func leaseAlive(l Lease) bool {
	name, _ := os.Hostname()
	// Of another machine nothing is known but the expiry.
	if l.Host != name {
		return true
	}
	if b := host.Boot(); b != "" && l.Boot != "" && b != l.Boot {
		return false
	}
	return host.Alive(l.PID)
}

// Add queues an experiment for each combination of the values in Set, and
// returns the tasks. With several, a Name gets -1, -2, … appended. The
// workspace as it is now is what will run.
func (q *Queue) Add(ctx context.Context, opts *experiment.RunOptions) ([]Task, error) {
	head, err := q.repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	known, err := q.store.List(ctx, Queued, Running)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{} // besides what is saved, which Plan knows
	for _, t := range known {
		if t.Baseline == head {
			used[t.Name] = true
		}
	}
	o := experiment.RunOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Accept == nil {
		o.Accept = func(need Resources) error { return accept(ctx, q.store, need) }
	}
	plans, err := q.repo.Plan(ctx, &o, func(name string) bool { return used[name] })
	if err != nil {
		return nil, err
	}
	tasks := make([]Task, len(plans))
	for i, p := range plans {
		tasks[i] = q.newTask(p)
	}
	// Killed before this, the marks remain, and Clean queues them.
	return tasks, q.store.Put(ctx, tasks...)
}

// marked is what git says is to be done, for a store that has lost its tasks.
func (q *Queue) marked(ctx context.Context) ([]Task, error) {
	plans, err := q.repo.Plans(ctx)
	tasks := make([]Task, len(plans))
	for i, p := range plans {
		tasks[i] = q.newTask(p)
	}
	return tasks, err
}

// Adopt takes over tasks of another store of the same repository, with what has
// become of them there.
func (q *Queue) Adopt(ctx context.Context, tasks ...Task) error {
	known, err := q.store.List(ctx)
	if err != nil {
		return err
	}
	have := map[string]*Task{}
	for i := range known {
		have[known[i].ID] = &known[i]
	}
	var more []Task
	for _, t := range tasks {
		was := have[t.ID]
		switch {
		case was == nil:
			more = append(more, t)
		case was.State != t.State || was.Error != t.Error || was.Attempts != t.Attempts || was.Lease.Token != t.Lease.Token:
			if err := q.store.Update(ctx, t.ID, "", func(now *Task) error { *now = t; return nil }); err != nil {
				return err
			}
		}
	}
	return q.store.Put(ctx, more...)
}

// newTask is a plan that nobody has tried. Its log is named by the id, as names
// may be used again.
func (q *Queue) newTask(p experiment.Plan) Task {
	return Task{Plan: p, State: Queued, Log: q.path("logs", p.ID+".log")}
}

// notFoundError has DVC's words and wraps experiment.ErrNotFound.
type notFoundError string

func (e notFoundError) Error() string { return string(e) }
func (e notFoundError) Unwrap() error { return experiment.ErrNotFound }

// unknownError is about names that are none of a kind.
func unknownError(kind string, names ...string) error {
	form := "'%s' is not a valid %s name"
	if len(names) > 1 {
		form = "'%s' are not valid %s names"
	}
	return notFoundError(fmt.Sprintf(form, strings.Join(names, "; "), kind))
}

// unknown is unknownError, unless it is DVC's own queue that has the first one:
// its tasks are seen here and left to DVC.
func (q *Queue) unknown(ctx context.Context, kind string, names []string) error {
	var theirs []Task
	for _, t := range q.dvcTasks(ctx) {
		theirs = append(theirs, t.Task)
	}
	for _, name := range names {
		if findTask(theirs, name) != nil {
			return notFoundError(fmt.Sprintf("'%s' is in DVC's own queue, which DVC runs, stops and removes from; use dvc queue", name))
		}
	}
	return unknownError(kind, names...)
}

// Tasks lists the tasks in the given states, all if none is given, in the order
// they were added.
func (q *Queue) Tasks(ctx context.Context, states ...TaskState) ([]Task, error) {
	return q.store.List(ctx, states...)
}

// Find returns the task of that name, id, or beginning of an id; one of DVC's
// own queue if this has none.
func (q *Queue) Find(ctx context.Context, name string) (*Task, error) {
	tasks, err := q.store.List(ctx)
	if err == nil && findTask(tasks, name) == nil {
		tasks, err = q.All(ctx)
	}
	if err != nil {
		return nil, err
	}
	if t := findTask(tasks, name); t != nil {
		return t, nil
	}
	return nil, unknownError("queued experiment", name)
}

// findTask prefers tasks that are still to be done, and later ones.
func findTask(tasks []Task, name string) *Task {
	var found *Task
	for i := range tasks {
		if t := &tasks[i]; t.named(name) && (found == nil || found.ended()) {
			found = t
		}
	}
	return found
}

// named reports whether a task is meant by its name, its id or the beginning of that or,
// as tables show it, of the commit that it runs.
func (t *Task) named(name string) bool {
	return t.Name == name || t.ID == name || len(name) >= 4 && (strings.HasPrefix(t.ID, name) || strings.HasPrefix(t.Commit, name))
}

// Named lists the tasks in a state that are meant by names, all of them if there are no
// names: a name is that of a task, its id, or the beginning of that or of its commit. If
// some mean none, the tasks of the others come with an error that wraps
// experiment.ErrNotFound.
func (q *Queue) Named(ctx context.Context, state TaskState, names ...string) ([]Task, error) {
	tasks, err := q.store.List(ctx, state)
	if err != nil || len(names) == 0 {
		return tasks, err
	}
	var unknown []string
	for _, name := range names {
		if findTask(tasks, name) == nil {
			unknown = append(unknown, name)
		}
	}
	tasks = slices.DeleteFunc(tasks, func(t Task) bool { return !slices.ContainsFunc(names, t.named) })
	if len(unknown) > 0 {
		err = q.unknown(ctx, strings.ToLower(string(state))+" experiment", unknown)
	}
	return tasks, err
}

// TaskFilter chooses tasks by name or by state.
type TaskFilter struct {
	Names                   []string
	Queued, Failed, Success bool
}

// Remove forgets tasks that do not run, and returns their names, or none if a name
// means no task or one that runs. The experiments that came of them stay.
func (q *Queue) Remove(ctx context.Context, f *TaskFilter) ([]string, error) {
	tasks, err := q.store.List(ctx)
	if err != nil {
		return nil, err
	}
	idle := slices.DeleteFunc(slices.Clone(tasks), func(t Task) bool { return t.State == Running })
	var ids, unknown []string
	for _, name := range f.Names {
		t := findTask(idle, name)
		switch {
		case t != nil:
			ids = append(ids, t.ID)
		case findTask(tasks, name) != nil:
			return nil, fmt.Errorf("experiment '%s' is running; end it first, with 'queue kill'", name)
		default:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, q.unknown(ctx, "experiment", unknown)
	}
	for _, t := range tasks {
		if t.State == Queued && f.Queued || t.State == Failed && f.Failed || t.State == Success && f.Success {
			ids = append(ids, t.ID)
		}
	}
	gone, err := q.store.Delete(ctx, ids...)
	if err != nil {
		return nil, err
	}
	var names, plans []string
	for _, t := range gone {
		names, plans = append(names, t.Name), append(plans, t.ID)
		os.Remove(t.Log)
	}
	// The marks go last: a kill before this leaves them, and Clean would
	// queue the tasks again, rather than lose some.
	return names, q.repo.Discard(ctx, plans...)
}

// Retry queues failed tasks again, or none if a name means no such task; no names means
// all of them.
func (q *Queue) Retry(ctx context.Context, names ...string) ([]string, error) {
	failed, err := q.Named(ctx, Failed, names...)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, t := range failed {
		err := q.store.Update(ctx, t.ID, "", func(t *Task) error {
			t.State, t.Error, t.Kill, t.Ended = Queued, "", "", time.Time{}
			return nil
		})
		if err != nil {
			return done, err
		}
		done = append(done, t.Name)
	}
	return done, nil
}

// KillOptions change what Kill does. Nil means the zero KillOptions.
type KillOptions struct {
	Force bool // end tasks at once, without an interrupt first
}

// Kill interrupts running tasks; no names means all. Their workers notice within
// a second. Names that mean none are told when the others have been seen to.
func (q *Queue) Kill(ctx context.Context, opts *KillOptions, names ...string) error {
	running, unknown := q.Named(ctx, Running, names...)
	if unknown != nil && !errors.Is(unknown, experiment.ErrNotFound) {
		return unknown
	}
	how := "interrupt"
	if opts != nil && opts.Force {
		how = "kill"
	}
	for _, t := range running {
		// With the token of the task as listed: a later attempt is not meant.
		err := q.store.Update(ctx, t.ID, t.Lease.Token, func(t *Task) error { t.Kill = how; return nil })
		if err != nil && !errors.Is(err, ErrLeaseLost) {
			return err
		}
	}
	// Programs of workers that are gone are under no task.
	if err := q.repo.Recover(ctx); err != nil {
		return err
	}
	return unknown
}
