// Package config reads and changes the configuration of DVC repositories: the
// files of the system, the user and the repository, the remotes they define
// and the options of each, checked as DVC checks them.
//
// A change touches the lines it means; comments and all else stay as they are. What
// would make the file one that DVC refuses is an [*Error], and is not written.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/repo"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Level is one of the files that make up the configuration.
type Level int

// The levels, each overriding those before it.
const (
	System Level = iota
	Global
	Project
	Local
	levels
)

// Error is a configuration that DVC would refuse too (exit code 251).
type Error struct{ Err error }

func (e *Error) Error() string { return "config file error: " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// ConfigError tells the command line how to report it.
func (e *Error) ConfigError() bool { return true }

// configErrorf is an Error with a formatted text; %w keeps a cause.
func configErrorf(format string, args ...any) error {
	return &Error{fmt.Errorf(format, args...)}
}

// Config is the configuration of a repository, of all levels. Section and key
// names are lower case; the section of a remote is written `remote "name"`.
type Config struct {
	files [levels]string // empty: no such level here
	inis  [levels]*ini
	read  [levels]func() ([]byte, error) // nil: from the disk
}

// Open reads the configuration of the repository that dir, an absolute path, is
// in; outside of one there are the files of the system and the user alone.
func Open(dir string, getenv func(string) string) (*Config, error) {
	root, err := repo.Find(dir)
	if err != nil {
		return Load("", getenv)
	}
	return Load(filepath.Join(root, ".dvc"), getenv)
}

// Load reads the configuration. dvcDir is the .dvc directory, or empty
// outside of a repository; getenv is os.Getenv. The values are not yet checked:
// see Validate.
func Load(dvcDir string, getenv func(string) string) (*Config, error) {
	c := new(Config)
	c.files[System] = filepath.Join(systemDir(getenv), "config")
	c.files[Global] = filepath.Join(globalDir(getenv), "config")
	if dvcDir != "" {
		c.files[Project] = filepath.Join(dvcDir, "config")
		c.files[Local] = filepath.Join(dvcDir, "config.local")
	}
	return c, c.loadAll()
}

// LoadAt is Load for a repository that is not checked out: its own
// file is what read returns. dvcDir is what its relative paths mean; local, if
// not empty, is the .dvc directory on disk of which config.local holds, too.
func LoadAt(dvcDir, local string, read func() ([]byte, error), getenv func(string) string) (*Config, error) {
	c := new(Config)
	c.files[System] = filepath.Join(systemDir(getenv), "config")
	c.files[Global] = filepath.Join(globalDir(getenv), "config")
	c.files[Project], c.read[Project] = filepath.Join(dvcDir, "config"), read
	if local != "" {
		c.files[Local] = filepath.Join(local, "config.local")
	}
	return c, c.loadAll()
}

// LoadFile reads the values of one more file, as the options --config of some
// commands name it. Paths in it are relative to its directory.
func LoadFile(path string) ([]Value, error) {
	c := new(Config)
	for l := range levels {
		c.inis[l] = new(ini)
	}
	c.files[Project] = path
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	if err := c.load(Project); err != nil {
		return nil, err
	}
	var out []Value
	for _, line := range c.inis[Project].lines {
		if line.key != "" {
			out = append(out, Value{line.section, line.key, c.resolve(Project, line.section, line.key, line.value)})
		}
	}
	return out, nil
}

// Override sets values over those of all files, in memory alone. Sections are
// as Config names them (see RemoteSection); paths must be absolute.
func (c *Config) Override(values ...Value) error {
	for _, v := range values {
		if err := c.inis[Local].set(strings.ToLower(v.Section), strings.ToLower(v.Key), v.Value); err != nil {
			return &Error{err}
		}
	}
	return nil
}

// RemoteSection is the section of a remote.
func RemoteSection(name string) string { return remoteSection(name) }

func (c *Config) loadAll() error {
	for l := range levels {
		if err := c.load(l); err != nil {
			return err
		}
	}
	return nil
}

// load reads the file of a level. One that is missing is empty, and so is one
// of the system or the user that this process may not read.
func (c *Config) load(l Level) error {
	c.inis[l] = new(ini)
	if c.files[l] == "" {
		return nil
	}
	read := c.read[l]
	if read == nil {
		read = func() ([]byte, error) { return os.ReadFile(c.files[l]) }
	}
	data, err := read()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && l < Project {
		return nil
	}
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if strings.Trim(text, "\n") == "" { // see Edit
		text = ""
	}
	f, err := parseINI(text)
	if err != nil {
		return &Error{fmt.Errorf("%w (%s)", err, c.files[l])}
	}
	c.inis[l] = f
	return nil
}

// systemDir and globalDir are the directories that Python's platformdirs gives
// to DVC, site_config_dir and user_config_dir, for an application dvc of the
// author iterative. Of several site directories the first counts.
func systemDir(getenv func(string) string) string {
	if dir := getenv("DVC_SYSTEM_CONFIG_DIR"); dir != "" {
		return dir
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(getenv("PROGRAMDATA"), "iterative", "dvc")
	case "darwin":
		return "/Library/Application Support/dvc"
	}
	dirs, _, _ := strings.Cut(getenv("XDG_CONFIG_DIRS"), ":")
	if dirs == "" {
		dirs = "/etc/xdg"
	}
	return filepath.Join(dirs, "dvc")
}

func globalDir(getenv func(string) string) string {
	if dir := getenv("DVC_GLOBAL_CONFIG_DIR"); dir != "" {
		return dir
	}
	switch runtime.GOOS {
	case "windows":
		return filepath.Join(getenv("LOCALAPPDATA"), "iterative", "dvc")
	case "darwin":
		return filepath.Join(getenv("HOME"), "Library/Application Support/dvc")
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "dvc")
	}
	return filepath.Join(getenv("HOME"), ".config", "dvc")
}

// File returns the file of a level, or "" if there is no such level here.
func (c *Config) File(l Level) string { return c.files[l] }

// Validate checks sections, keys and values of all levels together.
func (c *Config) Validate() error { return c.validateTo(levels - 1) }

// Unsupported lists the options of the section feature that DVC 3 does not know any
// more, sorted. They are no error: DVC warns of them.
func (c *Config) Unsupported() []string {
	var names []string
	for l := range levels {
		for _, v := range c.List(l) {
			if _, known := features[v.Key]; v.Section == "feature" && !known {
				names = append(names, v.Section+"."+v.Key)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// validateTo validates the levels up to one.
func (c *Config) validateTo(last Level) error {
	// DVC validates what the levels add up to, not the files: a remote may have
	// its url in one and its options in another.
	merged := map[string]map[string]string{}
	for l := range last + 1 {
		for _, line := range c.inis[l].lines {
			if line.header && merged[line.section] == nil {
				merged[line.section] = map[string]string{}
			}
			if line.key != "" {
				if merged[line.section] == nil {
					merged[line.section] = map[string]string{}
				}
				merged[line.section][line.key] = line.value
			}
		}
	}
	return validate(merged)
}

// Get returns the value of the highest level that has the key. Paths (cache.dir,
// a remote's url) are made absolute, relative to the file they are in.
func (c *Config) Get(section, key string) (string, bool) {
	for l := levels - 1; l >= 0; l-- {
		if v, ok := c.GetLevel(l, section, key); ok {
			return v, true
		}
	}
	return "", false
}

// GetLevel is Get for one level alone.
func (c *Config) GetLevel(l Level, section, key string) (string, bool) {
	i := c.inis[l].find(section, key)
	if i < 0 {
		return "", false
	}
	return c.resolve(l, section, key, c.inis[l].lines[i].value), true
}

// HasSection reports whether any of the levels has the section.
func (c *Config) HasSection(section string, at ...Level) bool {
	for l := range levels {
		if (len(at) == 0 || slices.Contains(at, l)) && c.inis[l].header(section) >= 0 {
			return true
		}
	}
	return false
}

// Bool returns a boolean value; def if it is not set.
func (c *Config) Bool(section, key string, def bool) bool {
	v, ok := c.Get(section, key)
	if !ok {
		return def
	}
	// Validate accepts no other words than true and false, in any case.
	return strings.EqualFold(v, "true")
}

var urlScheme = regexp.MustCompile(`^\w+://`)

// isPathKey reports the keys whose values are paths. In a file a relative one
// is meant from the directory of the file.
func isPathKey(section, key string) bool {
	if section == "cache" {
		return key == "dir"
	}
	_, isRemote := remoteName(section)
	return isRemote && slices.Contains([]string{"url", "credentialpath", "configpath", "keyfile", "cert_path", "key_path"}, key)
}

// resolve makes the path of a key that holds one absolute; other values, URLs
// and absolute paths stay. ~ is the home directory, though not ~user.
func (c *Config) resolve(l Level, section, key, value string) string {
	if !isPathKey(section, key) || urlScheme.MatchString(value) || filepath.IsAbs(value) {
		return value
	}
	if rest, ok := strings.CutPrefix(value, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			return home + rest
		}
	}
	return filepath.Join(filepath.Dir(c.files[l]), filepath.FromSlash(value))
}

// Value is one line of a listing.
type Value struct {
	Section, Key, Value string
}

// Name is what the config command calls the value: "core.remote",
// "remote.origin.url".
func (v Value) Name() string {
	if name, ok := remoteName(v.Section); ok {
		return "remote." + name + "." + v.Key
	}
	return v.Section + "." + v.Key
}

// List returns the values of one level in the order of dvc config --list.
func (c *Config) List(l Level) []Value {
	var named, plain []Value
	for _, line := range c.inis[l].lines {
		if line.key == "" {
			continue
		}
		v := Value{line.section, line.key, c.resolve(l, line.section, line.key, line.value)}
		// configobj made a list of it, which DVC prints as Python does.
		if line.list != nil {
			items := make([]string, len(line.list))
			for i, s := range line.list {
				items[i] = pyjson.Repr(s)
			}
			v.Value = "[" + strings.Join(items, ", ") + "]"
		}
		if isNamed(line.section) {
			named = append(named, v)
		} else {
			plain = append(plain, v)
		}
	}
	return append(named, plain...)
}
