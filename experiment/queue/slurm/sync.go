package slurm

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// Sync tells a queue what has become of the tasks that Slurm was given, so that
// all that looks at the queue sees it.
func (c *Cluster) Sync(ctx context.Context, q *queue.Queue) error {
	jobs, err := c.byTask(ctx)
	if err != nil {
		return err
	}
	return c.sync(ctx, q, jobs)
}

func (c *Cluster) sync(ctx context.Context, q *queue.Queue, jobs map[string]job) error {
	tasks, err := q.Tasks(ctx)
	if err != nil {
		return err
	}
	var changed []queue.Task
	for _, t := range tasks {
		if t.State == queue.Success {
			continue
		}
		now := t
		if c.see(ctx, &now, jobs) {
			changed = append(changed, now)
		}
	}
	if err := q.Adopt(ctx, changed...); err != nil {
		return err
	}
	return c.forget(ctx, q, jobs)
}

// forget deletes the files of outcomes that were told: of tasks that succeeded, or that
// nobody has any more. Those of failures stay, lest Submit tries the tasks again.
func (c *Cluster) forget(ctx context.Context, q *queue.Queue, jobs map[string]job) error {
	files, err := filepath.Glob(c.path("task", "*.json"))
	if err != nil || len(files) == 0 {
		return err
	}
	marks, err := c.repo.PlanIDs(ctx)
	if err != nil {
		return err
	}
	tasks, err := q.Tasks(ctx, queue.Queued, queue.Running, queue.Failed)
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for id := range jobs {
		needed[id] = true
	}
	for _, id := range marks {
		needed[id] = true
	}
	for i := range tasks {
		needed[tasks[i].ID] = true
	}
	for _, name := range files {
		if !needed[strings.TrimSuffix(filepath.Base(name), ".json")] {
			os.Remove(name)
		}
	}
	return nil
}

// slurmHost stands for the machine in the lease of a task that Slurm runs.
const slurmHost = "slurm"

// see fills in what is known of a task; false is nothing.
func (c *Cluster) see(ctx context.Context, t *queue.Task, jobs map[string]job) bool {
	o := c.outcome(t.ID)
	j, live := jobs[t.ID]
	if !live && o.Attempts == 0 && t.Lease.Host != slurmHost {
		return false
	}
	t.Attempts, t.Error = max(t.Attempts, o.Attempts), o.Error
	if !live && o.Host != "" && !strings.HasPrefix(t.Lease.Worker, o.Job) { // it was never seen to run
		t.Lease.Worker, t.Lease.Host = o.Job+" on "+o.Host, slurmHost
	}
	switch {
	case o.Result != "":
		t.State, t.Result, t.Ended = queue.Success, o.Result, o.Ended
	case o.Error != "" || o.Kill && !live:
		t.State, t.Error, t.Ended = queue.Failed, o.failure(), o.Ended
	case live && j.State != "PENDING" && o.Running:
		t.State = queue.Running
		t.Lease = queue.Lease{Token: "slurm " + j.ID, Worker: j.ID + " on " + j.Node, Host: slurmHost, Expires: time.Now().Add(24 * time.Hour)}
	case live:
		t.State, t.Error = queue.Queued, "Slurm: "+j.Reason
	default:
		// It may have been killed after its result was recorded, and before it could
		// say so.
		if e, err := c.repo.Recorded(ctx, &t.Plan); err == nil {
			t.State, t.Result, t.Error, t.Ended = queue.Success, e.Rev, "", e.Time
			break
		}
		t.State = queue.Queued
		t.Error = "its job is gone without a result; the next 'queue start --on slurm' runs it again"
	}
	return true
}

// Retry forgets the failures of tasks, so that Submit takes them again.
func (c *Cluster) Retry(ids ...string) error {
	for _, id := range ids {
		if c.outcome(id).Attempts == 0 {
			continue
		}
		if err := c.note(id, func(o *outcome) { *o = outcome{} }); err != nil {
			return err
		}
	}
	return nil
}
