package experiment

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/pipeline"
)

// Queue is the experiments that wait for a worker, run under one, or did.
type Queue struct {
	repo  *Repo
	store Store
	ttl   time.Duration // of a lease; workers renew it three times as often
}

// leaseTime is how long a worker may be silent. That of a dead process on this
// machine ends at once.
const leaseTime = 60 * time.Second

// Queue returns the queue of this repository, which is kept in
// .dvc/tmp/exps/reprodl/queue.db.
func (r *Repo) Queue() *Queue {
	s := &boltStore{file: r.tmpDir("reprodl", "queue.db"), now: time.Now, alive: leaseAlive}
	return &Queue{repo: r, store: s, ttl: leaseTime}
}

// leaseAlive sees through leases of this machine's past: of an earlier boot,
// or of a process that is gone.
func leaseAlive(l Lease) bool {
	host, _ := os.Hostname()
	if l.Host != host {
		return true
	}
	if b := bootID(); b != "" && l.Boot != "" && b != l.Boot {
		return false
	}
	return processAlive(l.PID)
}

// taskRef protects what a task will run from git gc. It disappears in the same
// step in which the result is recorded, which is how a result is recorded once.
func taskRef(id string) string { return "refs/reprodl/queue/" + id }

// Add queues an experiment for each combination of the values in Set, and
// returns the tasks. With several, a Name gets -1, -2, … appended. The
// workspace as it is now is what will run.
func (q *Queue) Add(ctx context.Context, opts *RunOptions) ([]Task, error) {
	o := RunOptions{}
	if opts != nil {
		o = *opts
	}
	head, _, err := q.repo.head(ctx)
	if err != nil {
		return nil, err
	}
	sets, err := Combinations(o.Set)
	if err != nil {
		return nil, err
	}
	known, err := q.store.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, t := range known {
		if t.State != Failed && t.Baseline == string(head) {
			used[t.Name] = true
		}
	}
	var tasks []Task
	for i, set := range sets {
		name := o.Name
		if name != "" && len(sets) > 1 {
			name = fmt.Sprintf("%s-%d", name, i+1)
		}
		if err := q.repo.claim(ctx, head, &name, o.Force, func(n string) bool { return used[n] }); err != nil {
			return nil, err
		}
		if used[name] && !o.Force {
			return nil, existsError(name)
		}
		used[name] = true
		t, err := q.newTask(ctx, head, name, set, &o)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	var updates []git.Update
	for _, t := range tasks {
		updates = append(updates, git.Update{Name: taskRef(t.ID), New: git.ID(t.Commit), Old: git.NoRef})
	}
	if err := q.repo.git.UpdateRefs(ctx, updates...); err != nil {
		return nil, err
	}
	return tasks, q.store.Put(ctx, tasks...)
}

func (q *Queue) newTask(ctx context.Context, head git.ID, name string, set []string, o *RunOptions) (Task, error) {
	r := q.repo
	edits := parseSet(set)
	tree, err := r.editedTree(ctx, edits)
	if err != nil {
		return Task{}, err
	}
	author, committer, err := r.git.Identity(ctx)
	if err != nil {
		return Task{}, err
	}
	id, err := r.git.WriteCommit(&git.Commit{Tree: tree, Parents: []git.ID{head}, Author: author, Committer: committer,
		Message: fmt.Sprintf("dvc-exp:%s:%s:%s\n", head, head, name)})
	if err != nil {
		return Task{}, err
	}
	dir, err := filepath.Rel(r.root, r.dir)
	if err != nil {
		return Task{}, err
	}
	t := Task{ID: strings.ToLower(rand.Text())[:16], Name: name, Baseline: string(head), Commit: string(id), Created: r.now(), State: Queued}
	t.Options = taskOptions(o)
	t.Options.Set, t.Options.Dir = set, filepath.ToSlash(dir)
	t.Log = r.tmpDir("reprodl", "logs", t.ID+".log")
	return t, nil
}

func taskOptions(o *RunOptions) TaskOptions {
	p := &o.Repro
	return TaskOptions{Targets: o.Targets, Message: o.Message, Copy: o.Copy, Force: o.Force, Single: p.Single, Pipeline: p.Pipeline,
		AllPipelines: p.AllPipelines, Downstream: p.Downstream, ForceDownstream: p.ForceDownstream, Recursive: p.Recursive, Glob: p.Glob,
		NoRunCache: p.NoRunCache, NoCommit: p.NoCommit, Pull: p.Pull, AllowMissing: p.AllowMissing, OnError: int(p.OnError), Jobs: p.Jobs,
		Seed: o.Seed, Backend: o.Backend}
}

func (t *Task) runOptions() *RunOptions {
	p := &t.Options
	return &RunOptions{Name: t.Name, Message: p.Message, Force: p.Force, Targets: p.Targets, Copy: p.Copy, Seed: p.Seed, Backend: p.Backend, task: t.ID,
		Repro: pipeline.ReproOptions{Single: p.Single, Pipeline: p.Pipeline, AllPipelines: p.AllPipelines, Downstream: p.Downstream,
			ForceDownstream: p.ForceDownstream, Recursive: p.Recursive, Glob: p.Glob, NoRunCache: p.NoRunCache, NoCommit: p.NoCommit, Pull: p.Pull,
			AllowMissing: p.AllowMissing, OnError: pipeline.OnError(p.OnError), Jobs: p.Jobs}}
}

// Tasks lists the queue in order.
func (q *Queue) Tasks(ctx context.Context) ([]Task, error) { return q.store.Tasks(ctx) }

// Find returns the task of that name, id, or beginning of an id.
func (q *Queue) Find(ctx context.Context, name string) (*Task, error) {
	tasks, err := q.store.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	if t := findTask(tasks, name); t != nil {
		return t, nil
	}
	return nil, &messageError{fmt.Sprintf("'%s' is not a valid queued experiment name", name), ErrNotFound}
}

// findTask prefers tasks that are still to be done, and later ones.
func findTask(tasks []Task, name string) *Task {
	var found *Task
	for i := range tasks {
		t := &tasks[i]
		if t.Name != name && t.ID != name && (len(name) < 4 || (!strings.HasPrefix(t.ID, name) && !strings.HasPrefix(t.Commit, name))) {
			continue
		}
		if found == nil || found.State == Success || found.State == Failed {
			found = t
		}
	}
	return found
}

// TaskFilter chooses tasks by name or by state.
type TaskFilter struct {
	Names                   []string
	Queued, Failed, Success bool
}

// Remove forgets tasks that do not run, and returns their names. The
// experiments that came of them stay.
func (q *Queue) Remove(ctx context.Context, f *TaskFilter) ([]string, error) {
	tasks, err := q.store.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	var ids, unknown []string
	for _, name := range f.Names {
		if t := findTask(tasks, name); t != nil {
			ids = append(ids, t.ID)
		} else {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, &messageError{fmt.Sprintf("'%s' is not a valid queued experiment name", strings.Join(unknown, "; ")), ErrNotFound}
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
	var names []string
	var updates []git.Update
	for _, t := range gone {
		names = append(names, t.Name)
		if old, err := q.repo.git.Ref(ctx, taskRef(t.ID)); err == nil {
			updates = append(updates, git.Update{Name: taskRef(t.ID), Old: old})
		}
		os.Remove(t.Log)
	}
	return names, q.repo.git.UpdateRefs(ctx, updates...)
}

// Retry queues failed tasks again; no names means all of them.
func (q *Queue) Retry(ctx context.Context, names ...string) ([]string, error) {
	tasks, err := q.store.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	var done []string
	for _, t := range tasks {
		if t.State != Failed || (len(names) > 0 && !slices.Contains(names, t.Name) && !slices.Contains(names, t.ID)) {
			continue
		}
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

// Kill interrupts running tasks, or with force ends them at once; no names
// means all. Their workers notice within a second.
func (q *Queue) Kill(ctx context.Context, force bool, names ...string) error {
	tasks, err := q.store.Tasks(ctx)
	if err != nil {
		return err
	}
	how := "interrupt"
	if force {
		how = "kill"
	}
	left := slices.Clone(names)
	for _, t := range tasks {
		i := slices.IndexFunc(left, func(n string) bool { return n == t.Name || n == t.ID || (len(n) >= 4 && strings.HasPrefix(t.ID, n)) })
		if t.State != Running || (len(names) > 0 && i < 0) {
			continue
		}
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		err := q.store.Update(ctx, t.ID, t.Lease.Token, func(t *Task) error { t.Kill = how; return nil })
		if err != nil && !errors.Is(err, ErrLeaseLost) {
			return err
		}
	}
	if len(left) > 0 {
		return &messageError{fmt.Sprintf("'%s' is not a valid running experiment name", strings.Join(left, "; ")), ErrNotFound}
	}
	return nil
}
