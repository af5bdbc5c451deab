package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// importURLCmd is dvc import-url.
func (a *app) importURLCmd() *cobra.Command {
	var opts data.ImportURLOptions
	cmd := &cobra.Command{
		Use:   "import-url url [out]",
		Short: "Download or copy a file or directory from a URL and track it",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if len(args) > 1 {
				opts.Out = args[1]
			}
			end := a.startImport(&opts.ImportOptions)
			_, err = repo.ImportURL(cmd.Context(), args[0], &opts)
			end()
			return importFailure(fmt.Sprintf("failed to import %s. You could also try downloading it manually, and adding it with `dvc add`.", args[0]), err)
		},
	}
	flags := cmd.Flags()
	importFlags(flags, &opts.ImportOptions)
	flags.BoolVar(&opts.ToRemote, "to-remote", false, "send the data to a remote, and keep nothing of it here")
	flags.StringVarP(&opts.Remote, "remote", "r", "", "the `name` of the remote to send it to")
	flags.BoolVar(&opts.VersionAware, "version-aware", false, "bind the import to the versions that the server keeps")
	flags.StringArrayVar(&opts.Config, "fs-config", nil, "options for the source, as name=`value`")
	takesList(flags, "fs-config")
	return cmd
}

// importFlags are those that import and import-url share.
func importFlags(flags *pflag.FlagSet, opts *data.ImportOptions) {
	flags.BoolVarP(&opts.Force, "force", "f", false, "replace what is there")
	flags.BoolVar(&opts.NoExec, "no-exec", false, "only write the .dvc file")
	flags.BoolVar(&opts.NoDownload, "no-download", false, "record what the source is, but fetch nothing")
	flags.IntVarP(&opts.Jobs, "jobs", "j", 0, "copy `number` files at a time")
}

// startImport gives an import what it needs of a terminal.
func (a *app) startImport(opts *data.ImportOptions) (end func()) {
	var x data.TransferOptions
	end = a.startTransfer(&x)
	opts.Progress, opts.Ask = x.Progress, x.Ask
	return end
}

// importFailure is the error of an import with dvc's exit code: 255 for what it does
// not expect, such as a server that is down.
func importFailure(words string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s - %w", words, err)
	if e := new(remote.Error); errors.As(err, &e) && e.Kind != remote.ErrNotFound {
		return &exitError{code: exitOther, err: wrapped}
	}
	return &exitError{code: exitSoft, err: wrapped}
}
