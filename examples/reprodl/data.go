package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// addCmd is dvc add. What it refuses exits with 1, but for a directory that holds
// a .dvcignore file.
func (a *app) addCmd() *cobra.Command {
	var opts data.AddOptions
	cmd := &cobra.Command{
		Use:   "add target...",
		Short: "Track data files or directories",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			var x data.TransferOptions
			end := a.startTransfer(&x)
			opts.Progress, opts.Ask = x.Progress, x.Ask
			_, err = repo.Add(cmd.Context(), &opts, targets...)
			end()
			if e := new(remote.Error); errors.As(err, &e) && e.Kind != remote.ErrNotFound { // dvc does not expect it
				return &exitError{code: exitOther, err: err}
			}
			if err != nil && slices.ContainsFunc(targets, isURL) { // a mistake of the call, not of the configuration
				return &exitError{code: exitSoft, err: err}
			}
			if errors.Is(err, fs.ErrNotExist) { // a link in a directory that leads nowhere, too
				return &exitError{code: exitSoft, err: err}
			}
			if errors.Is(err, data.ErrIgnoreFile) {
				return err
			}
			return soft(err)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&opts.NoCommit, "no-commit", false, "don't put files or directories into the cache")
	flags.BoolVar(&opts.Glob, "glob", false, "targets are shell patterns")
	flags.BoolVar(&opts.NoRelink, "no-relink", false, "don't recreate links from the cache to the workspace")
	flags.StringVarP(&opts.Out, "out", "o", "", "copy the target to this `path`, and track that")
	flags.BoolVar(&opts.ToRemote, "to-remote", false, "send the target to a remote, and keep nothing of it here")
	flags.StringVarP(&opts.Remote, "remote", "r", "", "the `name` of the remote to send it to")
	flags.IntVar(&opts.Jobs, "remote-jobs", 0, "copy `number` files at a time")
	flags.BoolVarP(&opts.Force, "force", "f", false, "replace what is there")
	return cmd
}

func isURL(target string) bool { return strings.Contains(target, "://") }

// removeCmd is dvc remove; every refusal exits with 1.
func (a *app) removeCmd() *cobra.Command {
	var outs bool
	cmd := &cobra.Command{
		Use:     "remove target...",
		Aliases: []string{"rm"},
		Short:   "Remove stages from dvc.yaml, or stop tracking files or directories",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			return soft(repo.Remove(cmd.Context(), outs, targets...))
		},
	}
	cmd.Flags().BoolVar(&outs, "outs", false, "remove outputs as well")
	return cmd
}

// moveCmd is dvc move, with the words that DVC puts before an error.
func (a *app) moveCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "move src dst",
		Aliases: []string{"mv"},
		Short:   "Rename or move a tracked file or directory",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if err := repo.Move(cmd.Context(), args[0], args[1]); err != nil {
				return soft(fmt.Errorf("failed to move '%s' -> '%s' - %w", args[0], args[1], err))
			}
			return nil
		},
	}
}

// commitCmd is dvc commit. DVC commits target by target and ends at the first that
// fails; no target is one call for everything.
func (a *app) commitCmd() *cobra.Command {
	var opts data.CommitOptions
	cmd := &cobra.Command{
		Use:   "commit [target]...",
		Short: "Record changes to tracked files and store them in the cache",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if len(targets) == 0 {
				targets = []string{""}
			}
			// Only at a terminal is there somebody to ask.
			if in, ok := a.Stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
				opts.Confirm = a.confirm
			}
			for _, target := range targets {
				list, name := []string{target}, " "+target
				if target == "" {
					list, name = nil, ""
				}
				if err := repo.Commit(cmd.Context(), &opts, list...); err != nil {
					return soft(fmt.Errorf("failed to commit%s - %w", name, err))
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&opts.Force, "force", "f", false, "also record what changed")
	flags.BoolVarP(&opts.WithDeps, "with-deps", "d", false, "also what the targets depend on")
	flags.BoolVarP(&opts.Recursive, "recursive", "R", false, "all stages below the given directory")
	flags.BoolVar(&opts.NoRelink, "no-relink", false, "don't recreate links from the cache to the workspace")
	return cmd
}

// checkoutCmd is dvc checkout. What was done is printed even if a part failed.
func (a *app) checkoutCmd() *cobra.Command {
	var opts data.CheckoutOptions
	var summary bool
	cmd := &cobra.Command{
		Use:   "checkout [target]...",
		Short: "Make tracked files what is recorded of them, from the cache",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			list, err := repo.Checkout(cmd.Context(), &opts, targets...)
			if list != nil {
				a.showCheckout(list, summary)
			}
			if err == nil && opts.Relink {
				a.printf("Relinked successfully\n")
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&summary, "summary", false, "show a summary of the changes")
	flags.BoolVarP(&opts.WithDeps, "with-deps", "d", false, "also what the targets depend on")
	flags.BoolVarP(&opts.Recursive, "recursive", "R", false, "all stages below the given directory")
	flags.BoolVarP(&opts.Force, "force", "f", false, "overwrite and remove files that are nowhere else")
	flags.BoolVar(&opts.Relink, "relink", false, "recreate links or copies from the cache")
	flags.BoolVar(&opts.AllowMissing, "allow-missing", false, "missing content is no error")
	return cmd
}

// showCheckout prints what a checkout did: a letter and a path per line, or
// how many.
func (a *app) showCheckout(list *data.Checkouts, summary bool) {
	if summary {
		text := summarize("modified", list.ModifiedFiles, "added", list.AddedFiles, "deleted", list.DeletedFiles)
		if text == "" {
			text = "No changes."
		}
		a.printf("%s\n", text)
		return
	}
	for _, part := range []struct {
		letter string
		paths  []string
	}{{"M", list.Modified}, {"A", list.Added}, {"D", list.Deleted}} {
		for _, path := range part.paths {
			a.printf("%-8s%s\n", part.letter, path)
		}
	}
}

// summarize writes "2 files modified and 1 file added", from words and numbers
// in turn; zero numbers are left out.
func summarize(parts ...any) string {
	var said []string
	for i := 0; i < len(parts); i += 2 {
		n := parts[i+1].(int)
		if n == 0 {
			continue
		}
		files := "files"
		if n == 1 {
			files = "file"
		}
		said = append(said, fmt.Sprintf("%d %s %s", n, files, parts[i]))
	}
	switch len(said) {
	case 0:
		return ""
	case 1:
		return said[0]
	}
	text := said[0]
	for i, s := range said[1:] {
		if i == len(said)-2 {
			text += " and " + s
		} else {
			text += ", " + s
		}
	}
	return text
}

// unprotectCmd is dvc unprotect.
func (a *app) unprotectCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "unprotect target...",
		Short: "Make tracked files writable that are links to the cache",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			for _, target := range targets {
				if err := repo.Unprotect(cmd.Context(), target); err != nil {
					return fmt.Errorf("unexpected error - %w", err)
				}
			}
			return nil
		},
	}
}
