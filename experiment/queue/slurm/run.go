package slurm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

// outcome is the file of a task: what came of its attempts.
type outcome struct {
	Attempts int
	Losses   int // of them, those that ended without a word
	Running  bool
	Job      string
	Host     string
	Kill     bool // somebody asked for its end
	Result   string
	Error    string
	Ended    time.Time `json:",omitzero"`
}

// failure is why a task that no job has will not be tried again; "" if it will.
func (o *outcome) failure() string {
	if o.Error == "" && o.Kill {
		return errKilled // at once, so that it could not say so
	}
	return o.Error
}

const errKilled = "killed by the user"

// maxLosses is how often a task may end without an outcome: by a kill that
// nobody asked for, as that of a kernel out of memory. When Slurm takes a node
// back, it tells the job, which notes that: a task may be preempted for ever.
const maxLosses = 5

func (c *Cluster) outcomeFile(id string) string { return c.path("task", id+".json") }

// outcome is zero if nobody has tried.
func (c *Cluster) outcome(id string) (o outcome) {
	data, err := os.ReadFile(c.outcomeFile(id))
	if err == nil {
		err = json.Unmarshal(data, &o)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.log.Warn(fmt.Sprintf("%s: %v", c.outcomeFile(id), err))
	}
	return o
}

// note changes the file of a task, in one step.
func (c *Cluster) note(id string, change func(*outcome)) error {
	o := c.outcome(id)
	change(&o)
	data, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.path("task"), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(c.outcomeFile(id), data, &atomicfile.Options{Sync: true})
}

// Run is what a job does: it runs the tasks of one element of an array, one
// after the other. A task that fails does not end the others. When ctx ends,
// because Slurm wants the node back, the task under way stays to be done.
func (c *Cluster) Run(ctx context.Context, name, index string) error {
	b, err := c.readBatch(name)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is not the number of a job", index)
	}
	plans, err := c.repo.Plans(ctx)
	if err != nil {
		return err
	}
	for _, id := range b.of(n) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Without a mark it is done, or was removed.
		i := slices.IndexFunc(plans, func(p experiment.Plan) bool { return p.ID == id })
		if o := c.outcome(id); i < 0 || o.failure() != "" {
			continue
		}
		if err := c.execute(ctx, &plans[i]); err != nil {
			return err
		}
	}
	return nil
}

// execute runs one task and notes the outcome.
func (c *Cluster) execute(ctx context.Context, p *experiment.Plan) error {
	losses := 0
	err := c.note(p.ID, func(o *outcome) {
		if losses = o.Losses; o.Running {
			losses++
		}
		if losses >= maxLosses {
			o.Error, o.Running, o.Ended = fmt.Sprintf("it ended %d times without a result, the last one on %s", losses, o.Host), false, time.Now()
			return
		}
		*o = outcome{Attempts: o.Attempts + 1, Losses: losses, Running: true, Job: c.job(), Host: c.host()}
	})
	if err != nil || losses >= maxLosses {
		return err
	}
	log := filepath.Join(filepath.Dir(c.path()), "logs", p.ID+".log")
	if err := os.MkdirAll(filepath.Dir(log), 0o777); err != nil {
		return err
	}
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	defer out.Close()
	cpus, _ := strconv.Atoi(c.getenv("SLURM_CPUS_PER_TASK"))
	e, err := c.repo.Execute(ctx, p, &experiment.ExecuteOptions{Stdout: out, Stderr: out, Logger: queue.LineLogger(out), Env: queue.Env(experiment.Resources{CPUs: cpus})})
	if err != nil {
		fmt.Fprintln(out, "ERROR: "+err.Error())
	}
	return c.note(p.ID, func(o *outcome) {
		o.Running, o.Ended = false, time.Now()
		switch {
		case err == nil:
			o.Result = e.Rev
		case ctx.Err() == nil:
			o.Error = err.Error()
		case o.Kill:
			o.Error = errKilled
		case c.timeIsUp():
			o.Error = "it reached the time limit of its job"
		}
	})
}

// timeIsUp reports whether Slurm ends the job because of its time limit.
func (c *Cluster) timeIsUp() bool {
	end, err := strconv.ParseInt(c.getenv("SLURM_JOB_END_TIME"), 10, 64)
	return err == nil && time.Until(time.Unix(end, 0)) < 10*time.Second
}

// job is what squeue calls the job that this is.
func (c *Cluster) job() string {
	if array := c.getenv("SLURM_ARRAY_JOB_ID"); array != "" {
		return array + "_" + c.getenv("SLURM_ARRAY_TASK_ID")
	}
	return c.getenv("SLURM_JOB_ID")
}

// host is the node that this is, as Slurm calls it.
func (c *Cluster) host() string {
	name, _ := os.Hostname()
	return cmp.Or(c.getenv("SLURMD_NODENAME"), name)
}

func (c *Cluster) getenv(name string) string {
	for _, kv := range slices.Backward(c.env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}
