package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

// slotFile is locked by the n-th background worker while it lives.
func (q *Queue) slotFile(n int) string {
	return q.path("workers", strconv.Itoa(n)+".lock")
}

// stopFile tells workers to end by its time: those that began before it.
func (q *Queue) stopFile() string { return q.path("workers", "stop") }

// maxSlots bounds the search for workers.
const maxSlots = 256

// takeSlot returns the lock of slot n, nil if a worker has it.
func (q *Queue) takeSlot(n int) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(q.slotFile(n)), 0o777); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(q.slotFile(n), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	ok, err := host.TryLock(f)
	if err != nil || !ok {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Start starts background processes until n workers run, and returns how many
// it started. command is the program and arguments that end in a call of
// [Queue.Serve]; the number of the worker is appended. The workers outlive ctx,
// which only ends the starting.
func (q *Queue) Start(ctx context.Context, n int, command ...string) (int, error) {
	os.Remove(q.stopFile())
	started := 0
	for i := 1; i <= min(n, maxSlots); i++ {
		if err := ctx.Err(); err != nil {
			return started, err
		}
		f, err := q.takeSlot(i)
		if err != nil {
			return started, err
		}
		if f == nil {
			continue
		}
		f.Close()
		args := append(append([]string{}, command[1:]...), strconv.Itoa(i))
		cmd := exec.Command(command[0], args...)
		cmd.Dir, cmd.Env, cmd.SysProcAttr = q.repo.Root(), q.opts.Env, host.Detached()
		if err := cmd.Start(); err != nil {
			return started, err
		}
		cmd.Process.Release()
		started++
	}
	return started, nil
}

// Serve is the life of the n-th background worker: it takes the slot, or ends
// at once if it is taken, and works.
func (q *Queue) Serve(ctx context.Context, n int, opts *WorkOptions) error {
	f, err := q.takeSlot(n)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	o := WorkOptions{}
	if opts != nil {
		o = *opts
	}
	o.Name = fmt.Sprintf("worker-%d", n)
	began := time.Now()
	o.Stop = func() bool {
		fi, err := os.Stat(q.stopFile())
		return err == nil && fi.ModTime().After(began)
	}
	return q.Work(ctx, &o)
}

// StopOptions change what Stop does. Nil means the zero StopOptions.
type StopOptions struct {
	Kill bool // end the tasks under way, too
}

// Stop makes the background workers end after the task under way.
func (q *Queue) Stop(ctx context.Context, opts *StopOptions) error {
	if err := os.MkdirAll(filepath.Dir(q.stopFile()), 0o777); err != nil {
		return err
	}
	if err := os.WriteFile(q.stopFile(), nil, 0o666); err != nil {
		return err
	}
	now := time.Now().Add(time.Second) // surely after any worker's start
	if err := os.Chtimes(q.stopFile(), now, now); err != nil {
		return err
	}
	if opts != nil && opts.Kill {
		return q.Kill(ctx, &KillOptions{Force: true})
	}
	return nil
}

// Workers counts the background workers: those with a task and those without.
func (q *Queue) Workers(ctx context.Context) (active, idle int, err error) {
	tasks, err := q.store.List(ctx, Running)
	if err != nil {
		return 0, 0, err
	}
	// One that sends a result has begun with the next task already.
	busy := map[Lease]bool{}
	for i := range tasks {
		l := tasks[i].Lease
		busy[Lease{Worker: l.Worker, Host: l.Host, PID: l.PID}] = true
	}
	active = len(busy)
	files, err := filepath.Glob(q.path("workers", "*.lock"))
	for _, name := range files {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if ok, err := host.TryLock(f); err == nil && !ok {
			idle++
		}
		f.Close()
	}
	return active, max(0, idle-active), err
}

// LogOptions change what Log does. Nil means the zero LogOptions.
type LogOptions struct {
	Follow bool // go on until the task has ended
}

// Log writes the output of a task to w.
func (q *Queue) Log(ctx context.Context, name string, w io.Writer, opts *LogOptions) error {
	follow := opts != nil && opts.Follow
	t, err := q.Find(ctx, name)
	if err != nil {
		return err
	}
	if t.State == Queued && t.Attempts == 0 && !follow {
		return fmt.Errorf("Experiment '%s' is in queue but has not been started", name)
	}
	log := q.readLog(t)
	defer log.Close()
	for {
		now, err := q.store.Get(ctx, t.ID)
		if errors.Is(err, experiment.ErrNotFound) {
			now, err = q.Find(ctx, t.ID) // DVC's
		}
		if err != nil {
			return err
		}
		if err := log.copyTo(ctx, w); err != nil {
			return err
		}
		if !follow || now.State == Success || now.State == Failed {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followPoll):
		}
	}
}

// followPoll is how soon a new line is seen.
const followPoll = 30 * time.Millisecond
