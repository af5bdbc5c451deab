package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// expCmd groups the commands; alone it is a usage error, as in dvc.
func (a *app) expCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "exp",
		Aliases: []string{"experiments"},
		Short:   "Run and compare experiments",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return &exitError{code: exitUsage, err: fmt.Errorf("the following arguments are required: cmd")}
		},
	}
	cmd.AddCommand(a.expShowCmd(), a.expDiffCmd(), a.expListCmd(), a.expRemoveCmd(), a.expRenameCmd(), a.expBranchCmd(),
		a.expRunCmd(), a.expSaveCmd(), a.expApplyCmd(), a.expPushCmd(), a.expPullCmd(), a.expCleanCmd())
	return cmd
}

// openExp opens the experiments of the repository around the working directory.
func (a *app) openExp() (*experiment.Repo, error) {
	if err := a.checkConfig(); err != nil {
		return nil, err
	}
	return experiment.Open(a.Dir, &experiment.Options{
		Stdin: a.Stdin, Stdout: a.Stdout, Stderr: a.Stderr, Env: a.Env, Logger: a.logger(),
	})
}

// selection adds the options that choose baselines.
func selection(cmd *cobra.Command, s *experiment.Selection, verb string) {
	f := cmd.Flags()
	f.BoolVarP(&s.All, "all-commits", "A", false, verb+" all experiments in the repository (overrides --rev and --num)")
	f.StringArrayVar(&s.Revs, "rev", nil, verb+" experiments derived from `commit` as baseline")
	f.IntVarP(&s.Num, "num", "n", 1, verb+" experiments from the last `num` commits (first parents) starting from the --rev baseline; negative means all")
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		// No commit at all, but tags are counted by nobody.
		if s.Num == 0 && (s.Revs != nil || verb != "Remove") {
			s.Revs, s.Branches = []string{}, false
		}
		return run(cmd, args)
	}
}

// expListCmd is dvc exp list: the experiments below the names of their baselines.
func (a *app) expListCmd() *cobra.Command {
	var sel experiment.Selection
	var nameOnly, shaOnly bool
	cmd := &cobra.Command{
		Use:     "list [git_remote]",
		Aliases: []string{"ls"},
		Short:   "List local and remote experiments",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			ctx := cmd.Context()
			var list []experiment.Experiment
			if len(args) > 0 {
				if shaOnly {
					return fmt.Errorf("--sha-only not supported with git_remote.")
				}
				list, err = repo.ListRemote(ctx, args[0], &sel)
			} else {
				list, err = repo.List(ctx, &sel)
			}
			if err != nil {
				return err
			}
			names, err := repo.Describe(ctx)
			if err != nil {
				return err
			}
			base := ""
			for _, e := range list {
				// The list is sorted by baseline: a new one begins a group.
				if e.Baseline != base && !nameOnly && !shaOnly {
					name := names[e.Baseline]
					if name == "" {
						name = e.Baseline[:7]
					}
					a.printf("%s:\n", name)
				}
				base = e.Baseline
				switch {
				case nameOnly:
					a.printf("%s\n", e.Name)
				case shaOnly:
					a.printf("%s\n", e.Rev)
				// Experiments of a git remote have no commit here.
				case e.Rev != "":
					a.printf("\t%s [%s]\n", e.Rev[:7], e.Name)
				default:
					a.printf("\t%s\n", e.Name)
				}
			}
			return nil
		},
	}
	selection(cmd, &sel, "List")
	f := cmd.Flags()
	f.BoolVar(&nameOnly, "name-only", false, "only output experiment names (without SHAs or parent commits)")
	// dvc takes the plural as well.
	f.BoolVar(&nameOnly, "names-only", false, "")
	f.BoolVar(&shaOnly, "sha-only", false, "only output experiment commit SHAs (without names or parent commits)")
	f.BoolVar(&shaOnly, "shas-only", false, "")
	f.MarkHidden("names-only")
	f.MarkHidden("shas-only")
	exclude(f, "name-only", "sha-only")
	return cmd
}

// expRenameCmd is dvc exp rename, here or in a git remote.
func (a *app) expRenameCmd() *cobra.Command {
	var force bool
	var remote string
	cmd := &cobra.Command{
		Use:   "rename experiment name",
		Short: "Rename experiments",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return fmt.Errorf("An experiment to rename and a new experiment name are required.")
			}
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			if args[0] == args[1] {
				a.printf("No experiments to rename.\n")
				return nil
			}
			opts := &experiment.RenameOptions{Force: force}
			if remote != "" {
				err = repo.RenameRemote(cmd.Context(), remote, args[0], args[1], opts)
			} else {
				err = repo.Rename(cmd.Context(), args[0], args[1], opts)
			}
			if err != nil {
				return err
			}
			a.printf("Renamed experiments: '%s'\n", args[0])
			return nil
		},
	}
	cmd.Flags().StringVarP(&remote, "git-remote", "g", "", "name or URL of the git `remote` to rename the experiment in")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "replace experiment if it already exists")
	return cmd
}

// expBranchCmd is dvc exp branch; the argument may be a name or a commit.
func (a *app) expBranchCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "branch experiment [branch]",
		Short: "Promote an experiment to a git branch",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			branch := ""
			if len(args) > 1 {
				branch = args[1]
			}
			// For the message alone: Branch finds the experiment by itself.
			e, err := repo.Find(cmd.Context(), args[0])
			name := args[0]
			if err == nil {
				name = e.Name
			}
			if branch, err = repo.Branch(cmd.Context(), args[0], branch); err != nil {
				return err
			}
			a.printf("Git branch '%[1]s' has been created from experiment '%[2]s'.\nTo switch to the new branch run:\n\n\tgit checkout %[1]s\n", branch, name)
			return nil
		},
	}
}

// quoted joins names as dvc does: 'a', 'b' and 'c'.
func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = "'" + n + "'"
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// expRemoveCmd is dvc exp remove. Names may be those of queued tasks as well.
func (a *app) expRemoveCmd() *cobra.Command {
	var sel experiment.Selection
	var keep, queued bool
	var remote string
	cmd := &cobra.Command{
		Use:     "remove [experiment...]",
		Aliases: []string{"rm"},
		Short:   "Remove experiments",
		RunE: func(cmd *cobra.Command, args []string) error {
			// Names and a selection exclude each other, and one must be given.
			if (sel.All || sel.Revs != nil || queued) == (len(args) > 0) {
				return fmt.Errorf("Either provide an `experiment` argument, or use the `--rev` or `--all-commits` or `--queue` flag.")
			}
			if keep && queued {
				return fmt.Errorf("Cannot use both `--keep` and `--queue`.")
			}
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			ctx := cmd.Context()
			var fromQueue []string
			q, err := a.queue(ctx, repo)
			if err != nil {
				return err
			}
			if queued {
				if fromQueue, err = q.Remove(ctx, &queue.TaskFilter{Queued: true}); err != nil {
					return err
				}
			}
			removed := args
			switch {
			case queued && !sel.All && sel.Revs == nil:
				removed = nil
			case remote != "":
				removed, err = repo.RemoveRemote(ctx, remote, &experiment.RemoveRemoteOptions{Selection: sel, Names: args, Keep: keep})
			case len(args) > 0 && keep:
				removed, err = repo.Keep(ctx, args...)
			case len(args) > 0:
				err = q.RemoveAny(ctx, args...)
			case keep:
				removed, err = repo.KeepSelected(ctx, &sel)
			default:
				removed, err = repo.RemoveSelected(ctx, &sel)
			}
			if err != nil {
				return err
			}
			if removed = append(fromQueue, removed...); len(removed) == 0 {
				a.printf("No experiments to remove.\n")
			} else {
				a.printf("Removed experiments: %s\n", quoted(removed))
			}
			return nil
		},
	}
	selection(cmd, &sel, "Remove")
	f := cmd.Flags()
	f.BoolVar(&keep, "keep", false, "keep the selected experiments instead of removing them")
	f.BoolVar(&queued, "queue", false, "remove all queued experiments")
	f.StringVarP(&remote, "git-remote", "g", "", "name or URL of the git `remote` to remove the experiment from")
	return cmd
}
