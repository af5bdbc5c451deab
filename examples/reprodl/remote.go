package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline/config"
)

// remoteCmd groups the commands that change or show remotes in the configuration.
func (a *app) remoteCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "remote", Short: "Set up and manage data remotes"}
	cmd.AddCommand(a.remoteAddCmd(), a.remoteDefaultCmd(), a.remoteModifyCmd(), a.remoteListCmd(), a.remoteRemoveCmd(), a.remoteRenameCmd())
	return requireSub(cmd)
}

// onConfig makes the body of a command that changes the file of one level.
func (a *app) onConfig(level *levelFlag, f func(c *config.Config, l config.Level, args []string) error) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		c, err := a.config()
		if err != nil {
			return err
		}
		l, _ := level.level()
		return f(c, l, args)
	}
}

// remoteAddCmd is dvc remote add. A relative path is meant from the working
// directory.
func (a *app) remoteAddCmd() *cobra.Command {
	var level levelFlag
	var isDefault, force bool
	cmd := &cobra.Command{
		Use: "add name url", Short: "Add a new data remote", Args: cobra.ExactArgs(2),
		RunE: a.onConfig(&level, func(c *config.Config, l config.Level, args []string) error {
			if isDefault {
				a.printf("Setting '%s' as a default remote.\n", lower(args[0]))
			}
			return c.AddRemote(l, args[0], args[1], a.Dir, force, isDefault)
		}),
	}
	level.add(cmd.Flags())
	cmd.Flags().BoolVarP(&isDefault, "default", "d", false, "set as default remote")
	cmd.Flags().BoolVarP(&force, "force", "f", false, "overwrite an existing remote")
	return cmd
}

// remoteDefaultCmd is dvc remote default: it sets, unsets or shows.
func (a *app) remoteDefaultCmd() *cobra.Command {
	var level levelFlag
	var unset bool
	cmd := &cobra.Command{
		Use: "default [name]", Short: "Set or unset the default data remote", Args: cobra.MaximumNArgs(1),
		RunE: a.onConfig(&level, func(c *config.Config, l config.Level, args []string) error {
			switch {
			case unset:
				return c.SetDefaultRemote(l, "")
			case len(args) > 0:
				return c.SetDefaultRemote(l, args[0])
			}
			for _, at := range reversed(level.levels()) {
				if name, ok := c.GetLevel(at, "core", "remote"); ok {
					a.printf("%s\n", name)
					return nil
				}
			}
			// Said, and an exit code, but no error message.
			a.printf("No default remote set\n")
			return &exitError{code: exitSoft}
		}),
	}
	level.add(cmd.Flags())
	cmd.Flags().BoolVarP(&unset, "unset", "u", false, "unset the default remote")
	return cmd
}

// reversed are the levels from the one that counts most.
func reversed(levels []config.Level) []config.Level {
	out := make([]config.Level, 0, len(levels))
	for i := len(levels) - 1; i >= 0; i-- {
		out = append(out, levels[i])
	}
	return out
}

// remoteModifyCmd is dvc remote modify. Without a value the option is unset.
func (a *app) remoteModifyCmd() *cobra.Command {
	var level levelFlag
	var unset bool
	cmd := &cobra.Command{
		Use: "modify name option [value]", Short: "Modify the configuration of a data remote", Args: cobra.RangeArgs(2, 3),
		RunE: a.onConfig(&level, func(c *config.Config, l config.Level, args []string) error {
			var value *string
			if len(args) == 3 && !unset {
				value = &args[2]
			}
			return c.ModifyRemote(l, args[0], args[1], value, a.Dir)
		}),
	}
	level.add(cmd.Flags())
	cmd.Flags().BoolVarP(&unset, "unset", "u", false, "unset the option")
	return cmd
}

// remoteListCmd is dvc remote list; the default of all levels is marked.
func (a *app) remoteListCmd() *cobra.Command {
	var level levelFlag
	cmd := &cobra.Command{
		Use: "list", Short: "List all available data remotes", Args: cobra.NoArgs,
		RunE: a.onConfig(&level, func(c *config.Config, _ config.Level, _ []string) error {
			def, _ := c.Get("core", "remote")
			for _, r := range c.Remotes(level.levels()...) {
				line := r.Name + "\t" + r.URL
				if r.Name == def {
					line += "\t(default)"
				}
				a.printf("%s\n", expandTabs(line))
			}
			return nil
		}),
	}
	level.add(cmd.Flags())
	return cmd
}

// expandTabs fills up to columns of eight, as DVC's printer does.
func expandTabs(line string) string {
	var b strings.Builder
	column := 0
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			column++
			continue
		}
		for ok := true; ok; ok = column%8 != 0 {
			b.WriteByte(' ')
			column++
		}
	}
	return b.String()
}

func (a *app) remoteRemoveCmd() *cobra.Command {
	var level levelFlag
	cmd := &cobra.Command{
		Use: "remove name", Short: "Remove a data remote", Args: cobra.ExactArgs(1),
		RunE: a.onConfig(&level, func(c *config.Config, l config.Level, args []string) error {
			return c.RemoveRemote(l, args[0])
		}),
	}
	level.add(cmd.Flags())
	return cmd
}

func (a *app) remoteRenameCmd() *cobra.Command {
	var level levelFlag
	cmd := &cobra.Command{
		Use: "rename name new", Short: "Rename a data remote", Args: cobra.ExactArgs(2),
		RunE: a.onConfig(&level, func(c *config.Config, l config.Level, args []string) error {
			return c.RenameRemote(l, args[0], args[1])
		}),
	}
	level.add(cmd.Flags())
	return cmd
}
