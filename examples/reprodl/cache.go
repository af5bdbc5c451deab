package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/internal/repo"
)

// cacheCmd groups what dvc has below cache.
func (a *app) cacheCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "cache", Short: "Say where the cache is"}
	cmd.AddCommand(a.cacheDirCmd())
	return requireSub(cmd)
}

// cacheDirCmd is dvc cache dir: it gets, sets or unsets cache.dir.
func (a *app) cacheDirCmd() *cobra.Command {
	var level levelFlag
	var unset bool
	cmd := &cobra.Command{
		Use:   "dir [value]",
		Short: "Print or set the directory of the cache",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.config()
			if err != nil {
				return err
			}
			target, chosen := level.level()
			if chosen && c.File(target) == "" {
				return &repo.ConfigError{Err: errors.New("Not inside a DVC repo")}
			}
			switch {
			case unset:
				if err := missingOption(c, "cache", "dir", target); err != nil {
					return err
				}
				return c.Edit(target, func(e *repo.Editor) error { e.Unset("cache", "dir"); return nil })
			case len(args) == 1:
				return c.Set(target, "cache", "dir", args[0], a.Dir)
			}
			return a.showCacheDir(c, target, chosen)
		},
	}
	level.add(cmd.Flags())
	cmd.Flags().BoolVarP(&unset, "unset", "u", false, "unset the option")
	return cmd
}

// showCacheDir prints the directory of a level or, without one, the one in use.
func (a *app) showCacheDir(c *repo.Config, target repo.Level, chosen bool) error {
	if chosen {
		if err := missingOption(c, "cache", "dir", target); err != nil {
			return err
		}
		dir, _ := c.GetLevel(target, "cache", "dir")
		a.printf("%s\n", dir)
		return nil
	}
	dir, ok := c.Get("cache", "dir")
	if !ok {
		root, err := repo.Find(a.Dir)
		if err != nil {
			return missingOption(c, "cache", "dir", repo.Project)
		}
		dir = filepath.Join(root, ".dvc", "cache")
	}
	a.printf("%s\n", dir)
	return nil
}
