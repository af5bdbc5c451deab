package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

// transferFlags are the options that push, pull, fetch and status -c share.
func transferFlags(flags *pflag.FlagSet, opts *data.TransferOptions) {
	flags.StringVarP(&opts.Remote, "remote", "r", "", "`name` of the remote")
	flags.IntVarP(&opts.Jobs, "jobs", "j", 0, "copies at a time")
	flags.BoolVarP(&opts.AllBranches, "all-branches", "a", false, "also what all branches need")
	flags.BoolVarP(&opts.AllTags, "all-tags", "T", false, "also what all tags need")
	flags.BoolVarP(&opts.AllCommits, "all-commits", "A", false, "also what all commits need")
}

// moreTransferFlags are those of push, pull and fetch alone.
func moreTransferFlags(flags *pflag.FlagSet, opts *data.TransferOptions) {
	transferFlags(flags, opts)
	flags.BoolVarP(&opts.WithDeps, "with-deps", "d", false, "also what the targets depend on")
	flags.BoolVarP(&opts.Recursive, "recursive", "R", false, "all stages below the given directory")
	flags.BoolVar(&opts.RunCache, "run-cache", false, "also the run cache")
	flags.BoolVar(&opts.Glob, "glob", false, "targets are shell patterns")
	ownTransferFlags(flags, opts)
}

// pushCmd is dvc push. --dry-run, which is not in dvc, ends without a summary.
func (a *app) pushCmd() *cobra.Command {
	var opts data.TransferOptions
	cmd := &cobra.Command{
		Use:   "push [target]...",
		Short: "Upload tracked files to a remote",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			end := a.startTransfer(&opts)
			done, err := repo.Push(cmd.Context(), &opts, targets...)
			end()
			if err != nil {
				return remoteFailure("push", false, err)
			}
			if !opts.DryRun {
				a.showTransfer(repo, &opts, "pushed", done.Files, nil)
			}
			return nil
		},
	}
	moreTransferFlags(cmd.Flags(), &opts)
	return cmd
}

func (a *app) fetchCmd() *cobra.Command {
	var opts data.TransferOptions
	cmd := &cobra.Command{
		Use:   "fetch [target]...",
		Short: "Download tracked files from a remote to the cache",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			end := a.startTransfer(&opts)
			done, err := repo.Fetch(cmd.Context(), &opts, targets...)
			end()
			if err != nil {
				return remoteFailure("fetch", true, err)
			}
			if !opts.DryRun {
				a.showTransfer(repo, &opts, "fetched", done.Files, nil)
			}
			return nil
		},
	}
	moreTransferFlags(cmd.Flags(), &opts)
	return cmd
}

// pullCmd is dvc pull: fetch, then checkout.
func (a *app) pullCmd() *cobra.Command {
	var opts data.TransferOptions
	cmd := &cobra.Command{
		Use:   "pull [target]...",
		Short: "Download tracked files from a remote and check them out",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			end := a.startTransfer(&opts)
			done, list, err := repo.Pull(cmd.Context(), &opts, targets...)
			end()
			// What came is told even if a part failed.
			if list != nil && !opts.DryRun {
				a.showCheckout(list, false)
				a.showTransfer(repo, &opts, "fetched", done.Files, list)
			}
			if err != nil {
				return remoteFailure("pull", true, err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	moreTransferFlags(flags, &opts)
	flags.BoolVarP(&opts.Force, "force", "f", false, "overwrite and remove files that are nowhere else")
	flags.BoolVar(&opts.AllowMissing, "allow-missing", false, "missing content is no error")
	return cmd
}

// showTransfer prints the number of files, and for a pull what was checked out.
func (a *app) showTransfer(repo *pipeline.Repo, opts *data.TransferOptions, what string, n int, list *data.Checkouts) {
	if list == nil {
		list = new(data.Checkouts)
	}
	text := summarize("modified", list.ModifiedFiles, "added", list.AddedFiles, "deleted", list.DeletedFiles, what, n)
	// A fetch, and so a pull, names the files fetched first.
	if what == "fetched" {
		text = summarize(what, n, "modified", list.ModifiedFiles, "added", list.AddedFiles, "deleted", list.DeletedFiles)
	}
	if text == "" {
		text = "Everything is up to date."
	}
	if repo.RemoteName(opts.Remote) == "" {
		fmt.Fprintln(a.msg, "No remote provided and no default remote set.")
	}
	a.printf("%s\n", text)
}

// showCloud prints the outcome of status -c.
func (a *app) showCloud(list []data.CloudStatus, inSync func() (string, error), asJSON bool) error {
	states := ordered.New()
	for _, s := range list {
		states.Set(s.Name, string(s.State))
	}
	switch {
	// With -q the exit code tells: 1 if anything differs.
	case a.quiet > 0 && !asJSON:
		if len(list) > 0 {
			return &exitError{code: exitSoft}
		}
	case asJSON:
		data, err := pyjson.Marshal(states, pyjson.Style{ASCII: true})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s\n", data)
	case len(list) == 0:
		text, err := inSync()
		if err != nil {
			return err
		}
		a.printf("%s\n", text)
	default:
		a.showItems(states, "\t")
	}
	return nil
}
