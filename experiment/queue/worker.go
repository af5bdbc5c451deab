package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

// WorkOptions say how a worker works. Nil means the zero WorkOptions.
type WorkOptions struct {
	// Name of the worker, shown by status; "" is made of the process id.
	Name string
	// Idle ends the worker when it found no task for that long; 0 ends it at
	// once, negative never.
	Idle time.Duration
	// CPUs is what GOMAXPROCS, OMP_NUM_THREADS and the like tell the stages,
	// so that results do not depend on how many workers there are. 0 is all
	// that the machine has, whatever else runs.
	CPUs int
	// Stop is asked between tasks whether to end; nil never does.
	Stop func() bool
}

// killPoll is how often a worker looks whether its task shall be killed.
const killPoll = time.Second

var errKilled = errors.New("killed by the user")

// Work executes tasks one after the other until none is left. A failed task
// does not end it. When ctx ends, the task under way goes back to the queue.
func (q *Queue) Work(ctx context.Context, opts *WorkOptions) error {
	o := WorkOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Name == "" {
		o.Name = "worker-" + strconv.Itoa(os.Getpid())
	}
	if o.CPUs <= 0 {
		o.CPUs = runtime.NumCPU()
	}
	// What workers that were killed left running would use the machine, too.
	if err := q.repo.Recover(ctx); err != nil {
		return err
	}
	machine, _ := os.Hostname()
	var idle time.Time
	for ctx.Err() == nil && (o.Stop == nil || !o.Stop()) {
		l := Lease{Token: rand.Text(), Worker: o.Name, Host: machine, Boot: host.Boot(), PID: os.Getpid(), Expires: time.Now().Add(q.opts.Lease)}
		t, err := q.store.Claim(ctx, l)
		if err != nil {
			return err
		}
		if t == nil {
			if idle.IsZero() {
				idle = time.Now()
			}
			if o.Idle >= 0 && time.Since(idle) >= o.Idle {
				return nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(min(killPoll, max(o.Idle/4, 10*time.Millisecond))):
			}
			continue
		}
		idle = time.Time{}
		if err := q.execute(ctx, t, &o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// execute runs one task under its lease and notes the outcome. What goes wrong
// with the task is part of the outcome, not an error.
func (q *Queue) execute(ctx context.Context, t *Task, o *WorkOptions) error {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		q.heartbeat(run, t, cancel)
	}()
	rev, err := q.attempt(run, t, o)
	// The cause is read before the cancel below, which would not change it,
	// and says why the attempt ended.
	cause := context.Cause(run)
	cancel(nil)
	// No renewal may follow the outcome.
	<-beat
	outcome := func(t *Task) error {
		t.Ended = time.Now()
		switch {
		case err == nil:
			t.State, t.Result, t.Error = Success, rev, ""
		// The worker is to end: the task is not at fault.
		case ctx.Err() != nil && !errors.Is(cause, errKilled):
			t.State, t.Ended = Queued, time.Time{}
		default:
			t.State, t.Error = Failed, err.Error()
			if errors.Is(cause, errKilled) {
				t.Error = errKilled.Error()
			}
		}
		return nil
	}
	// The outcome is noted even if ctx has ended.
	err2 := q.store.Update(context.WithoutCancel(ctx), t.ID, t.Lease.Token, outcome)
	if errors.Is(err2, ErrLeaseLost) {
		return nil // somebody else's now
	}
	return err2
}

// heartbeat renews the lease until ctx ends, and ends it when the task shall
// be killed or was taken away.
func (q *Queue) heartbeat(ctx context.Context, t *Task, cancel context.CancelCauseFunc) {
	poll := time.NewTicker(min(killPoll, q.opts.Lease/3))
	defer poll.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
		// Looking is cheaper than renewing, and a kill is to be seen soon.
		renew := time.Since(renewed) >= q.opts.Lease/3
		now, err := q.look(ctx, t, renew)
		switch {
		case errors.Is(err, ErrLeaseLost):
			cancel(ErrLeaseLost)
			return
		case err != nil:
			continue // the lease tells when it is too late
		case now.Kill != "":
			cancel(errKilled)
			return
		case renew:
			renewed = time.Now()
		}
	}
}

// look returns the task as it is now, if it is still ours.
func (q *Queue) look(ctx context.Context, t *Task, renew bool) (*Task, error) {
	if renew {
		return q.store.Renew(ctx, t.ID, t.Lease.Token, time.Now().Add(q.opts.Lease))
	}
	now, err := q.store.Get(ctx, t.ID)
	if errors.Is(err, experiment.ErrNotFound) || err == nil && now.Lease.Token != t.Lease.Token {
		return nil, ErrLeaseLost
	}
	return now, err
}

// attempt runs the task in a copy of its own, with its output in a log.
func (q *Queue) attempt(ctx context.Context, t *Task, o *WorkOptions) (string, error) {
	if err := os.MkdirAll(filepath.Dir(t.Log), 0o777); err != nil {
		return "", err
	}
	out, err := os.OpenFile(t.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return "", err
	}
	defer out.Close()
	log := slog.New(&lineHandler{out})
	e, err := q.repo.Execute(ctx, &t.Plan, &experiment.ExecuteOptions{Stdout: out, Stderr: out, Env: workerEnv(o.CPUs), Logger: log})
	if err != nil {
		log.Error(err.Error())
		return "", err
	}
	return e.Rev, nil
}

// workerEnv sets what programs take for the number of processors.
func workerEnv(cpus int) []string {
	var env []string
	for _, name := range []string{"GOMAXPROCS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"} {
		env = append(env, name+"="+strconv.Itoa(cpus))
	}
	return env
}

// lineHandler writes the messages of a log as lines.
type lineHandler struct{ w io.Writer }

func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (h *lineHandler) Handle(_ context.Context, rec slog.Record) error {
	prefix := ""
	if rec.Level > slog.LevelInfo {
		prefix = rec.Level.String() + ": "
	}
	_, err := fmt.Fprintln(h.w, prefix+rec.Message)
	return err
}
func (h *lineHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *lineHandler) WithGroup(string) slog.Handler      { return h }
