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
	// Lease is how long the worker may be silent; 0 is a minute, or in a Queue
	// that of its options.
	Lease time.Duration
	// Offer is what tasks may need. The zero value is, in a Queue, what the machine
	// has, and else takes any task.
	Offer Resources
	// Cards are those that Offer counts, of which a task gets as many as it needs for
	// itself; nil leaves the cards to the programs. In a Queue they are those of the
	// machine if Offer is zero.
	Cards *Cards
	// Build is that of the program by which the worker can run stages in Go.
	Build string
}

// Run executes one task and returns the commit of its experiment. An error
// counts against the task unless it is a [*MachineError].
//
// It may call free once its programs have ended, and what is left is the way of the
// result: the worker then begins with its next task, and Run is called again before
// this call has returned.
type Run func(ctx context.Context, t *Task, free func()) (rev string, err error)

// MachineError is a failure of the machine or the network rather than of the
// program: the task goes back to the queue, for another worker.
type MachineError struct{ Err error }

// Error is that of Err.
func (e *MachineError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *MachineError) Unwrap() error { return e.Err }

// killPoll is how often a worker looks whether its task shall be killed.
const killPoll = time.Second

// machinePause is how long a worker takes no task after a failure of its machine.
const machinePause = 5 * time.Second

var errKilled = errors.New("killed by the user")

// Work executes tasks one after the other until none is left. A failed task
// does not end it. When ctx ends, the task under way goes back to the queue.
func (q *Queue) Work(ctx context.Context, opts *WorkOptions) error {
	o := opts.orDefault()
	if opts == nil || opts.Lease <= 0 {
		o.Lease = q.opts.Lease
	}
	// What workers that were killed left running would use the machine, too.
	if err := q.repo.Recover(ctx); err != nil {
		return err
	}
	if o.Offer.IsZero() {
		o.Offer = Machine(ctx)
		if c := FindCards(ctx, os.Environ()); c.Len() > 0 {
			o.Cards = c
		}
	}
	return Work(ctx, q.store, &o, func(ctx context.Context, t *Task, free func()) (string, error) { return q.attempt(ctx, t, &o, free) })
}

// orDefault fills in what is not set; the receiver may be nil.
func (o *WorkOptions) orDefault() WorkOptions {
	out := WorkOptions{}
	if o != nil {
		out = *o
	}
	if out.Name == "" {
		out.Name = "worker-" + strconv.Itoa(os.Getpid())
	}
	if out.CPUs <= 0 {
		out.CPUs = runtime.NumCPU()
	}
	if out.Lease <= 0 {
		out.Lease = time.Minute
	}
	return out
}

// worker is one that works on a store.
type worker struct {
	store Store
	opts  WorkOptions
	run   Run
	last  *attempt // whose result is on its way; nil if there is none
}

// attempt is a task under a worker.
type attempt struct {
	done chan struct{} // closed when the outcome is noted
	bad  bool
	err  error
}

// Work is [Queue.Work] for a store without its repository: run knows what a
// task needs and where its result goes.
func Work(ctx context.Context, s Store, opts *WorkOptions, run Run) error {
	w := &worker{store: s, opts: opts.orDefault(), run: run}
	err := w.work(ctx)
	if _, last := w.settle(); err == nil {
		err = last
	}
	return err
}

func (w *worker) work(ctx context.Context) error {
	var idle time.Time
	for ctx.Err() == nil && (w.opts.Stop == nil || !w.opts.Stop()) {
		t, err := w.store.Claim(ctx, w.lease(ctx))
		if err != nil {
			return err
		}
		pause, bad := time.Duration(0), false
		switch {
		case t != nil:
			idle = time.Time{}
			bad, err = w.execute(ctx, t)
		case w.last != nil: // its task may come back
			bad, err = w.settle()
		default:
			if idle.IsZero() {
				idle = time.Now()
			}
			if w.opts.Idle >= 0 && time.Since(idle) >= w.opts.Idle {
				return nil
			}
			pause = killPoll
			if w.opts.Idle >= 0 {
				pause = min(killPoll, max(w.opts.Idle/4, 10*time.Millisecond))
			}
		}
		if err != nil {
			return err
		}
		if bad {
			pause = machinePause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return ctx.Err()
}

// lease is what a worker claims its next task by.
func (w *worker) lease(ctx context.Context) Lease {
	offer := w.opts.Offer
	if w.opts.Cards != nil && offer.GPUs > 0 {
		offer.GPUs = min(offer.GPUs, w.opts.Cards.Free(ctx))
	}
	machine, _ := os.Hostname()
	return Lease{Token: rand.Text(), Worker: w.opts.Name, Host: machine, Boot: host.Boot(), PID: os.Getpid(), Expires: time.Now().Add(w.opts.Lease), Offer: offer, Build: w.opts.Build}
}

// execute begins with a task and returns when the next one may begin. Of one result
// at a time the way is waited for in the background: where the network is slow, tasks
// do not gather at this worker.
func (w *worker) execute(ctx context.Context, t *Task) (bad bool, err error) {
	a := &attempt{done: make(chan struct{})}
	free, freed := context.WithCancel(context.Background())
	defer freed()
	go func() {
		defer close(a.done)
		a.bad, a.err = w.attempt(ctx, t, freed)
	}()
	select {
	case <-free.Done():
	case <-a.done:
	}
	bad, err = w.settle()
	w.last = a
	select {
	case <-a.done:
		worse, e := w.settle()
		bad, err = bad || worse, errors.Join(err, e)
	default:
	}
	return bad, err
}

// settle waits for the outcome of the last task, if that is not known yet.
func (w *worker) settle() (bad bool, err error) {
	a := w.last
	if w.last = nil; a == nil {
		return false, nil
	}
	<-a.done
	return a.bad, a.err
}

// attempt runs one task under its lease and notes the outcome. What goes wrong
// with the task is part of the outcome, not an error; bad says that the machine
// was at fault.
func (w *worker) attempt(ctx context.Context, t *Task, free func()) (bad bool, err error) {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beat := make(chan struct{})
	go func() {
		defer close(beat)
		w.heartbeat(run, t, cancel)
	}()
	rev, failed := w.run(run, t, free)
	// The cause is read before the cancel below, which would not change it,
	// and says why the attempt ended.
	cause := context.Cause(run)
	cancel(nil)
	// No renewal may follow the outcome.
	<-beat
	var machine *MachineError
	bad = errors.As(failed, &machine) && ctx.Err() == nil && !errors.Is(cause, errKilled)
	outcome := func(t *Task) error {
		t.Ended = time.Now()
		switch {
		case failed == nil:
			t.State, t.Result, t.Error = Success, rev, ""
		// The worker is to end, or the machine is not fit: the task is not at fault.
		case bad:
			t.State, t.Ended, t.Error = Queued, time.Time{}, failed.Error()
		case ctx.Err() != nil && !errors.Is(cause, errKilled):
			t.State, t.Ended = Queued, time.Time{}
		default:
			t.State, t.Error = Failed, failed.Error()
			if errors.Is(cause, errKilled) {
				t.Error = errKilled.Error()
			}
		}
		return nil
	}
	// The outcome is noted even if ctx has ended, but not for ever.
	end := ctx
	if ctx.Err() != nil {
		var stop context.CancelFunc
		end, stop = context.WithTimeout(context.WithoutCancel(ctx), outcomeTimeout)
		defer stop()
	}
	if err = w.store.Update(end, t.ID, t.Lease.Token, outcome); errors.Is(err, ErrLeaseLost) {
		err = nil // somebody else's now
	}
	return bad, err
}

// outcomeTimeout is how long a worker that is to end tries to say so.
const outcomeTimeout = 10 * time.Second

// heartbeat renews the lease until ctx ends, and ends it when the task shall
// be killed or was taken away.
func (w *worker) heartbeat(ctx context.Context, t *Task, cancel context.CancelCauseFunc) {
	poll := time.NewTicker(min(killPoll, w.opts.Lease/3))
	defer poll.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
		// Looking is cheaper than renewing, and a kill is to be seen soon.
		renew := time.Since(renewed) >= w.opts.Lease/3
		now, err := w.look(ctx, t, renew)
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

// Looker is a Store whose workers may see their own tasks only. Look returns
// one that runs under a lease, and else ErrLeaseLost.
type Looker interface {
	Look(ctx context.Context, id, token string) (*Task, error)
}

// look returns the task as it is now, if it is still ours.
func (w *worker) look(ctx context.Context, t *Task, renew bool) (*Task, error) {
	if renew {
		return w.store.Renew(ctx, t.ID, t.Lease.Token, time.Now().Add(w.opts.Lease))
	}
	if s, ok := w.store.(Looker); ok {
		return s.Look(ctx, t.ID, t.Lease.Token)
	}
	now, err := w.store.Get(ctx, t.ID)
	if errors.Is(err, experiment.ErrNotFound) || err == nil && now.Lease.Token != t.Lease.Token {
		return nil, ErrLeaseLost
	}
	return now, err
}

// attempt runs the task in a copy of its own, with its output in a log.
func (q *Queue) attempt(ctx context.Context, t *Task, o *WorkOptions, free func()) (string, error) {
	if err := os.MkdirAll(filepath.Dir(t.Log), 0o777); err != nil {
		return "", err
	}
	out, err := os.OpenFile(t.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return "", err
	}
	defer out.Close()
	log := slog.New(&lineHandler{out})
	env := workerEnv(o.CPUs)
	// A program that does not say that it needs a card sees all of them, as it does
	// without a queue.
	if n := t.Options.Resources.GPUs; n > 0 && o.Cards != nil {
		cards, release, err := o.Cards.Take(ctx, n)
		if err != nil {
			return "", &MachineError{Err: err}
		}
		defer release()
		env = append(env, cards...)
		next := free
		free = func() { release(); next() }
	}
	e, err := q.repo.Execute(ctx, &t.Plan, &experiment.ExecuteOptions{Stdout: out, Stderr: out, Env: env, Logger: log, Ran: free})
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
