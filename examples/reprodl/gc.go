package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	config "github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
)

// gcCmd is dvc gc: it says what is kept and asks, unless --force or --dry.
func (a *app) gcCmd() *cobra.Command {
	var opts data.GCOptions
	var rev string
	var date string
	var force bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove objects that nothing needs from the cache or a remote",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if rev != "" {
				opts.Revs = []string{rev}
			}
			if date != "" {
				// DVC means midnight of this place.
				if opts.Since, err = time.ParseInLocation(time.DateOnly, date, time.Local); err != nil {
					return fmt.Errorf("--date: '%s' is no date such as 2024-01-31", date)
				}
			}
			// A refusal comes before the question.
			if err := opts.Check(); err != nil {
				return err
			}
			// The warning comes with --force as well.
			a.warnf("This will remove all cache except items used in %s", kept(&opts))
			if !force && !opts.Dry && !a.confirm("Are you sure you want to proceed?") {
				return &exitError{code: exitSoft}
			}
			var t data.TransferOptions
			end := a.startTransfer(&t)
			opts.Progress, opts.Ask = t.Progress, t.Ask
			err = repo.GC(cmd.Context(), &opts)
			end()
			// Unlike push and pull, DVC's gc takes it for a fault of the configuration.
			if errors.Is(err, config.ErrNoRemote) {
				return &exitError{exitConfig, err}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&opts.Workspace, "workspace", "w", false, "keep what the workspace needs")
	flags.StringVar(&rev, "rev", "", "keep what this `commit` needs")
	flags.IntVarP(&opts.Num, "num", "n", 0, "keep what the last `commits` need, starting at --rev or the branches")
	flags.BoolVarP(&opts.AllBranches, "all-branches", "a", false, "keep what the tips of all branches need")
	flags.BoolVarP(&opts.AllTags, "all-tags", "T", false, "keep what all tags need")
	flags.BoolVarP(&opts.AllCommits, "all-commits", "A", false, "keep what all commits need")
	flags.BoolVar(&opts.AllExperiments, "all-experiments", false, "keep what all experiments need")
	flags.StringVar(&date, "date", "", "keep what the commits from this `date` on need, such as 2024-01-31")
	flags.StringArrayVarP(&opts.Projects, "projects", "p", nil, "keep what the repository in this `directory` needs, which shares the cache")
	takesList(flags, "projects")
	flags.BoolVar(&opts.NotInRemote, "not-in-remote", false, "keep only what the remote lacks")
	flags.BoolVarP(&opts.Cloud, "cloud", "c", false, "also clean the remote")
	flags.StringVarP(&opts.Remote, "remote", "r", "", "`name` of the remote")
	flags.BoolVarP(&force, "force", "f", false, "don't ask")
	flags.BoolVar(&opts.Dry, "dry", false, "only say what would be removed")
	flags.BoolVar(&opts.SkipFailed, "skip-failed", false, "go on although the needs of some commit are not known")
	flags.IntVarP(&opts.Jobs, "jobs", "j", 0, "jobs at a time")
	return cmd
}

// kept says in DVC's words what a gc keeps.
func kept(o *data.GCOptions) string {
	text := "the workspace"
	last := ""
	if o.Num > 0 {
		last = fmt.Sprintf("last %d commits from ", o.Num)
	}
	switch {
	case o.AllCommits:
		text += " and all git commits"
	case o.AllBranches && o.AllTags && o.Num > 0:
		text += " and " + last + "all git branches and all git tags"
	case o.AllBranches && o.AllTags:
		text += " and all git branches and tags"
	case o.AllBranches:
		text += " and " + last + "all git branches"
	case o.AllTags:
		text += " and all git tags"
	}
	if !o.Since.IsZero() && !o.AllCommits { // DVC's words; what is older is not kept
		text += " and all git commits before date " + o.Since.Format(time.DateOnly)
	}
	if len(o.Revs) > 0 && !o.AllCommits {
		text += fmt.Sprintf(" and last %d commits from %s", max(o.Num, 1), o.Revs[0])
	}
	if o.AllExperiments {
		text += " and all experiments"
	}
	if o.NotInRemote {
		text += " that are not present in the DVC remote"
	}
	text += " of the current "
	if len(o.Projects) == 0 {
		return text + "repo."
	}
	text += "and the following repos:"
	for _, dir := range o.Projects {
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		text += "\n  - " + dir
	}
	return text
}

// lower: DVC's configuration has names of remotes in lower case.
func lower(s string) string { return strings.ToLower(s) }
