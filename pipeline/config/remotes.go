package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Remote is a place that objects are pushed to.
type Remote struct {
	Name string
	URL  string // absolute, if it is a directory
}

// IsLocal reports whether the remote is a directory.
func (r Remote) IsLocal() bool { return !urlScheme.MatchString(r.URL) }

// Remotes lists the remotes of the given levels, or of all, in DVC's order.
func (c *Config) Remotes(at ...Level) []Remote {
	var out []Remote
	for l := range levels {
		if len(at) > 0 && !slices.Contains(at, l) {
			continue
		}
		for _, line := range c.inis[l].lines {
			name, ok := remoteName(line.section)
			if !ok || line.key != "url" {
				continue
			}
			r := Remote{name, c.resolve(l, line.section, "url", line.value)}
			// A higher level replaces the url and keeps the place of the first.
			if i := slices.IndexFunc(out, func(o Remote) bool { return o.Name == name }); i >= 0 {
				out[i] = r
			} else {
				out = append(out, r)
			}
		}
	}
	return out
}

// root is the repository as DVC names it.
func (c *Config) root() string { return filepath.Dir(filepath.Dir(c.files[Project])) }

// Remote finds a remote by name; an empty name means core.remote. The errors
// are DVC's.
func (c *Config) Remote(name string) (Remote, error) {
	if name == "" {
		var ok bool
		if name, ok = c.Get("core", "remote"); !ok {
			where := c.root()
			if len(c.Remotes()) > 0 {
				return Remote{}, noRemotef("no remote specified in %s. Setup default remote with\n    dvc remote default <remote name>\nor use:\n    dvc <command> -r <remote name>", where)
			}
			return Remote{}, noRemotef("no remote specified in %s. Create a default remote with\n    dvc remote add -d <remote name> <remote url>", where)
		}
	}
	for _, r := range c.Remotes() {
		if r.Name == strings.ToLower(name) {
			return r, nil
		}
	}
	return Remote{}, noRemotef("remote '%s' doesn't exist", name)
}

// ErrNoRemote is a remote that is not configured.
var ErrNoRemote = errors.New("no such remote")

type noRemoteError string

func (e noRemoteError) Error() string        { return string(e) }
func (e noRemoteError) Is(target error) bool { return target == ErrNoRemote }

func noRemotef(format string, args ...any) error {
	return &Error{noRemoteError(fmt.Sprintf(format, args...))}
}

// AddRemote defines a remote in the file of a level. With force it replaces one
// of the same name.
func (c *Config) AddRemote(l Level, name, url, workDir string, force, isDefault bool) error {
	name = strings.ToLower(name)
	section := remoteSection(name)
	if c.inis[l].header(section) >= 0 {
		if !force {
			return configErrorf("remote '%s' already exists. Use `-f|--force` to overwrite it.", name)
		}
		// The url stays until Set replaces it: a remote without one is not
		// valid, and every edit is validated.
		if err := c.Edit(l, func(e *Editor) error {
			for _, line := range slices.Clone(c.inis[l].lines) {
				if line.section == section && line.key != "" && line.key != "url" {
					e.Unset(section, line.key)
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if err := c.Set(l, section, "url", url, workDir); err != nil || !isDefault {
		return err
	}
	return c.Set(l, "core", "remote", name, workDir)
}

// ModifyRemote sets an option of a remote; value nil unsets it.
func (c *Config) ModifyRemote(l Level, name, option string, value *string, workDir string) error {
	section := remoteSection(name)
	if !c.HasSection(section) {
		return configErrorf("remote '%s' doesn't exist.", strings.ToLower(name))
	}
	option = strings.ToLower(option)
	if value != nil {
		return c.Set(l, section, option, *value, workDir)
	}
	return c.Edit(l, func(e *Editor) error { e.Unset(section, option); return nil })
}

// RemoveRemote deletes a remote from the file of a level, and core.remote if it
// names it, there and in the levels above.
func (c *Config) RemoveRemote(l Level, name string) error {
	name = strings.ToLower(name)
	section := remoteSection(name)
	if !c.HasSection(section, l) {
		return configErrorf("remote '%s' doesn't exist.", name)
	}
	if err := c.Edit(l, func(e *Editor) error { e.RemoveSection(section); return nil }); err != nil {
		return err
	}
	for up := levels - 1; up >= l; up-- {
		if v, ok := c.GetLevel(up, "core", "remote"); ok && v == name {
			if err := c.Edit(up, func(e *Editor) error { e.Unset("core", "remote"); return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// RenameRemote gives a remote another name, also where core.remote names it.
func (c *Config) RenameRemote(l Level, from, to string) error {
	from, to = strings.ToLower(from), strings.ToLower(to)
	if c.HasSection(remoteSection(to)) {
		return configErrorf("Rename failed. Remote name %s already exists.", pyjson.Repr(to))
	}
	if !c.HasSection(remoteSection(from), l) {
		return configErrorf("remote '%s' doesn't exist.", from)
	}
	if err := c.Edit(l, func(e *Editor) error { return e.RenameSection(remoteSection(from), remoteSection(to)) }); err != nil {
		return err
	}
	for up := levels - 1; up >= l; up-- {
		if v, ok := c.GetLevel(up, "core", "remote"); ok && v == from {
			if err := c.Edit(up, func(e *Editor) error { return e.Set("core", "remote", to) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetDefaultRemote makes a remote the default one; an empty name unsets it.
func (c *Config) SetDefaultRemote(l Level, name string) error {
	name = strings.ToLower(name)
	if name == "" {
		return c.Edit(l, func(e *Editor) error { e.Unset("core", "remote"); return nil })
	}
	for up := range l + 1 {
		if c.HasSection(remoteSection(name), up) {
			return c.Edit(l, func(e *Editor) error { return e.Set("core", "remote", name) })
		}
	}
	return configErrorf("default remote must be present in remote list.")
}

// RemoteOptions are the options of a remote, of all levels, except its URL.
// Paths among them are absolute.
func (c *Config) RemoteOptions(name string) map[string]string {
	section := remoteSection(name)
	options := map[string]string{}
	for l := range levels {
		for _, line := range c.inis[l].lines {
			if line.section == section && line.key != "" && line.key != "url" {
				options[line.key] = c.resolve(l, section, line.key, line.value)
			}
		}
	}
	return options
}
