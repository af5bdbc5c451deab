package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/data"
)

// importCmd is dvc import.
func (a *app) importCmd() *cobra.Command {
	var opts data.ImportRepoOptions
	cmd := &cobra.Command{
		Use:   "import url path",
		Short: "Download a file or directory of another repository and track it",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			end := a.startImport(&opts.ImportOptions)
			_, err = repo.Import(cmd.Context(), args[0], args[1], &opts)
			end()
			words := fmt.Sprintf("failed to import '%s' from '%s'.", args[1], args[0])
			switch {
			case errors.Is(err, data.ErrClone):
				words = fmt.Sprintf("failed to import '%s'", args[1])
			case errors.Is(err, fs.ErrNotExist): // dvc does not expect it
				return &exitError{code: exitOther, err: fmt.Errorf("%s - %w", words, err)}
			}
			return importFailure(words, err)
		},
	}
	flags := cmd.Flags()
	importFlags(flags, &opts.ImportOptions)
	flags.StringVarP(&opts.Out, "out", "o", "", "`path` to put it at")
	flags.StringVar(&opts.Rev, "rev", "", "`commit`, branch or tag of the repository")
	flags.StringVar(&opts.Config, "config", "", "`file` of options over those of the repository")
	flags.StringVar(&opts.Remote, "remote", "", "`name` of the repository's remote to use instead of its default one")
	flags.StringArrayVar(&opts.RemoteConfig, "remote-config", nil, "options over those of that remote, as name=`value`")
	takesList(flags, "remote-config")
	return cmd
}

// updateCmd is dvc update.
func (a *app) updateCmd() *cobra.Command {
	var opts data.UpdateOptions
	cmd := &cobra.Command{
		Use:   "update target...",
		Short: "Fetch what the sources of imports are by now",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			var x data.TransferOptions
			end := a.startTransfer(&x)
			opts.Progress, opts.Ask = x.Progress, x.Ask
			err = repo.Update(cmd.Context(), &opts, targets...)
			end()
			return importFailure("failed update data", err)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&opts.Rev, "rev", "", "another `commit`, branch or tag of the repository")
	flags.BoolVarP(&opts.Recursive, "recursive", "R", false, "all imports below the given directory")
	flags.BoolVar(&opts.NoDownload, "no-download", false, "record what the sources are, but fetch nothing")
	flags.BoolVar(&opts.ToRemote, "to-remote", false, "send the data to a remote, and keep nothing of it here")
	flags.StringVarP(&opts.Remote, "remote", "r", "", "the `name` of the remote to send it to")
	flags.IntVarP(&opts.Jobs, "jobs", "j", 0, "copy `number` files at a time")
	return cmd
}
