package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/config"
)

// levelFlag is the choice of a configuration file.
type levelFlag struct{ system, global, project, local bool }

func (l *levelFlag) add(flags *pflag.FlagSet) {
	flags.BoolVar(&l.system, "system", false, "use the system's configuration")
	flags.BoolVar(&l.global, "global", false, "use the user's configuration")
	flags.BoolVar(&l.project, "project", false, "use .dvc/config")
	flags.BoolVar(&l.local, "local", false, "use .dvc/config.local")
	exclude(flags, "system", "global", "project", "local")
}

// level returns the chosen level; ok is false if none was.
func (l *levelFlag) level() (level config.Level, ok bool) {
	switch {
	case l.system:
		return config.System, true
	case l.global:
		return config.Global, true
	case l.local:
		return config.Local, true
	}
	// Without a choice a change goes to .dvc/config.
	return config.Project, l.project
}

// levels are the levels to read.
func (l *levelFlag) levels() []config.Level {
	if level, ok := l.level(); ok {
		return []config.Level{level}
	}
	return []config.Level{config.System, config.Global, config.Project, config.Local}
}

// config reads the configuration, which need not be valid.
func (a *app) config() (*config.Config, error) {
	return config.Open(a.Dir, a.getenv)
}

// configSection splits the name of an option. Of "remote.NAME.option" and
// "db.NAME.option" the file makes sections such as remote "NAME".
func configSection(name string) (section, key string, err error) {
	parts := strings.Split(name, ".")
	switch {
	case len(parts) == 2:
		return strings.ToLower(parts[0]), strings.ToLower(parts[1]), nil
	case len(parts) == 3 && (parts[0] == "remote" || parts[0] == "db"):
		return parts[0] + ` "` + strings.ToLower(parts[1]) + `"`, strings.ToLower(parts[2]), nil
	}
	return "", "", &exitError{code: exitUsage, err: errors.New("argument name: name argument should look like remote.name.option or db.name.option or section.option")}
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
			var section, key string
			if len(args) > 0 {
				var err error
				if section, key, err = configSection(args[0]); err != nil {
					return err
				}
			}
			c, err := a.config()
			at, chosen := level.level()
			switch {
			case err != nil:
				return err
			case chosen && c.File(at) == "":
				return &config.Error{Err: errors.New("Not inside a DVC repo")}
			case origin && (len(args) == 2 || unset):
				return soft(errors.New("--show-origin can't be used together with any of these options: -u/--unset, value"))
			case list && (len(args) > 0 || unset):
				return soft(errors.New("-l/--list can't be used together with any of these options: -u/--unset, name, value"))
			case list:
				return a.listConfig(c, level.levels(), origin)
			case len(args) == 0:
				return soft(errors.New("name argument is required"))
			}
			target, _ := level.level()
			named := wholeSection(c, target, section, key)
			switch {
			case unset && named != "":
				return c.Edit(target, func(e *config.Editor) error { e.RemoveSection(named); return nil })
			case unset:
				if err := missingOption(c, section, key, target); err != nil {
					return err
				}
				err := c.Edit(target, func(e *config.Editor) error { e.Unset(section, key); return nil })
				if err == nil {
					a.warnUnsupported(c)
				}
				return err
			case len(args) == 2:
				err := c.Set(target, section, key, args[1], a.Dir)
				if err == nil {
					a.warnUnsupported(c)
				}
				if why := config.Unused(section, key, args[1]); why != "" && err == nil {
					a.logger().Warn(fmt.Sprintf("%s has no effect: %s", args[0], why))
				}
				return err
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
func (a *app) origin(c *config.Config, level config.Level, show bool) string {
	if !show {
		return ""
	}
	file := c.File(level)
	// The repository's own files are shown relative to its root.
	if level == config.Project || level == config.Local {
		if rel, err := filepath.Rel(filepath.Dir(filepath.Dir(file)), file); err == nil {
			file = rel
		}
	}
	return file + "\t"
}

// listConfig prints every level by itself: one option may be there several times.
func (a *app) listConfig(c *config.Config, levels []config.Level, origin bool) error {
	for _, level := range levels {
		for _, v := range c.List(level) {
			a.printf("%s%s=%s\n", a.origin(c, level, origin), v.Name(), v.Value)
		}
	}
	return nil
}

// getConfig prints a value. An option that is set nowhere is no error.
func (a *app) getConfig(c *config.Config, flag *levelFlag, section, key string, origin bool) error {
	levels := flag.levels()
	// The last level counts: local, project, global, system.
	for i := len(levels) - 1; i >= 0; i-- {
		value, ok := c.GetLevel(levels[i], section, key)
		if named := wholeSection(c, levels[i], section, key); named != "" {
			value, ok = sectionText(c, levels[i], named), true
		}
		if ok {
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

// wholeSection is the section of a remote or database if "remote.NAME" names one of a
// level, else empty.
func wholeSection(c *config.Config, level config.Level, section, key string) string {
	if named := section + ` "` + key + `"`; (section == "remote" || section == "db") && c.HasSection(named, level) {
		return named
	}
	return ""
}

// sectionText prints all options of a section as Python prints a dictionary.
func sectionText(c *config.Config, level config.Level, section string) string {
	m := ordered.New()
	for _, v := range c.List(level) {
		if v.Section == section {
			m.Set(v.Key, v.Value)
		}
	}
	return pyjson.Repr(m)
}

// missingOption is the error about an option that is not set at a level.
func missingOption(c *config.Config, section, key string, level config.Level) error {
	kind, name := "section", section
	// Of remote "NAME" the message has the two words apart.
	if top, rest, ok := strings.Cut(section, ` "`); ok {
		kind, name = top, strings.TrimSuffix(rest, `"`)
		if !c.HasSection(section, level) {
			return &config.Error{Err: fmt.Errorf("%s '%s' doesn't exist", kind, name)}
		}
	}
	if _, ok := c.GetLevel(level, section, key); ok {
		return nil
	}
	return &config.Error{Err: fmt.Errorf("option '%s' doesn't exist in %s '%s'", key, kind, name)}
}
