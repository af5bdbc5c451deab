package config

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Set changes a value in the file of a level. The path of a cache or a remote
// is relative to workDir, and is written relative to the file.
func (c *Config) Set(l Level, section, key, value, workDir string) error {
	if c.files[l] == "" {
		return errNoRepo
	}
	if isPathKey(section, key) && !urlScheme.MatchString(value) && !filepath.IsAbs(value) && !strings.HasPrefix(value, "~") {
		rel, err := filepath.Rel(filepath.Dir(c.files[l]), filepath.Join(workDir, value))
		if err != nil {
			return err
		}
		// With slashes on every system, so that a repository can move between
		// them.
		value = filepath.ToSlash(rel)
	}
	return c.Edit(l, func(e *Editor) error { return e.Set(section, key, value) })
}

// errNoRepo: a level that belongs to a repository has no file outside of one.
var errNoRepo = configErrorf("Not inside a DVC repo")

// Editor changes the file of one level.
type Editor struct{ f *ini }

// Set gives a key a value as it is.
func (e *Editor) Set(section, key, value string) error {
	if err := e.f.set(strings.ToLower(section), strings.ToLower(key), value); err != nil {
		return &Error{err}
	}
	return nil
}

// Unset removes a key.
func (e *Editor) Unset(section, key string) { e.f.unset(section, key) }

// RemoveSection removes a section with all in it.
func (e *Editor) RemoveSection(section string) { e.f.removeSection(section) }

// RenameSection gives a section another name.
func (e *Editor) RenameSection(from, to string) error { return e.f.renameSection(from, to) }

// Edit changes the file of a level, unless the result is invalid. Comments and
// everything that is not edited stay as they are.
func (c *Config) Edit(l Level, change func(*Editor) error) error {
	if c.files[l] == "" {
		return errNoRepo
	}
	// The lines are changed in memory first and put back by their text if the
	// result is refused: neither the file nor c is changed by an edit that
	// fails.
	before := c.inis[l].String()
	err := change(&Editor{c.inis[l]})
	// A higher level must not hide what is wrong in this one.
	if err == nil {
		err = c.validateTo(l)
	}
	if err == nil {
		err = c.Validate()
	}
	if err != nil {
		if old, perr := parseINI(before); perr == nil {
			c.inis[l] = old
		}
		return err
	}
	after := c.inis[l].String()
	if after == before {
		return nil
	}
	// DVC leaves a line end of a file that has become empty.
	if after == "" {
		after = "\n"
	}
	if err := os.MkdirAll(filepath.Dir(c.files[l]), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(c.files[l], []byte(after), nil)
}
