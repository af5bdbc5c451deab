package slurm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Options change how a Cluster is reached. Nil means the zero Options.
type Options struct {
	Env    []string     // of Slurm's commands and of jobs; nil is os.Environ()
	Logger *slog.Logger // receives warnings; nil discards them
}

// Cluster runs the marked experiments of a repository as jobs.
type Cluster struct {
	repo *experiment.Repo
	env  []string
	log  *slog.Logger
}

// Open returns the cluster that this machine belongs to.
func Open(repo *experiment.Repo, opts *Options) *Cluster {
	c := &Cluster{repo: repo, env: os.Environ(), log: slog.New(slog.DiscardHandler)}
	if opts != nil && opts.Env != nil {
		c.env = opts.Env
	}
	if opts != nil && opts.Logger != nil {
		c.log = opts.Logger
	}
	return c
}

// path is a file of this package.
func (c *Cluster) path(elem ...string) string {
	return filepath.Join(append([]string{c.repo.Root(), ".dvc", "tmp", "exps", "reprodl", "slurm"}, elem...)...)
}

// Used reports whether tasks of this repository were ever given to Slurm.
func (c *Cluster) Used() bool { _, err := os.Stat(c.path()); return err == nil }

// look finds a program in the PATH of the environment that was given.
func (c *Cluster) look(name string) string {
	for _, kv := range slices.Backward(c.env) {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
		return ""
	}
	return ""
}

// prefix begins the names of our jobs: one for each repository.
func (c *Cluster) prefix() string {
	sum := sha256.Sum256([]byte(c.repo.Root()))
	return "reprodl-" + hex.EncodeToString(sum[:4]) + "-"
}

// batch is the tasks of an array: each element has PerJob of them.
type batch struct {
	Tasks  []string
	PerJob int
}

func (b *batch) of(index int) []string {
	from := min(index*b.PerJob, len(b.Tasks))
	return b.Tasks[from:min(from+b.PerJob, len(b.Tasks))]
}

func (c *Cluster) readBatch(name string) (*batch, error) {
	if name != filepath.Base(name) {
		return nil, fmt.Errorf("%q is not the name of a batch", name)
	}
	b := new(batch)
	data, err := os.ReadFile(c.path("batch", name+".json"))
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	b.PerJob = max(1, b.PerJob)
	return b, err
}

// SubmitOptions say how tasks become jobs. Program must be set.
type SubmitOptions struct {
	// Program is what a job runs, with the batch and the number of the job
	// appended: a command line that ends in [Cluster.Run].
	Program []string
	Jobs    int      // of an array that run at a time; 0 leaves it to Slurm
	PerJob  int      // tasks that a job runs one after the other; 0 is one
	Args    []string // further options of sbatch, as "--partition=gpu"
	// Need replaces what the tasks ask for, where it is not zero.
	Need experiment.Resources
	// Only are the ids of the tasks that are meant; nil means all but the stages
	// of a pipeline that somebody waits for (see [Cluster.Executor]).
	Only []string
}

// means reports whether a task is one of those to be submitted.
func (o *SubmitOptions) means(p *experiment.Plan) bool {
	if o.Only == nil {
		return p.Options.Stage == nil
	}
	return slices.Contains(o.Only, p.ID)
}

// Submit gives the marked tasks to Slurm that it does not have and that have not
// failed, as few arrays as there are different needs. It returns how many it
// gave; what a limit of the site refused stays marked, for the next call, and is
// told as an error only if it is all.
func (c *Cluster) Submit(ctx context.Context, opts *SubmitOptions) (n int, err error) {
	if opts == nil || len(opts.Program) == 0 {
		return 0, fmt.Errorf("a job needs a program")
	}
	if err := os.MkdirAll(c.path("batch"), 0o777); err != nil {
		return 0, err
	}
	// The jobs are asked for first: a task that ends in between has no mark any
	// more, while one whose mark was read first would be run again.
	known, err := c.settled(ctx)
	if err != nil {
		return 0, err
	}
	plans, err := c.repo.Plans(ctx)
	if err != nil {
		return 0, err
	}
	var needs []experiment.Resources
	open := map[experiment.Resources][]string{}
	for _, p := range plans {
		o := c.outcome(p.ID)
		if _, ok := known[p.ID]; ok || o.failure() != "" || !opts.means(&p) {
			continue
		}
		need := p.Options.Resources.Or(opts.Need)
		if open[need] == nil {
			needs = append(needs, need)
		}
		open[need] = append(open[need], p.ID)
	}
	limit := c.maxArray(ctx)
	for _, need := range needs {
		done, err := c.submit(ctx, open[need], need, limit, opts)
		if n += done; err != nil {
			if n == 0 {
				return 0, err
			}
			c.log.Warn(fmt.Sprintf("%v; the rest waits for the next start", err))
			return n, nil
		}
	}
	return n, nil
}

// submit makes arrays of tasks with one need. Where Slurm refuses a large one,
// because of a limit that nobody can ask for, smaller ones are tried.
func (c *Cluster) submit(ctx context.Context, ids []string, need experiment.Resources, limit int, opts *SubmitOptions) (done int, err error) {
	per := max(1, opts.PerJob)
	size := limit * per
	for len(ids) > 0 {
		some := ids[:min(size, len(ids))]
		if err := c.array(ctx, some, need, opts); err != nil {
			if len(some) <= per || ctx.Err() != nil {
				return done, err
			}
			size = max(per, len(some)/2/per*per)
			continue
		}
		done += len(some)
		ids = ids[len(some):]
	}
	return done, nil
}

// array submits one.
func (c *Cluster) array(ctx context.Context, ids []string, need experiment.Resources, opts *SubmitOptions) error {
	b := &batch{Tasks: ids, PerJob: max(1, opts.PerJob)}
	name := strings.ToLower(rand.Text())[:10]
	data, err := json.Marshal(b)
	if err != nil {
		return err
	}
	// Before the job that needs it.
	file := c.path("batch", name+".json")
	if err := atomicfile.WriteFile(file, data, &atomicfile.Options{Sync: true}); err != nil {
		return err
	}
	elements := (len(ids) + b.PerJob - 1) / b.PerJob
	array := fmt.Sprintf("--array=0-%d", elements-1)
	if opts.Jobs > 0 {
		array += fmt.Sprintf("%%%d", opts.Jobs)
	}
	args := []string{"--parsable", array, "--job-name=" + c.prefix() + name, "--requeue", "--open-mode=append",
		"--output=" + c.path("job-%A_%a.out"), "--chdir=" + c.repo.Root()}
	args = append(append(args, options(need, b.PerJob)...), opts.Args...)
	var script strings.Builder
	script.WriteString("#!/bin/sh\nexec")
	for _, word := range append(slices.Clone(opts.Program), name) {
		script.WriteString(" '" + strings.ReplaceAll(word, "'", `'\''`) + "'")
	}
	script.WriteString(" \"$SLURM_ARRAY_TASK_ID\"\n")
	if _, err := c.command(ctx, script.String(), "sbatch", args...); err != nil {
		os.Remove(file)
		return err
	}
	return nil
}

// options are what sbatch calls the resources. Several tasks in a job take as
// long as all of them.
func options(r experiment.Resources, perJob int) []string {
	var args []string
	if r.CPUs > 0 {
		args = append(args, "--cpus-per-task="+strconv.Itoa(r.CPUs))
	}
	switch {
	case r.GPUs > 0 && r.GPUType != "":
		args = append(args, fmt.Sprintf("--gres=gpu:%s:%d", r.GPUType, r.GPUs))
	case r.GPUs > 0:
		args = append(args, fmt.Sprintf("--gres=gpu:%d", r.GPUs))
	}
	if r.Mem > 0 {
		args = append(args, fmt.Sprintf("--mem=%dM", (r.Mem+1<<20-1)>>20))
	}
	if r.Time > 0 {
		args = append(args, fmt.Sprintf("--time=%d", int((r.Time*time.Duration(perJob)+time.Minute-1)/time.Minute)))
	}
	return args
}

// Stop cancels the jobs that wait, and with force those that run too.
func (c *Cluster) Stop(ctx context.Context, force bool) error {
	jobs, err := c.live(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, j := range jobs {
		if force || j.State == "PENDING" {
			ids = append(ids, j.ID)
		}
	}
	if force {
		tasks, err := c.byTask(ctx)
		if err != nil {
			return err
		}
		for id, j := range tasks {
			if j.State != "PENDING" {
				c.note(id, func(o *outcome) { o.Kill = true })
			}
		}
	}
	return c.cancel(ctx, ids)
}

// cancel ends jobs, some hundred at a time: a command line is finite.
func (c *Cluster) cancel(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, 500) {
		if _, err := c.command(ctx, "", "scancel", part...); err != nil {
			return err
		}
	}
	return nil
}

// Kill ends the jobs of running tasks, by their ids, which then count as failed.
func (c *Cluster) Kill(ctx context.Context, ids ...string) error {
	tasks, err := c.byTask(ctx)
	if err != nil {
		return err
	}
	var jobs []string
	for _, id := range ids {
		if j, ok := tasks[id]; ok {
			if err := c.note(id, func(o *outcome) { o.Kill = true }); err != nil {
				return err
			}
			jobs = append(jobs, j.ID)
		}
	}
	return c.cancel(ctx, jobs)
}
