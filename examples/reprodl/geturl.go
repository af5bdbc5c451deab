package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// urlOptions are those of commands about a URL.
func (a *app) urlOptions(config pairs) *repofs.URLOptions {
	var t data.TransferOptions
	a.startTransfer(&t)
	return &repofs.URLOptions{Dir: a.Dir, Env: a.Env, Logger: a.logger(), Options: config, Ask: t.Ask}
}

// getURLCmd is dvc get-url.
func (a *app) getURLCmd() *cobra.Command {
	var config pairs
	var jobs int
	var force bool
	cmd := &cobra.Command{
		Use:   "get-url url [out]",
		Short: "Download a file or directory from a URL",
		Args:  cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := ""
			if len(args) == 2 {
				out = args[1]
			}
			if err := a.getURL(cmd, args[0], out, force, jobs, config); err != nil {
				err = fmt.Errorf("failed to get '%s' - %w", args[0], err)
				if exitCode(err) == exitConfig { // as in DVC, not for the list
					return &exitError{exitSoft, err}
				}
				return soft(err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&jobs, "jobs", "j", 0, "copies at a time")
	flags.BoolVarP(&force, "force", "f", false, "overwrite what is there")
	flags.Var(&config, "fs-config", "options `name=value` for the URL")
	takesList(flags, "fs-config")
	return cmd
}

func (a *app) getURL(cmd *cobra.Command, url, out string, force bool, jobs int, config pairs) error {
	to, err := repofs.Destination(url, out, a.Dir, force)
	if err != nil {
		return err
	}
	opts := a.urlOptions(config)
	opts.Jobs, opts.Force = jobs, force
	var t data.TransferOptions
	end := a.startTransfer(&t)
	defer end()
	if report := t.Progress; report != nil {
		opts.Progress = func(done, total int, bytes int64) {
			report(data.Progress{Phase: "downloading", Remote: url, Files: done, TotalFiles: total, Bytes: bytes})
		}
	}
	_, err = repofs.GetURL(cmd.Context(), url, a.path(to), opts)
	return err
}

// listURLCmd is dvc list-url.
func (a *app) listURLCmd() *cobra.Command {
	var config pairs
	var l listFlags
	cmd := &cobra.Command{
		Use:     "list-url url",
		Aliases: []string{"ls-url"},
		Short:   "List the files and directories at a URL",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts := a.urlOptions(config)
			opts.Recursive, opts.Depth = l.recursive || l.tree, l.level
			limited := cmd.Flags().Changed("level")
			if limited && l.level == 0 && !l.tree {
				opts.Recursive = false
			}
			entries, err := repofs.ListURL(cmd.Context(), args[0], opts)
			if isConfig(err) {
				return &exitError{exitConfig, err}
			}
			if err != nil {
				return err
			}
			switch {
			case l.tree:
				a.showTree(urlTree(args[0], entries, limited && l.level == 0), &l)
			case len(entries) > 0:
				a.showEntries(entries, &l)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&l.recursive, "recursive", "R", false, "list the files of all directories")
	flags.BoolVarP(&l.tree, "tree", "T", false, "show directories as a tree")
	flags.IntVarP(&l.level, "level", "L", 0, "go so many directories deep")
	flags.BoolVar(&l.size, "size", false, "show sizes")
	flags.Var(&config, "fs-config", "options `name=value` for the URL")
	takesList(flags, "fs-config")
	return cmd
}

// urlTree makes a tree of a list that goes down.
func urlTree(top string, entries []repofs.Entry, flat bool) *listTree {
	root := &listTree{name: top, entry: repofs.Entry{Dir: true, Size: -1}}
	if len(entries) == 1 && !entries[0].Dir && (entries[0].Path == top || strings.HasSuffix(top, entries[0].Path)) {
		root.entry = entries[0]
		return root
	}
	if flat {
		return root
	}
	dirs := map[string]*listTree{"": root, ".": root}
	var dirOf func(name string) *listTree
	dirOf = func(name string) *listTree {
		if t := dirs[name]; t != nil {
			return t
		}
		t := &listTree{name: path.Base(name), entry: repofs.Entry{Dir: true, Size: -1}}
		up := dirOf(path.Dir(name))
		up.children = append(up.children, t)
		dirs[name] = t
		return t
	}
	for _, e := range entries {
		if e.Dir {
			dirOf(e.Path)
			continue
		}
		up := dirOf(path.Dir(e.Path))
		up.children = append(up.children, &listTree{name: path.Base(e.Path), entry: e})
	}
	sortTree(root)
	return root
}
