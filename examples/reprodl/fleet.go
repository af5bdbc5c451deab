package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// These commands, and what they add to the others, are not in dvc: its queue
// has workers on one machine.

// hubOf connects to the hub that serves the repository on this machine, or to the
// one elsewhere that the clone uses; nil if there is none.
func (a *app) hubOf(ctx context.Context, repo *experiment.Repo) (*hub.Conn, error) {
	token, err := hub.Running(repo)
	if err != nil || token != nil {
		if err != nil {
			return nil, err
		}
		return hub.Dial(ctx, token, &hub.DialOptions{Login: hub.EnvLogin(a.getenv)})
	}
	if token, err = hub.Used(repo); err != nil || token == nil {
		return nil, err
	}
	c, err := hub.Dial(ctx, token, &hub.DialOptions{Clone: repo, Login: hub.EnvLogin(a.getenv)})
	if err != nil {
		return nil, &farError{err}
	}
	return c, nil
}

// farError is about a hub elsewhere, without which the commands of a clone that uses
// it make no sense.
type farError struct{ err error }

func (e *farError) Error() string {
	return fmt.Sprintf("the hub that this clone uses ('queue use --none' ends that): %v", e.err)
}
func (e *farError) Unwrap() error { return e.err }

// withHub runs fn with the connection to the hub, which must run.
func (a *app) withHub(ctx context.Context, fn func(*hub.Conn) error) error {
	served := false
	err := a.ifHub(ctx, func(c *hub.Conn) error { served = true; return fn(c) })
	if err == nil && !served {
		err = errors.New("no hub serves this queue; 'queue serve' starts one")
	}
	return err
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

// queueURL is the variable that names the site's NATS servers. It is no key of
// .dvc/config, where DVC refuses what it does not know.
const queueURL = "REPRODL_QUEUE_URL"

// hubMemory is what the hub tries to do with: thousands of workers that join at once
// leave much behind.
const hubMemory = 256 << 20

// memoryLimit is what the hub tries to do with when it needs so much itself, for many
// tasks: with less the collector of garbage would never rest.
func memoryLimit(live uint64) int64 { return max(hubMemory, int64(live+live/2)) }

// memoryPoll is how often the hub looks how much it needs.
const memoryPoll = 5 * time.Second

// boundMemory keeps the program within memoryLimit until ctx ends.
func boundMemory(ctx context.Context) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(memoryPoll)
	defer tick.Stop()
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(live[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
			opts.Logger, opts.Login = a.logger(), hub.EnvLogin(a.getenv)
			if opts.URL == "" {
				opts.URL = a.getenv(queueURL)
			}
			if opts.URL == "" && (opts.Space != "" || opts.Replicas != 0 || opts.DataHere) {
				return errors.New("--space, --replicas and --data-here are for a NATS server of the site's, which --url or " + queueURL + " names")
			}
			if opts.URL != "" && opts.Listen != "" {
				return errors.New("--listen is for the server of the hub's own, and --url names another one")
			}
			if a.getenv("GOGC") == "" {
				debug.SetGCPercent(20) // what there are many of is small and stays
			}
			if a.getenv("GOMEMLIMIT") == "" {
				go boundMemory(cmd.Context())
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
			if token.Secret == "" {
				a.printf("The token has no secret: NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY must let the machine in, and NATS_CA may be needed.\n")
			} else if !token.Expires.IsZero() {
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
	f.StringVar(&opts.URL, "url", "", "use the NATS `servers` there, separated by commas, instead of one of its own; "+queueURL+" if not given")
	f.StringVar(&opts.Space, "space", "", "with --url: `name` of the queue there, instead of one made of the first commit")
	f.IntVar(&opts.Replicas, "replicas", 0, "with --url: `number` of the cluster's servers that keep the queue; 3 if not given")
	f.BoolVar(&opts.DataHere, "data-here", false, "with --url: where there is no DVC remote, let data be on this machine alone")
	f.DurationVar(&opts.Lease, "lease", time.Minute, "how long a worker may be silent before another one gets its task")
	f.IntVar(&opts.Losses, "max-losses", 5, "fail a task that cost that `number` of workers")
	f.DurationVar(&life, "expires", 30*24*time.Hour, "how long the token is good; 0 is for ever")
	return cmd
}

func (a *app) queueJoinCmd() *cobra.Command {
	var opts hub.JoinOptions
	var once, login bool
	cmd := &cobra.Command{
		Use:   "join token",
		Short: "Run experiments for a queue on another machine (not in dvc)",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			token, err := a.readToken(args[0])
			if err != nil {
				return err
			}
			if login {
				line, err := a.readLine()
				if err != nil {
					return fmt.Errorf("a login on standard input: %w", err)
				}
				if line != "" { // else this machine has one, or needs none
					if opts.Login, err = hub.CarriedLogin(line); err != nil {
						return err
					}
				}
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
	f.BoolVar(&login, "login", false, "read a login to the site's NATS servers from standard input, as queue start sends it")
	f.MarkHidden("login")
	return cmd
}
