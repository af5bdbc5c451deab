package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
	"github.com/reprodl/reprodl/pipeline"
)

// manyStages is how many stages repro --on hands in at a time if -j does not say.
const manyStages = 100

// stagesElsewhere is repro --on: it sets what runs the stages. done ends what was
// begun for it.
func (a *app) stagesElsewhere(ctx context.Context, e *elsewhere, o *pipeline.ReproOptions) (done func(), err error) {
	hosts, ssh := strings.CutPrefix(e.on, "ssh:")
	if !ssh && e.on != "hub" && e.on != "slurm" {
		return nil, fmt.Errorf("--on %s: it is hub, slurm, or ssh:HOST,HOST", e.on)
	}
	if len(e.args) > 0 && e.on != "slurm" {
		return nil, fmt.Errorf("--sbatch is for --on slurm")
	}
	repo, err := a.openExp()
	if err != nil {
		return nil, err
	}
	if e.on == "slurm" {
		err = a.stagesOnSlurm(repo, e, o)
		return func() { repo.Close() }, err
	}
	if ssh {
		list := strings.Split(hosts, ",")
		each := 1
		if o.Jobs != manyStages {
			each = (o.Jobs + len(list) - 1) / len(list)
		}
		if err := a.startSSH(ctx, list, each); err != nil {
			repo.Close()
			return nil, err
		}
	}
	conn, err := a.stagesOnHub(ctx, repo, e, o)
	if err != nil {
		repo.Close()
		return nil, err
	}
	return func() { conn.Close(); repo.Close() }, nil
}

func (a *app) stagesOnHub(ctx context.Context, repo *experiment.Repo, e *elsewhere, o *pipeline.ReproOptions) (*hub.Conn, error) {
	c, err := a.hubOf(ctx, repo)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("--on hub needs one that serves this repository: start it with 'queue serve'")
	}
	if used, err := hub.Used(repo); err == nil && used != nil && c.Info().Data {
		if own, err := hub.Running(repo); err == nil && own == nil {
			c.Close()
			return nil, errors.New("--on hub from another clone than the hub's needs a DVC remote that both reach, and the hub's repository has none: configure one in .dvc/config there")
		}
	}
	workers, err := c.Workers(ctx)
	if err != nil {
		c.Close()
		return nil, err
	}
	if len(workers) == 0 {
		a.warnf("no worker has joined the hub yet: the stages wait for one")
	}
	q := queue.Open(repo, &queue.Options{Env: a.Env, Logger: a.logger(), Store: c})
	o.Executor = q.Executor(&queue.ExecutorOptions{Need: e.need})
	return c, nil
}

func (a *app) stagesOnSlurm(repo *experiment.Repo, e *elsewhere, o *pipeline.ReproOptions) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	q := queue.Open(repo, &queue.Options{Env: a.Env, Logger: a.logger()})
	submit := &slurm.SubmitOptions{Program: []string{self, "queue", "slurm-task"}, Args: e.args}
	o.Executor = a.cluster(repo).Executor(q, submit, &queue.ExecutorOptions{Need: e.need})
	return nil
}
