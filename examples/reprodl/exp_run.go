package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/config"
)

// expRunCmd is dvc exp run: in the workspace or a copy at once, with --queue for
// later, and with --run-all what was put off.
func (a *app) expRunCmd() *cobra.Command {
	var f reproFlags
	var opts experiment.RunOptions
	var queued, runAll, noHydra bool
	jobs := 1
	cmd := &cobra.Command{
		Use:   "run [target...]",
		Short: "Run an experiment",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			a.warnHydra(noHydra)
			opts.Targets, opts.Repro = targets, *f.options(a)
			opts.Force = f.opts.Force
			ctx := cmd.Context()
			if runAll {
				opts := &queue.WorkOptions{}
				return a.runAll(cmd, repo, jobs, opts)
			}
			if !queued {
				_, err := repo.Run(ctx, &opts)
				return err
			}
			q, err := a.queue(ctx, repo)
			if err != nil {
				return err
			}
			tasks, err := q.Add(ctx, &opts)
			if err != nil {
				return err
			}
			for _, t := range tasks {
				if len(t.Options.Set) > 0 {
					a.printf("Queueing with overrides '%s'.\n", overridesText(t.Options.Set))
				}
				a.printf("Queued experiment '%s' for future execution.\n", t.Name)
			}
			return nil
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	needFlag(flags, &opts.Resources)
	flags.BoolVar(&f.opts.Glob, "glob", false, "targets are shell patterns of stage names")
	flags.BoolVar(&f.opts.NoCommit, "no-commit", false, "don't put outputs into the cache")
	flags.BoolVar(&f.opts.NoRunCache, "no-run-cache", false, "run even what is known from an earlier run")
	flags.StringVarP(&opts.Name, "name", "n", "", "`name` of the experiment; if not given, one is generated")
	flags.StringArrayVarP(&opts.Set, "set-param", "S", nil, "use the specified `[file:]param=value` when reproducing pipelines")
	flags.BoolVar(&queued, "queue", false, "stage this experiment in the run queue for future execution")
	flags.BoolVar(&runAll, "run-all", false, "execute all experiments in the run queue")
	flags.IntVarP(&jobs, "jobs", "j", 1, "run the specified `number` of experiments at a time in parallel")
	flags.BoolVar(&opts.Temp, "temp", false, "run this experiment in a separate temporary directory instead of your workspace")
	flags.StringArrayVarP(&opts.Copy, "copy-paths", "C", nil, "ignored or untracked `paths` to copy into the temp directory")
	flags.StringVarP(&opts.Message, "message", "m", "", "custom commit `message` to use when committing the experiment")
	flags.StringVarP(&opts.Message, "message-old", "M", "", "")
	flags.BoolVar(&noHydra, "no-hydra", false, "accepted for compatibility; Hydra is not used")
	flags.MarkHidden("message-old")
	return cmd
}

// warnHydra says once a run that Hydra doesn't compose the parameters.
func (a *app) warnHydra(off bool) {
	if c, err := a.config(); err == nil && !off && c.Bool("hydra", "enabled", false) {
		a.logger().Warn("hydra.enabled has no effect: " + config.Unused("hydra", "enabled", "true"))
	}
}

// overridesText is the Python text of a mapping from file to overrides.
func overridesText(set []string) string {
	byFile := pyjson.NewMap()
	for _, s := range set {
		file, override := params.SplitFile(s)
		list, _ := byFile.Get(file)
		items, _ := list.([]any)
		byFile.Set(file, append(items, override))
	}
	return pyjson.Repr(byFile)
}

// runAll works on the queue in this process. The experiments it names are those
// that waited or ran before and have succeeded since; another process may have run
// some of them.
func (a *app) runAll(cmd *cobra.Command, repo *experiment.Repo, jobs int, opts *queue.WorkOptions) error {
	if err := notElsewhere(repo); err != nil {
		return err
	}
	q, err := a.queue(cmd.Context(), repo)
	if err != nil {
		return err
	}
	before, err := q.Tasks(cmd.Context())
	if err != nil {
		return err
	}
	failed, err := q.WorkAll(cmd.Context(), jobs, opts)
	// A failed task is told below; anything else ends the command here.
	if err != nil && len(failed) == 0 {
		return err
	}
	done := ""
	after, err := q.Tasks(cmd.Context())
	if err != nil {
		return err
	}
	waiting := map[string]bool{}
	for _, t := range before {
		waiting[t.ID] = t.State == queue.Queued || t.State == queue.Running
	}
	for _, t := range after {
		if waiting[t.ID] && t.State == queue.Success {
			if done != "" {
				done += ", "
			}
			done += t.Name
		}
	}
	if done != "" {
		a.printf("\nRan experiment(s): %s\nTo apply the results of an experiment to your workspace run:\n\n\tdvc exp apply <exp>\n", done)
	}
	if len(failed) > 0 {
		return fmt.Errorf("Failed to reproduce experiment(s) %s", quoted(names(failed)))
	}
	return nil
}

// names are the names of failed tasks.
func names(failed []*queue.TaskError) []string {
	list := make([]string, len(failed))
	for i, f := range failed {
		list[i] = f.Name
	}
	return list
}

// expSaveCmd is dvc exp save; every refusal exits with 1.
func (a *app) expSaveCmd() *cobra.Command {
	var opts experiment.SaveOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "save [target...]",
		Short: "Save current workspace as an experiment",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.openExp()
			if err != nil {
				return soft(err)
			}
			defer repo.Close()
			opts.Targets = targets
			e, err := repo.Save(cmd.Context(), &opts)
			switch {
			// DVC has no words of its own for it, and ends with 255.
			case errors.Is(err, experiment.ErrNoCommits):
				return err
			case err != nil:
				return soft(fmt.Errorf("failed to save experiment - %w", err))
			}
			if asJSON {
				a.printf("{\"ref\": \"%s\"}\n", e.Rev)
			} else {
				a.printf("Experiment has been saved as: %s\n", e.Name)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&opts.Recursive, "recursive", "R", false, "cache subdirectories of the specified directory")
	f.BoolVarP(&opts.Force, "force", "f", false, "replace experiment if it already exists")
	f.BoolVar(&asJSON, "json", false, "show output in JSON format")
	f.StringVarP(&opts.Name, "name", "n", "", "`name` of the experiment; if not given, one is generated")
	f.StringArrayVarP(&opts.Untracked, "include-untracked", "I", nil, "untracked `path` to include in the experiment")
	f.StringVarP(&opts.Message, "message", "m", "", "custom commit `message` to use when committing the experiment")
	f.StringVarP(&opts.Message, "message-old", "M", "", "")
	f.MarkHidden("message-old")
	return cmd
}

// expApplyCmd is dvc exp apply. --no-force has no effect but DVC's message.
func (a *app) expApplyCmd() *cobra.Command {
	var noForce bool
	cmd := &cobra.Command{
		Use:   "apply experiment",
		Short: "Apply the changes from an experiment to your workspace",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if noForce {
				a.printf("The --no-force option is deprecated and will be removed in a future DVC release. To revert the result of 'exp apply', run:\n\n\tgit reset --hard\n\tgit stash apply refs/exps/apply/stash\n\n")
			}
			repo, err := a.openExp()
			if err != nil {
				return err
			}
			defer repo.Close()
			if err := repo.Apply(cmd.Context(), args[0]); err != nil {
				return err
			}
			a.printf("Changes for experiment '%s' have been applied to your current workspace.\n", args[0])
			return nil
		},
	}
	cmd.Flags().BoolVar(&noForce, "no-force", false, "fail if this command would overwrite conflicting changes")
	return cmd
}
