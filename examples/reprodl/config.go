package main

import (
	"errors"
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/internal/repo"
)

// levelFlag is the choice of a configuration file.
type levelFlag struct{ system, global, project, local bool }

func (l *levelFlag) add(flags *pflag.FlagSet) {
	flags.BoolVar(&l.system, "system", false, "use the system's configuration")
	flags.BoolVar(&l.global, "global", false, "use the user's configuration")
	flags.BoolVar(&l.project, "project", false, "use .dvc/config")
	flags.BoolVar(&l.local, "local", false, "use .dvc/config.local")
}

// level returns the chosen level; ok is false if none was.
func (l *levelFlag) level() (level repo.Level, ok bool) {
	switch {
	case l.system:
		return repo.System, true
	case l.global:
		return repo.Global, true
	case l.local:
		return repo.Local, true
	}
	// Without a choice a change goes to .dvc/config.
	return repo.Project, l.project
}

// levels are the levels to read.
func (l *levelFlag) levels() []repo.Level {
	if level, ok := l.level(); ok {
		return []repo.Level{level}
	}
	return []repo.Level{repo.System, repo.Global, repo.Project, repo.Local}
}

// config reads the configuration, which need not be valid.
func (a *app) config() (*repo.Config, error) {
	// Without a repository there are the system's and the user's files.
	dvcDir := ""
	if root, err := repo.Find(a.Dir); err == nil {
		dvcDir = filepath.Join(root, ".dvc")
	}
	return repo.LoadConfig(dvcDir, a.getenv)
}

// optionName takes "remote.NAME.option" and "db.NAME.option" apart, of which the
// file makes sections such as remote "NAME".
var optionName = lazyregexp.New(`^((remote|db)\.)?([^.]*)\.([^.]*)$`)

// configSection splits the name of an option.
func configSection(name string) (section, key string, err error) {
	m := optionName.FindStringSubmatch(name)
	if m == nil {
		return "", "", &exitError{code: exitUsage, err: errors.New("argument name: name argument should look like remote.name.option or db.name.option or section.option")}
	}
	section, key = strings.ToLower(m[3]), strings.ToLower(m[4])
	if m[2] != "" {
		section = m[2] + ` "` + section + `"`
	}
	return section, key, nil
}

// configCmd is dvc config: it lists, gets, sets or unsets.
func (a *app) configCmd() *cobra.Command {
	var level levelFlag
	var unset, list, origin bool
	cmd := &cobra.Command{
		Use:   "config [name] [value]",
		Short: "Get or set config options",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			c, err := a.config()
			at, chosen := level.level()
			switch {
			case err != nil:
				return err
			case chosen && c.File(at) == "":
				return &repo.ConfigError{Err: errors.New("Not inside a DVC repo")}
			case origin && (len(args) == 2 || unset):
				return soft(errors.New("--show-origin can't be used together with any of these options: -u/--unset, value"))
			case list && (len(args) > 0 || unset):
				return soft(errors.New("-l/--list can't be used together with any of these options: -u/--unset, name, value"))
			case list:
				return a.listConfig(c, level.levels(), origin)
			case len(args) == 0:
				return soft(errors.New("name argument is required"))
			}
			section, key, err := configSection(args[0])
			if err != nil {
				return err
			}
			target, _ := level.level()
			switch {
			case unset:
				if err := missingOption(c, section, key, target); err != nil {
					return err
				}
				return c.Edit(target, func(e *repo.Editor) error { e.Unset(section, key); return nil })
			case len(args) == 2:
				return c.Set(target, section, key, args[1], a.Dir)
			}
			return a.getConfig(c, &level, section, key, origin)
		},
	}
	flags := cmd.Flags()
	level.add(flags)
	flags.BoolVarP(&unset, "unset", "u", false, "unset the option")
	flags.BoolVarP(&list, "list", "l", false, "list all values")
	flags.BoolVar(&origin, "show-origin", false, "show the file of each value")
	return cmd
}

// origin is the prefix that names the file of a level.
func (a *app) origin(c *repo.Config, level repo.Level, show bool) string {
	if !show {
		return ""
	}
	file := c.File(level)
	// The repository's own files are shown relative to its root.
	if level == repo.Project || level == repo.Local {
		if rel, err := filepath.Rel(filepath.Dir(filepath.Dir(file)), file); err == nil {
			file = rel
		}
	}
	return file + "\t"
}

// listConfig prints every level by itself: one option may be there several times.
func (a *app) listConfig(c *repo.Config, levels []repo.Level, origin bool) error {
	for _, level := range levels {
		for _, v := range c.List(level) {
			a.printf("%s%s=%s\n", a.origin(c, level, origin), v.Name(), v.Value)
		}
	}
	return nil
}

// getConfig prints a value. An option that is set nowhere is no error.
func (a *app) getConfig(c *repo.Config, flag *levelFlag, section, key string, origin bool) error {
	levels := flag.levels()
	// The last level counts: local, project, global, system.
	for i := len(levels) - 1; i >= 0; i-- {
		if value, ok := c.GetLevel(levels[i], section, key); ok {
			a.printf("%s%s\n", a.origin(c, levels[i], origin), value)
			return nil
		}
	}
	// Only at a chosen level is it an error that the option is not set.
	if level, ok := flag.level(); ok {
		return missingOption(c, section, key, level)
	}
	return nil
}

// missingOption is the error about an option that is not set at a level.
func missingOption(c *repo.Config, section, key string, level repo.Level) error {
	kind, name := "section", section
	// Of remote "NAME" the message has the two words apart.
	if top, rest, ok := strings.Cut(section, ` "`); ok {
		kind, name = top, strings.TrimSuffix(rest, `"`)
		if !c.HasSection(section, level) {
			return &repo.ConfigError{Err: fmt.Errorf("%s '%s' doesn't exist", kind, name)}
		}
	}
	if _, ok := c.GetLevel(level, section, key); ok {
		return nil
	}
	return &repo.ConfigError{Err: fmt.Errorf("option '%s' doesn't exist in %s '%s'", key, kind, name)}
}
