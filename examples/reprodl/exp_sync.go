package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/pipeline/data"
)

// syncFlags are the options that exp push and exp pull share.
type syncFlags struct {
	opts    experiment.SyncOptions
	data    experiment.DataOptions
	noCache bool
}

func (s *syncFlags) add(cmd *cobra.Command, verb string) {
	selection(cmd, &s.opts.Selection, verb)
	f := cmd.Flags()
	f.BoolVarP(&s.opts.Force, "force", "f", false, "replace experiments of the other side")
	f.BoolVar(&s.noCache, "no-cache", false, "do not transfer cached outputs")
	f.StringVarP(&s.data.Remote, "remote", "r", "", "`name` of the DVC remote for cached outputs")
	f.IntVarP(&s.data.Jobs, "jobs", "j", 0, "`number` of jobs to run simultaneously")
	f.BoolVar(&s.data.RunCache, "run-cache", false, "transfer the run history of all stages too")
	f.Bool("no-run-cache", false, "don't transfer the run history")
}

// expPushCmd is dvc exp push: references first, then data. If the data fails, the
// references stay pushed, and the outcome is told before the error.
func (a *app) expPushCmd() *cobra.Command {
	var s syncFlags
	cmd := &cobra.Command{
		Use:   "push git_remote [experiment...]",
		Short: "Push a local experiment to a git remote",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			s.opts.Names = args[1:]
			done, exps, err := repo.PushRefs(cmd.Context(), args[0], &s.opts)
			if err != nil {
				return err
			}
			uploaded := 0
			if !s.noCache {
				end := a.startData(&s.data)
				uploaded, err = repo.PushData(cmd.Context(), exps, &s.data)
				end()
			}
			a.tellPush(done, args[0], uploaded)
			if err != nil {
				return &exitError{exitOther, fmt.Errorf("failed to push cache: %w", err)}
			}
			if s.noCache {
				// The missing blank is DVC's.
				a.printf("To push cached outputs for this experiment to DVC remote storage,re-run this command without '--no-cache'.\n")
			}
			return nil
		},
	}
	s.add(cmd, "Push")
	return cmd
}

// startData is startTransfer for the data of experiments.
func (a *app) startData(opts *experiment.DataOptions) (end func()) {
	var t data.TransferOptions
	end = a.startTransfer(&t)
	opts.Progress, opts.Ask = t.Progress, t.Ask
	return end
}

// tellPush prints the outcome as dvc does; what diverged goes to stderr.
func (a *app) tellPush(s *experiment.Sync, remote string, uploaded int) {
	if len(s.Diverged) > 0 {
		fmt.Fprintf(a.Stderr, "Local experiment %s has diverged from remote experiment with the same name.\nTo override the remote experiment re-run with '--force'.\n", and(s.Diverged))
	}
	if n := len(s.UpToDate); n > 0 {
		verb := "is"
		if n > 1 {
			verb = "are"
		}
		a.printf("Experiment %s %s up to date on Git remote '%s'.\n", and(s.UpToDate), verb, remote)
	}
	if len(s.Done) > 0 {
		a.printf("Pushed experiment %s to Git remote '%s'.\n", and(s.Done), remote)
	}
	if len(s.Done)+len(s.UpToDate) == 0 {
		a.printf("No experiments to push.\n")
	}
	switch {
	case uploaded == 1:
		a.printf("1 file uploaded\n")
	case uploaded > 1:
		a.printf("%d files uploaded\n", uploaded)
	}
}

// and joins names as dvc does: a, b and c.
func and(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// expPullCmd is dvc exp pull. A list of names is printed as Python prints one.
func (a *app) expPullCmd() *cobra.Command {
	var s syncFlags
	cmd := &cobra.Command{
		Use:   "pull git_remote [experiment...]",
		Short: "Pull an experiment from a git remote",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			s.opts.Names = args[1:]
			done, exps, err := repo.PullRefs(cmd.Context(), args[0], &s.opts)
			if err != nil {
				return err
			}
			if len(done.Diverged) > 0 {
				a.warnf("Local experiment '[%s]' has diverged from remote experiment with the same name. To override the local experiment re-run with '--force'.", strings.ReplaceAll(quoted(done.Diverged), " and ", ", "))
			}
			if !s.noCache {
				end := a.startData(&s.data)
				err := repo.FetchData(cmd.Context(), exps, &s.data)
				end()
				if err != nil {
					return err
				}
			}
			if len(done.Done) > 0 {
				a.printf("Pulled experiment '[%s]' from Git remote '%s'.\n", strings.ReplaceAll(quoted(done.Done), " and ", ", "), args[0])
			} else {
				a.printf("No experiments to pull.\n")
			}
			if s.noCache {
				// The missing blanks are DVC's.
				a.printf("To pull cached outputs for this experimentfrom DVC remote storage,re-run this command without '--no-cache'.\n")
			}
			return nil
		},
	}
	s.add(cmd, "Pull")
	return cmd
}

func (a *app) clean(ctx context.Context, repo *experiment.Repo) error {
	q, err := a.queue(ctx, repo)
	if err != nil {
		return err
	}
	return errors.Join(repo.Clean(ctx), q.Clean(ctx))
}

// expCleanCmd is dvc exp clean, with DVC's words for what is no dvc-task here.
func (a *app) expCleanCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Clean up temporary internal files of experiments",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			a.printf("Cleaning up dvc-task messages...\n")
			if err := a.clean(cmd.Context(), repo); err != nil {
				return err
			}
			a.printf("Done!\n")
			return nil
		},
	}
}
