package main

import (
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/data"
)

// cacheCmd groups what dvc has below cache.
func (a *app) cacheCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "cache", Short: "Say where the cache is, and migrate it"}
	cmd.AddCommand(a.cacheDirCmd(), a.cacheMigrateCmd())
	return requireSub(cmd)
}

// cacheMigrateCmd is dvc cache migrate.
func (a *app) cacheMigrateCmd() *cobra.Command {
	var opts data.MigrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Make objects of DVC 2 in the cache objects of DVC 3",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			return repo.MigrateCache(cmd.Context(), &opts)
		},
	}
	cmd.Flags().BoolVar(&opts.Files, "dvc-files", false, "also migrate .dvc files and dvc.lock")
	cmd.Flags().BoolVar(&opts.Dry, "dry", false, "only say what would be done")
	return cmd
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
				return &config.Error{Err: errors.New("Not inside a DVC repo")}
			}
			switch {
			case unset:
				if err := missingOption(c, "cache", "dir", target); err != nil {
					return err
				}
				return c.Edit(target, func(e *config.Editor) error { e.Unset("cache", "dir"); return nil })
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
func (a *app) showCacheDir(c *config.Config, target config.Level, chosen bool) error {
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
		file := c.File(config.Project)
		if file == "" {
			return missingOption(c, "cache", "dir", config.Project)
		}
		dir = filepath.Join(filepath.Dir(file), "cache")
	}
	a.printf("%s\n", dir)
	return nil
}
