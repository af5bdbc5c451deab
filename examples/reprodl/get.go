package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// getCmd is dvc get.
func (a *app) getCmd() *cobra.Command {
	var e externalFlags
	var out string
	var showURL, force bool
	cmd := &cobra.Command{
		Use:   "get url path",
		Short: "Download a file or directory tracked by DVC or by git from another repository",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, path := args[0], args[1]
			if showURL {
				return a.showAddress(cmd, url, path, &e)
			}
			err := a.get(cmd, url, path, out, force, &e)
			switch {
			case errors.As(err, new(*repofs.CloneError)):
				return soft(fmt.Errorf("failed to get '%s' - %w", path, err))
			case unparsed(err) != nil:
				return soft(fmt.Errorf("failed to get '%s' from '%s' - %w", path, url, unparsed(err)))
			case isRefusal(err) || errors.Is(err, errDVCFile):
				return soft(fmt.Errorf("failed to get '%s' from '%s' - %w", path, url, asked(err)))
			}
			return missingPath(path, url, err)
		},
	}
	flags := cmd.Flags()
	e.add(flags, true)
	flags.StringVarP(&out, "out", "o", "", "`path` to download to")
	flags.BoolVar(&showURL, "show-url", false, "only print where the data is stored")
	flags.IntVarP(&e.opts.Jobs, "jobs", "j", 0, "copies at a time")
	flags.BoolVarP(&force, "force", "f", false, "overwrite what is there")
	return cmd
}

var errDVCFile = errors.New("the given path is a DVC file, you must specify a data file or a directory")

func (a *app) get(cmd *cobra.Command, url, path, out string, force bool, e *externalFlags) error {
	to, err := repofs.Destination(path, out, a.Dir, force)
	if err != nil {
		return err
	}
	if strings.HasSuffix(to, ".dvc") || filepath.Base(to) == "dvc.yaml" {
		return errDVCFile
	}
	f, err := a.openExternal(cmd, url, e)
	if err != nil {
		return err
	}
	defer f.Close()
	name, err := f.Clean(path)
	if err != nil {
		return err
	}
	_, err = a.download(cmd, f, name, to, force)
	return err
}

// download shows how far it is.
func (a *app) download(cmd *cobra.Command, f *repofs.FS, name, to string, force bool) (int, error) {
	var t data.TransferOptions
	end := a.startTransfer(&t)
	defer end()
	opts := &repofs.GetOptions{Force: force}
	if report := t.Progress; report != nil {
		opts.Progress = func(done, total int, bytes int64) {
			report(data.Progress{Phase: "downloading", Remote: f.URL(), Files: done, TotalFiles: total, Bytes: bytes})
		}
	}
	return f.Get(cmd.Context(), name, a.path(to), opts)
}

// showAddress is --show-url.
func (a *app) showAddress(cmd *cobra.Command, url, path string, e *externalFlags) error {
	f, err := a.openExternal(cmd, url, e)
	if err != nil {
		return err
	}
	defer f.Close()
	name, err := f.Clean(path)
	if err != nil {
		return missingPath(path, url, err)
	}
	address, err := f.Address(name)
	if err != nil {
		return missingPath(path, url, err)
	}
	fmt.Fprintln(a.out, address)
	return nil
}
