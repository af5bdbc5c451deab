package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// These commands, and what they add to the others, are not in dvc: its queue
// has workers on one machine.

// hubOf connects to the hub that serves the repository on this machine; nil if
// there is none.
func (a *app) hubOf(ctx context.Context, repo *experiment.Repo) (*hub.Conn, error) {
	token, err := hub.Running(repo)
	if err != nil || token == nil {
		return nil, err
	}
	return hub.Dial(ctx, token, nil)
}

// withHub runs fn with the connection to the hub, which must run.
func (a *app) withHub(ctx context.Context, fn func(*hub.Conn) error) error {
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	c, err := a.hubOf(ctx, repo)
	if err != nil {
		return err
	}
	if c == nil {
		return errors.New("no hub serves this queue; 'queue serve' starts one")
	}
	defer c.Close()
	return fn(c)
}

// ifHub runs fn if a hub serves the queue.
func (a *app) ifHub(ctx context.Context, fn func(*hub.Conn) error) error {
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	c, err := a.hubOf(ctx, repo)
	if err != nil || c == nil {
		return err
	}
	defer c.Close()
	return fn(c)
}

// dismiss makes the workers on other machines end after their tasks.
func (a *app) dismiss(ctx context.Context) error {
	return a.ifHub(ctx, func(c *hub.Conn) error { return c.Dismiss(ctx) })
}

func (a *app) queueServeCmd() *cobra.Command {
	var opts hub.Options
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the queue to workers on other machines (not in dvc)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			opts.Logger = a.logger()
			if a.getenv("GOGC") == "" {
				debug.SetGCPercent(20) // what there are many of is small and stays
			}
			h, err := hub.Serve(cmd.Context(), repo, &opts)
			if err != nil {
				return err
			}
			defer h.Close()
			token, err := h.Token(hub.Worker, life)
			if err != nil {
				return err
			}
			a.printf("Serving the queue at %s. On each machine that shall work run:\n\n\treprodl queue join %s\n\n", strings.Join(token.Addresses, ", "), token)
			if !token.Expires.IsZero() {
				a.printf("The token is good until %s; 'reprodl queue token --revoke %s' ends it.\n", token.Expires.Local().Format(time.DateTime), token.ID)
			}
			<-h.Done()
			if cmd.Context().Err() != nil {
				return nil // asked to end
			}
			return h.Err()
		},
	}
	f := cmd.Flags()
	f.StringVar(&opts.Listen, "listen", "", "listen at `host:port` instead of 127.0.0.1 alone; the port is kept")
	f.DurationVar(&opts.Lease, "lease", time.Minute, "how long a worker may be silent before another one gets its task")
	f.IntVar(&opts.Losses, "max-losses", 5, "fail a task that cost that `number` of workers")
	f.DurationVar(&life, "expires", 30*24*time.Hour, "how long the token is good; 0 is for ever")
	return cmd
}

func (a *app) queueJoinCmd() *cobra.Command {
	var opts hub.JoinOptions
	var once bool
	cmd := &cobra.Command{
		Use:   "join token",
		Short: "Run experiments for a queue on another machine (not in dvc)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text := args[0]
			if text == "-" {
				// Others see a command's arguments, but not its input.
				line, err := bufio.NewReader(a.Stdin).ReadString('\n')
				if text = line; err != nil && line == "" {
					return fmt.Errorf("a token on standard input: %w", err)
				}
			}
			token, err := hub.ParseToken(text)
			if err != nil {
				return err
			}
			opts.Env, opts.Logger = a.Env, a.logger()
			if opts.Dir != "" {
				opts.Dir = a.path(opts.Dir)
			}
			if once {
				opts.Idle = -1
			}
			return hub.Join(cmd.Context(), token, &opts)
		},
	}
	f := cmd.Flags()
	f.IntVarP(&opts.Jobs, "jobs", "j", 1, "`number` of experiments that run at a time")
	f.StringVar(&opts.Dir, "dir", "", "keep clone and cache in `directory` instead of the user's cache")
	f.StringVar(&opts.Name, "name", "", "`name` shown in lists instead of the machine's")
	f.DurationVar(&opts.Idle, "idle", 0, "end when there was nothing to do for that long; 0 never does")
	f.BoolVar(&once, "once", false, "end as soon as there is nothing to do")
	return cmd
}

func (a *app) queueTokenCmd() *cobra.Command {
	var list, client bool
	var revoke []string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens of the queue (not in dvc)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			switch {
			case len(revoke) > 0:
				return hub.Revoke(repo, revoke...)
			case list:
				return a.listTokens(repo)
			}
			role := hub.Worker
			if client {
				role = hub.Client
			}
			token, err := hub.NewToken(repo, role, life)
			if err == nil {
				a.printf("%s\n", token)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&client, "client", false, "make one that may queue and see everything, and so run code on the workers")
	f.BoolVar(&list, "list", false, "list the tokens, without their secrets")
	f.StringArrayVar(&revoke, "revoke", nil, "revoke the token of this `id`; all is every token")
	f.DurationVar(&life, "expires", 30*24*time.Hour, "how long the token is good; 0 is for ever")
	return cmd
}

func (a *app) listTokens(repo *experiment.Repo) error {
	keys, err := hub.Keys(repo)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, k := range keys {
		until := "-"
		switch {
		case k.Revoked:
			until = "revoked"
		case !k.Expires.IsZero() && time.Now().After(k.Expires):
			until = "expired"
		case !k.Expires.IsZero():
			until = k.Expires.Local().Format(time.DateTime)
		}
		rows = append(rows, []string{k.ID, string(k.Role), k.Made.Local().Format(time.DateTime), until})
	}
	a.printf("%s", plainTable([]string{"Token", "For", "Made", "Good until"}, rows))
	return nil
}

func (a *app) queueWorkersCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "workers",
		Short: "Show the workers on other machines (not in dvc)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withHub(cmd.Context(), func(c *hub.Conn) error {
				workers, err := c.Workers(cmd.Context())
				if err != nil {
					return err
				}
				tasks, err := c.List(cmd.Context(), queue.Running)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, w := range workers {
					var runs []string
					for _, t := range tasks {
						if t.Lease.Worker == w.Name || strings.HasPrefix(t.Lease.Worker, w.Name+"/") {
							runs = append(runs, t.Name)
						}
					}
					rows = append(rows, []string{w.Name, w.Host, w.OS, fmt.Sprint(w.Jobs), w.Offer.String(), cmp.Or(strings.Join(runs, ", "), "idle")})
				}
				a.printf("%s", plainTable([]string{"Worker", "Host", "System", "Jobs", "Each", "Runs"}, rows))
				return nil
			})
		},
	}
}

// fleetTable is the table of tasks with who runs them, at which attempt, and
// why those that wait do.
func fleetTable(tasks []queue.Task, workers []hub.WorkerInfo) string {
	if len(tasks) == 0 {
		return taskTable(tasks)
	}
	headers, rows := taskRows(tasks)
	for i := range rows {
		t := rows[i].task
		worker := ""
		if t.State != queue.Queued {
			worker = t.Lease.Worker
			if t.Lease.Host != "" && t.Lease.Host != worker {
				worker += "@" + t.Lease.Host
			}
		}
		rows[i].cells = append(rows[i].cells, worker, fmt.Sprint(t.Attempts), whyWaits(t, workers))
	}
	return plainTable(append(headers, "Worker", "Attempt", "Why"), cells(rows))
}

// whyWaits is what a task waits for, or why it failed.
func whyWaits(t *queue.Task, workers []hub.WorkerInfo) string {
	why := ""
	switch {
	case t.State == queue.Failed || t.State == queue.Queued && t.Error != "":
		why, _, _ = strings.Cut(t.Error, "\n")
	case t.State != queue.Queued:
	case len(workers) == 0:
		why = "no worker"
	default:
		for _, w := range workers {
			lacks := t.Options.Resources.Lacks(w.Offer)
			switch {
			case lacks != "":
				why = "no worker offers " + lacks
			case t.Options.Build != "" && t.Options.Build != w.Build:
				why = "no worker is of the build that queued it"
			default:
				return "all workers are busy"
			}
		}
	}
	return why
}
