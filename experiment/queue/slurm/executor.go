package slurm

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline"
)

// Executor returns what runs the stages of a pipeline as jobs, for
// [pipeline.ReproOptions].Executor: stages that can run at the same time become
// one array. submit must have a Program. opts may be nil; all nodes share the
// cache.
func (c *Cluster) Executor(q *queue.Queue, submit *SubmitOptions, opts *queue.ExecutorOptions) pipeline.Executor {
	e := &executor{c: c, q: q, open: map[string]bool{}}
	if submit != nil {
		e.submit = *submit
	}
	o := queue.ExecutorOptions{}
	if opts != nil {
		o = *opts
	}
	o.Shared, o.Queued = true, e.queued
	o.Kill = func(ctx context.Context, id string) error { return c.Kill(ctx, id) }
	return q.Executor(&o)
}

// executor gives tasks to Slurm, and tells the queue what has become of them, as
// long as there are some.
type executor struct {
	c      *Cluster
	q      *queue.Queue
	submit SubmitOptions

	mu   sync.Mutex
	open map[string]bool
	on   bool   // watch runs
	told string // the last thing that was wrong with Slurm
}

// gather is how long stages that become ready together are waited for, and poll
// how often Slurm is asked: an administrator would not like to see it more often.
const (
	gather = 100 * time.Millisecond
	poll   = time.Second
)

func (e *executor) queued(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[id] = true
	if !e.on {
		e.on = true
		go e.watch()
	}
}

// watch ends when no task is open any more. Who waits for a task cancels it, so
// that it is not open for ever.
func (e *executor) watch() {
	ctx := context.Background()
	time.Sleep(gather)
	for {
		if err := e.step(ctx); err == nil {
			e.told = ""
		} else if e.told != err.Error() {
			e.told = err.Error()
			e.c.log.Warn(e.told + "; asking again")
		}
		tasks, err := e.q.Tasks(ctx, queue.Queued, queue.Running)
		e.mu.Lock()
		if err == nil {
			left := map[string]bool{}
			for _, t := range tasks {
				left[t.ID] = e.open[t.ID]
			}
			for id := range e.open {
				if !left[id] {
					delete(e.open, id)
				}
			}
		}
		if len(e.open) == 0 {
			e.on = false
			e.mu.Unlock()
			return
		}
		e.mu.Unlock()
		time.Sleep(poll)
	}
}

// step gives Slurm what it does not have, and looks what it has done.
func (e *executor) step(ctx context.Context) error {
	jobs, err := e.c.byTask(ctx)
	if err != nil {
		return err // it may be back soon
	}
	e.mu.Lock()
	var lacking []string
	for id := range e.open {
		if _, ok := jobs[id]; !ok {
			lacking = append(lacking, id)
		}
	}
	e.mu.Unlock()
	if len(lacking) > 0 {
		o := e.submit
		o.Only = lacking
		_, err = e.c.Submit(ctx, &o)
		if err != nil && !mayPass(err) {
			e.refuse(lacking, err)
			err = nil // told with the stages
		}
	}
	return errors.Join(err, e.c.sync(ctx, e.q, jobs))
}

// refuse makes tasks fail that Slurm will never take.
func (e *executor) refuse(ids []string, why error) {
	for _, id := range ids {
		if o := e.c.outcome(id); o.Result != "" || o.failure() != "" {
			continue
		}
		if err := e.c.note(id, func(o *outcome) { o.Attempts++; o.Error, o.Ended = why.Error(), time.Now() }); err != nil {
			e.c.log.Warn(err.Error())
		}
	}
}

// mayPass reports whether an error of sbatch is one of those that are over after a
// while: a controller that is away, or a limit of the jobs that one may have.
func mayPass(err error) bool {
	text := strings.ToLower(err.Error())
	for _, sign := range []string{"unable to contact", "timed out", "connection refused", "temporarily", "limit", "unexpected message", "communication", "try again"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}
