package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
)

// elsewhere are the options of queue start that start workers on other machines.
type elsewhere struct {
	on     string
	perJob int
	args   []string
	need   experiment.Resources
}

func (e *elsewhere) flags(f *pflag.FlagSet) {
	f.StringVar(&e.on, "on", "", "start workers `where`: slurm, or ssh:HOST,HOST with a hub (not in dvc)")
	f.IntVar(&e.perJob, "per-job", 1, "with slurm: `number` of experiments that a job runs one after the other (not in dvc)")
	e.stageFlags(f)
}

// stageFlags are those that repro --on has, too.
func (e *elsewhere) stageFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&e.args, "sbatch", nil, "with slurm: a further `option` of sbatch, such as --partition=gpu (not in dvc)")
	needFlag(f, &e.need)
}

// needFlag is one option for all resources, as each of its own would make
// abbreviations of dvc's options ambiguous.
func needFlag(f *pflag.FlagSet, r *experiment.Resources) {
	f.Var(&needValue{r}, "need", "ask for a `resource` instead of what stages do: cpus=N, gpus=N, gpu_type=X, mem=16G, time=2h (not in dvc)")
}

// needValue is an option that is read as in a stage's meta.
type needValue struct{ r *experiment.Resources }

func (v *needValue) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(part, "=")
		if err := v.r.Set(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}
func (v *needValue) String() string { return "" }
func (v *needValue) Type() string   { return "resource" }

// startElsewhere is queue start --on.
func (a *app) startElsewhere(ctx context.Context, e *elsewhere, jobs int) error {
	hosts, ssh := strings.CutPrefix(e.on, "ssh:")
	switch {
	case ssh:
		return a.startSSH(ctx, strings.Split(hosts, ","), max(1, jobs))
	case e.on != "slurm":
		return fmt.Errorf("--on %s: it is slurm, or ssh:HOST,HOST", e.on)
	}
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	n, err := a.cluster(repo).Submit(ctx, &slurm.SubmitOptions{Program: []string{self, "queue", "slurm-task"}, Jobs: jobs, PerJob: e.perJob, Args: e.args, Need: e.need})
	if err != nil {
		return err
	}
	s := "s"
	if n == 1 {
		s = ""
	}
	a.printf("Submitted %d experiment%s to Slurm.\n", n, s)
	return nil
}

func (a *app) cluster(repo *experiment.Repo) *slurm.Cluster {
	return slurm.Open(repo, &slurm.Options{Env: a.Env, Logger: a.logger()})
}

// queueSlurmCmd is what a job runs.
func (a *app) queueSlurmCmd() *cobra.Command {
	return &cobra.Command{
		Use:    "slurm-task batch number",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			return a.cluster(repo).Run(cmd.Context(), args[0], args[1])
		},
	}
}

// withSlurm runs fn if this repository was ever given to Slurm.
func (a *app) withSlurm(fn func(*slurm.Cluster) error) error {
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	c := a.cluster(repo)
	if !c.Used() {
		return nil
	}
	return fn(c)
}

func (a *app) stopSlurm(ctx context.Context, kill bool) error {
	return a.withSlurm(func(c *slurm.Cluster) error { return c.Stop(ctx, kill) })
}

func (a *app) killSlurm(ctx context.Context, q *queue.Queue, names []string) error {
	return a.withSlurm(func(c *slurm.Cluster) error {
		tasks, err := q.Named(ctx, queue.Running, names...)
		if err != nil && !errors.Is(err, experiment.ErrNotFound) {
			return err // of names that mean none the queue tells
		}
		return c.Kill(ctx, taskIDs(tasks)...)
	})
}

func (a *app) retrySlurm(ctx context.Context, q *queue.Queue, names []string) error {
	return a.withSlurm(func(c *slurm.Cluster) error {
		tasks, err := q.Named(ctx, queue.Failed, names...)
		if err != nil {
			return err
		}
		return c.Retry(taskIDs(tasks)...)
	})
}

func taskIDs(tasks []queue.Task) (ids []string) {
	for i := range tasks {
		ids = append(ids, tasks[i].ID)
	}
	return ids
}

var errNoSSH = errors.New("--on ssh needs a hub that the machines can reach: start one with 'queue serve --listen 0.0.0.0'")
