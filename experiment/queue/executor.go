package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/pipeline"
)

// ExecutorOptions change how stages are run by the workers of a queue. Nil means
// the zero ExecutorOptions.
type ExecutorOptions struct {
	// Stages and Program are those of a pipeline in Go, as in
	// [experiment.RunOptions]: workers run its functions by their own copy of the
	// program, which must be the same build.
	Stages  []pipeline.Stage
	Program string
	// Need replaces what stages ask for in their meta, where it is not zero.
	Need Resources
	// Shared says that the workers have the cache of this repository, as those of
	// this machine do: no data is moved.
	Shared bool
	// Queued, if set, is told of each task that was queued, and Kill ends one in
	// place of [Queue.Kill]: for engines that have to be asked.
	Queued func(id string)
	Kill   func(ctx context.Context, id string) error
}

// Executor returns what runs the stages of a pipeline by the workers of the queue,
// each as a task:
//
//	results, err := repo.Repro(ctx, &pipeline.ReproOptions{Jobs: 20, Executor: q.Executor(nil)})
//
// The tasks are those of one call: when it ends, they are gone from the queue. Of what
// a call left that was killed, the next one ends the stages that still run, and takes the
// results of those that workers have finished: a stage with the same inputs need not
// run again.
func (q *Queue) Executor(opts *ExecutorOptions) pipeline.Executor {
	e := &executor{q: q}
	if opts != nil {
		e.opts = *opts
	}
	return e
}

type executor struct {
	q     *Queue
	opts  ExecutorOptions
	first sync.Once

	mu   sync.Mutex
	left map[string][]leftResult // by the stage's address
}

// leftResult is what a worker finished for a call that was killed.
type leftResult struct {
	id   string
	data []byte
}

// Shares is part of pipeline.Executor.
func (e *executor) Shares() bool { return e.opts.Shared }

// Submit is part of pipeline.Executor.
func (e *executor) Submit(ctx context.Context, j *pipeline.Job) (func(context.Context) ([]byte, error), error) {
	e.first.Do(func() { e.sweep(ctx) })
	if data := e.takeLeft(ctx, j); data != nil {
		return func(context.Context) ([]byte, error) { return data, nil }, nil
	}
	o := &experiment.RunOptions{Stages: e.opts.Stages, Program: e.opts.Program, Resources: e.opts.Need}
	o.Accept = func(need Resources) error { return accept(ctx, e.q.store, need) }
	p, err := e.q.repo.PlanStage(ctx, j, o)
	if err != nil {
		return nil, err
	}
	t := e.q.newTask(*p)
	if err := e.q.store.Put(ctx, t); err != nil {
		return nil, errors.Join(err, e.q.repo.Discard(context.WithoutCancel(ctx), t.ID))
	}
	if e.opts.Queued != nil {
		e.opts.Queued(t.ID)
	}
	return func(ctx context.Context) ([]byte, error) { return e.wait(ctx, &t, j.Output) }, nil
}

// wait returns what came of a task, and removes it.
func (e *executor) wait(ctx context.Context, t *Task, out io.Writer) ([]byte, error) {
	logged, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.follow(logged, t, out)
	}()
	there, gone := context.WithCancelCause(ctx)
	go e.lookAfter(there, t.ID, gone)
	tasks, err := e.q.Wait(there, t.ID)
	gone(nil)
	stop()
	<-done
	var failed *TaskError
	switch {
	case errors.Is(context.Cause(there), errRemoved):
		e.end(ctx, t.ID)
		return nil, errRemoved
	case ctx.Err() != nil:
		e.end(ctx, t.ID)
		return nil, context.Cause(ctx)
	case errors.As(err, &failed):
		e.forget(ctx, t.ID)
		return nil, stageError(&tasks[0])
	case err != nil:
		e.end(ctx, t.ID)
		return nil, fmt.Errorf("the queue that runs the stage: %w", err)
	}
	data, err := e.result(ctx, &t.Plan)
	if err != nil {
		return nil, err
	}
	e.forget(ctx, t.ID)
	os.Remove(t.Log)
	return data, nil
}

var errRemoved = errors.New("its task was removed from the queue")

// lookPoll is how soon it is seen that somebody removed a task.
const lookPoll = 2 * time.Second

// lookAfter ends the waiting for a task that is no longer there, which nobody who
// watches a queue is told of.
func (e *executor) lookAfter(ctx context.Context, id string, gone context.CancelCauseFunc) {
	tick := time.NewTicker(lookPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := e.q.store.Get(ctx, id); errors.Is(err, experiment.ErrNotFound) {
			gone(errRemoved)
			return
		}
	}
}

// stageError tells where a stage failed, and why.
func stageError(t *Task) error {
	on := ""
	if t.Lease.Worker != "" {
		on = "on worker " + t.Lease.Worker
		if t.Lease.Host != "" && t.Lease.Host != t.Lease.Worker {
			on += " of " + t.Lease.Host
		}
		if t.Attempts > 1 {
			on += fmt.Sprintf(", at attempt %d", t.Attempts)
		}
		on += ": "
	}
	log := ""
	if _, err := os.Stat(t.Log); err == nil {
		log = "; its log is " + t.Log
	}
	return fmt.Errorf("%s%s%s", on, t.Error, log)
}

// endTimeout is how long a call that is to end waits for its tasks to end.
const endTimeout = 15 * time.Second

// end makes sure that nobody works on a task any more.
func (e *executor) end(ctx context.Context, id string) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer stop()
	// Without its mark nobody begins with it, and no result of it counts.
	if err := e.q.repo.Discard(ctx, id); err != nil {
		e.q.log.Warn(err.Error())
	}
	kill := e.opts.Kill
	if kill == nil {
		kill = func(ctx context.Context, id string) error {
			return e.q.store.Update(ctx, id, "", func(t *Task) error {
				if t.State == Running {
					t.Kill = "interrupt"
				}
				return nil
			})
		}
	}
	if err := kill(ctx, id); err != nil && !errors.Is(err, experiment.ErrNotFound) {
		e.q.log.Warn(fmt.Sprintf("a stage may still run: %v", err))
	}
	for ctx.Err() == nil {
		t, err := e.q.store.Get(ctx, id)
		if err != nil || t.State != Running {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(followPoll):
		}
	}
	e.forget(ctx, id)
}

// forget removes a task that has ended, with its mark and its result.
func (e *executor) forget(ctx context.Context, id string) {
	ctx = context.WithoutCancel(ctx)
	_, err := e.q.store.Delete(ctx, id)
	if err = errors.Join(e.q.repo.Discard(ctx, id), err); err != nil {
		e.q.log.Warn(err.Error())
	}
}

// result is what came of a stage, here or where the queue is.
func (e *executor) result(ctx context.Context, p *experiment.Plan) ([]byte, error) {
	if far, ok := e.q.store.(Remote); ok {
		if err := far.Bring(ctx, p); err != nil {
			return nil, err
		}
	}
	return e.q.repo.StageResult(ctx, p)
}

// sweep ends what calls that were killed have left, and gathers what became of it
// before.
func (e *executor) sweep(ctx context.Context) {
	plans, err := e.q.repo.Abandoned(ctx)
	if err != nil {
		e.q.log.Warn(err.Error())
	}
	e.left = map[string][]leftResult{}
	for _, p := range plans {
		data, err := e.result(ctx, &p)
		if err != nil || time.Since(p.Created) > keepLeft {
			e.end(ctx, p.ID)
			continue
		}
		s := p.Options.Stage
		e.left[s.Address] = append(e.left[s.Address], leftResult{p.ID, data})
	}
}

// keepLeft is how long a result waits for a call that asks for its stage.
const keepLeft = 7 * 24 * time.Hour

// takeLeft returns a result of a stage that is good for a job; those that are not are
// good for nothing any more.
func (e *executor) takeLeft(ctx context.Context, j *pipeline.Job) (data []byte) {
	e.mu.Lock()
	list := e.left[j.Address]
	delete(e.left, j.Address)
	e.mu.Unlock()
	for _, l := range list {
		if data == nil && j.Accepts(ctx, l.data) {
			data = l.data
			fmt.Fprintln(j.Output, "A worker had finished this for a call that was killed.")
		}
		e.forget(ctx, l.id)
	}
	return data
}

// filePoll is how soon a line of a stage is seen.
const filePoll = 100 * time.Millisecond

// follow copies what a task prints, and will print, until ctx ends.
func (e *executor) follow(ctx context.Context, t *Task, w io.Writer) {
	name := *t
	if _, ok := e.q.store.(Remote); ok {
		name.Log = "" // asking for it always works
		if now, err := e.q.store.Get(ctx, t.ID); err == nil {
			name.Log = now.Log
		}
	}
	log := e.q.readLog(&name)
	defer log.Close()
	for {
		over := ctx.Err() != nil
		log.copyTo(context.WithoutCancel(ctx), w)
		if over {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(filePoll):
		}
	}
}
