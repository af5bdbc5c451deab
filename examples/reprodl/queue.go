package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// queueCmd groups the commands; alone it is a usage error, as in dvc.
func (a *app) queueCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "queue",
		Short: "Manage the queue of experiments",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return &exitError{code: exitUsage, err: errors.New("the following arguments are required: cmd")}
		},
	}
	cmd.AddCommand(a.queueStartCmd(), a.queueStopCmd(), a.queueStatusCmd(), a.queueLogsCmd(), a.queueRemoveCmd(), a.queueKillCmd(),
		a.queueRetryCmd(), a.queueWorkerCmd(), a.queueServeCmd(), a.queueJoinCmd(), a.queueTokenCmd(), a.queueUseCmd(), a.queueWorkersCmd(), a.queueSlurmCmd())
	return cmd
}

// queue returns the queue of an open repository: that of the hub, if one serves
// it. A hub of this machine that does not answer is told of, and does without: what it
// knows is in git as well.
func (a *app) queue(ctx context.Context, repo *experiment.Repo) (*queue.Queue, error) {
	o := &queue.Options{Env: a.Env, Logger: a.logger()}
	c, err := a.hubOf(ctx, repo)
	if far := (*farError)(nil); errors.As(err, &far) {
		return nil, err
	}
	if err != nil {
		a.warnf("%v", err)
	}
	if c != nil {
		o.Store = c
		// What others ran for this clone becomes its own.
		if err := c.Collect(ctx); err != nil {
			a.warnf("%v", err)
		}
	}
	q := queue.Open(repo, o)
	// What Slurm has done meanwhile, nobody has told the queue.
	if s := a.cluster(repo); s.Used() {
		if err := s.Sync(ctx, q); err != nil {
			a.warnf("%v", err)
		}
	}
	return q, nil
}

// withQueue opens the queue for one command.
func (a *app) withQueue(ctx context.Context, fn func(*queue.Queue) error) error {
	return a.openQueue(ctx, nil, fn)
}

// withWorkers is withQueue for who works on it in this clone.
func (a *app) withWorkers(ctx context.Context, fn func(*queue.Queue) error) error {
	return a.openQueue(ctx, notElsewhere, fn)
}

// openQueue opens the queue of a repository that check lets pass; nil lets any.
func (a *app) openQueue(ctx context.Context, check func(*experiment.Repo) error, fn func(*queue.Queue) error) error {
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	if check != nil {
		if err := check(repo); err != nil {
			return err
		}
	}
	q, err := a.queue(ctx, repo)
	if err != nil {
		return err
	}
	return fn(q)
}

// notElsewhere refuses to work in a clone whose queue is a hub's on another machine:
// others queue there, too.
func notElsewhere(repo *experiment.Repo) error {
	here, err := hub.Running(repo)
	if err != nil || here != nil {
		return err
	}
	t, err := hub.Used(repo)
	if err == nil && t != nil {
		err = fmt.Errorf("the queue of this clone is served by %s; 'queue join' with a token of that hub makes this machine a worker", strings.Join(t.Addresses, ", "))
	}
	return err
}

// queueStartCmd is dvc queue start: with background workers of this program up to
// the number of jobs.
func (a *app) queueStartCmd() *cobra.Command {
	jobs, cpus := 1, 0
	var far elsewhere
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start the experiments task queue worker",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if far.on != "" {
				if !cmd.Flags().Changed("jobs") {
					jobs = 0
				}
				if cpus > 0 {
					far.need.CPUs = cpus
				}
				return a.startElsewhere(cmd.Context(), &far, jobs)
			}
			return a.withWorkers(cmd.Context(), func(q *queue.Queue) error {
				// The workers are this program, with a hidden command.
				self, err := os.Executable()
				if err != nil {
					return err
				}
				n, err := q.Start(cmd.Context(), jobs, self, "queue", "worker", "--cpus", strconv.Itoa(cpus))
				if err != nil {
					return err
				}
				s := ""
				if n > 1 {
					s = "s"
				}
				a.printf("Started '%d' new experiments task queue worker%s.\n", n, s)
				return nil
			})
		},
	}
	cmd.Flags().IntVarP(&jobs, "jobs", "j", 1, "maximum `number` of concurrent queue workers to start")
	cmd.Flags().IntVar(&cpus, "cpus", 0, "`number` of processors that each experiment is told it has; 0 is all (not in dvc)")
	far.flags(cmd.Flags())
	return cmd
}

// queueWorkerCmd is what queue start starts: worker NUMBER, until nothing was to be
// done for ten seconds.
func (a *app) queueWorkerCmd() *cobra.Command {
	cpus := 0
	cmd := &cobra.Command{
		Use:    "worker number",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil {
				return err
			}
			return a.withWorkers(cmd.Context(), func(q *queue.Queue) error {
				return q.Serve(cmd.Context(), n, &queue.WorkOptions{Idle: 10 * time.Second, CPUs: cpus})
			})
		},
	}
	cmd.Flags().IntVar(&cpus, "cpus", 0, "processors that each experiment is told it has")
	return cmd
}

// queueStopCmd is dvc queue stop; workers end after their task, or with --kill now.
func (a *app) queueStopCmd() *cobra.Command {
	var kill bool
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop all experiments task queue workers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				if err := errors.Join(a.stopSlurm(cmd.Context(), kill), q.Stop(cmd.Context(), &queue.StopOptions{Kill: kill}), a.dismiss(cmd.Context())); err != nil {
					return err
				}
				if kill {
					// The missing blank is DVC's.
					a.printf("All running tasks in the queue have been killed.Queue workers are stopping.\n")
				} else {
					a.printf("Queue workers will stop after running tasks finish.\n")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&kill, "kill", false, "kill all running tasks before stopping the queue workers")
	return cmd
}

// queueStatusCmd is dvc queue status; DVC's own tasks are shown too.
func (a *app) queueStatusCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the status of experiments queue tasks and workers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				tasks, err := q.All(cmd.Context())
				if err != nil {
					return err
				}
				active, idle, err := q.Workers(cmd.Context())
				if err != nil {
					return err
				}
				table := taskTable(tasks)
				if err := a.ifHub(cmd.Context(), func(c *hub.Conn) error {
					workers, err := c.Workers(cmd.Context())
					for _, w := range workers {
						idle += w.Jobs
					}
					idle = max(0, idle-active)
					table = fleetTable(tasks, workers)
					return err
				}); err != nil {
					return err
				}
				if len(tasks) > 0 {
					a.table(table)
				} else {
					a.printf("%s", table)
				}
				a.printf("\nWorker status: %d active, %d idle\n", active, idle)
				return nil
			})
		},
	}
}

// queueLogsCmd is dvc queue logs. The output is copied byte for byte, save to a terminal.
func (a *app) queueLogsCmd() *cobra.Command {
	var follow bool
	var encoding string
	cmd := &cobra.Command{
		Use:   "logs task",
		Short: "Show output logs for running and completed experiment queue tasks",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				return q.Log(cmd.Context(), args[0], a.out.raw(), &queue.LogOptions{Follow: follow})
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "attach to task and follow additional live output")
	cmd.Flags().StringVarP(&encoding, "encoding", "e", "", "accepted for compatibility; logs are bytes")
	return cmd
}

// queueRemoveCmd is dvc queue remove: tasks by name or by state.
func (a *app) queueRemoveCmd() *cobra.Command {
	var f queue.TaskFilter
	var all bool
	cmd := &cobra.Command{
		Use:   "remove [task...]",
		Short: "Remove queued and completed tasks from the queue",
		RunE: func(cmd *cobra.Command, args []string) error {
			flags := all || f.Queued || f.Failed || f.Success
			// Names and flags exclude each other, and one must be given.
			if flags == (len(args) > 0) {
				return errors.New("Either provide an `tasks` argument, or use the `--all`, `--queued`, `--failed`, `--success` flag.")
			}
			f.Names = args
			if all {
				f.Queued, f.Failed, f.Success = true, true, true
			}
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				names, err := q.Remove(cmd.Context(), &f)
				if err != nil {
					return err
				}
				if len(names) > 0 {
					a.printf("Removed tasks in queue: %s\n", strings.Join(names, ", "))
				} else {
					a.printf("No tasks found named %s\n", "["+strings.ReplaceAll(quoted(args), " and ", ", ")+"]")
				}
				return nil
			})
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&all, "all", false, "remove all queued and completed tasks from the queue")
	fl.BoolVar(&f.Queued, "queued", false, "remove all queued tasks from the queue")
	fl.BoolVar(&f.Success, "success", false, "remove all successful tasks from the queue")
	fl.BoolVar(&f.Failed, "failed", false, "remove all failed tasks from the queue")
	return cmd
}

// queueKillCmd is dvc queue kill; no task means all that run.
func (a *app) queueKillCmd() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "kill [task...]",
		Short: "Gracefully interrupt running experiment queue tasks (equivalent to Ctrl-C)",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				if err := a.killSlurm(cmd.Context(), q, args); err != nil {
					return err
				}
				return q.Kill(cmd.Context(), &queue.KillOptions{Force: force}, args...)
			})
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "forcefully and immediately kill running experiment queue tasks")
	return cmd
}

// queueRetryCmd is not in dvc.
func (a *app) queueRetryCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "retry [task...]",
		Short: "Queue failed tasks again (not in dvc)",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(q *queue.Queue) error {
				if err := a.retrySlurm(cmd.Context(), q, args); err != nil {
					return err
				}
				names, err := q.Retry(cmd.Context(), args...)
				for _, n := range names {
					a.printf("Queued experiment '%s' for future execution.\n", n)
				}
				if err == nil && len(names) == 0 {
					err = fmt.Errorf("no failed task to retry")
				}
				return err
			})
		},
	}
}
