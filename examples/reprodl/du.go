package main

import (
	"path"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/repofs"
)

// duCmd is dvc du.
func (a *app) duCmd() *cobra.Command {
	var e externalFlags
	var summarize bool
	cmd := &cobra.Command{
		Use:   "du url [path]",
		Short: "Show how large the files of a repository are",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			where := ""
			if len(args) == 2 {
				where = args[1]
			}
			f, err := a.openExternal(cmd, args[0], &e)
			if err != nil {
				return err
			}
			defer f.Close()
			rows, err := usageRows(f, args[0], where, summarize)
			if err != nil {
				return missingPath(where, args[0], err)
			}
			a.table(alignedRows(rows, false))
			return nil
		},
	}
	flags := cmd.Flags()
	e.add(flags, true)
	flags.BoolVarP(&summarize, "summarize", "s", false, "only the total")
	return cmd
}

// usageRows are sizes and paths, what is in a directory before itself.
func usageRows(f *repofs.FS, url, where string, summarize bool) ([][]string, error) {
	name, err := f.Clean(where)
	if err != nil {
		return nil, err
	}
	top, err := f.Entry(name)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	if top.Dir && !summarize {
		entries, err := f.List(name, nil)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if base := path.Base(e.Path); !e.Dir && (base == ".dvcignore" || base == "dvc.yaml" || path.Ext(base) == ".dvc") {
				continue // DVC leaves them out
			}
			size, err := f.Usage(e.Path)
			if err != nil { // of a link to nowhere, say
				return nil, missingPath(path.Join(where, path.Base(e.Path)), url, err)
			}
			rows = append(rows, []string{naturalSize(size), path.Join(where, path.Base(e.Path))})
		}
	}
	size, err := f.Usage(name)
	return append(rows, []string{naturalSize(size), where}), err
}
