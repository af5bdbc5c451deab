// Package dvcfile reads and writes the three kinds of files that describe a
// repository: dvc.yaml (stages and what to show), dvc.lock (what their last run
// saw and made) and NAME.dvc (data added by hand).
//
// Files are read through an [fs.FS] rooted at the repository, so that the
// workspace and a commit are the same to it; paths are slash-separated and
// relative to that root. A [File] is a dvc.yaml after templating: foreach and
// matrix are expanded and every ${} is replaced. Writing keeps the comments,
// the order and the formatting of what a user wrote.
package dvcfile

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// The names of the files and the default parameter file.
const (
	ProjectName = "dvc.yaml"
	LockName    = "dvc.lock"
	Suffix      = ".dvc"
	ParamsName  = "params.yaml"
	groupJoin   = "@"
	lockExt     = ".lock"
	lockSchema  = "2.0"
)

// A File is one dvc.yaml.
type File struct {
	Path      string // from the root: "dvc.yaml", "sub/dvc.yaml"
	Stages    []*Stage
	Params    []string // files to show, relative to the directory of the file
	Metrics   []string
	Plots     []TopPlot
	Artifacts []Artifact
	Datasets  []any
	Lock      *Lock
	Warnings  []string // shadowed variables and the like

	raw    *dvcyaml.Map
	groups map[string]bool
	byName map[string]*Stage
}

// Dir returns the directory of the file: "." at the root.
func (f *File) Dir() string { return path.Dir(f.Path) }

// Stage returns the stage with that full name ("train", "train@a"), or nil.
func (f *File) Stage(name string) *Stage { return f.byName[name] }

// IsGroup reports whether name is a foreach or matrix definition.
func (f *File) IsGroup(name string) bool { return f.groups[name] }

// Group returns the stages generated from the foreach or matrix called name.
func (f *File) Group(name string) []*Stage {
	var all []*Stage
	for _, s := range f.Stages {
		if s.Group == name && name != "" {
			all = append(all, s)
		}
	}
	return all
}

// A Stage is one runnable step, with all variables replaced.
type Stage struct {
	File  *File
	Name  string // "train", or "train@a" for a member of a group
	Group string // name of the foreach or matrix it comes from, or empty

	Cmd    Cmd
	Wdir   string // from the root, clean
	Deps   []string
	Params []ParamsFile
	Outs   []Out // outs, metrics, plots and live, in this order

	Frozen        bool
	AlwaysChanged bool
	Desc          string
	Meta          any

	// Parametrized is set if the text of the definition is not what it
	// resolves to; such a stage cannot be written back.
	Parametrized bool
	// Vars lists the variables from files that the definition uses.
	Vars []Var
}

// A Var is a variable of a file that a stage used in its definition.
type Var struct {
	File  string // from the root
	Key   string // dotted
	Value any
}

// Path returns where p, written in the stage, lies: from the root, clean, with
// ".." for what is outside; absolute paths stay.
func (s *Stage) Path(p string) string { return join(s.Wdir, p) }

// A Cmd is the command of a stage: a string of which each line is run by its
// own shell, or a list of scripts. The zero Cmd runs nothing.
type Cmd struct {
	value any // nil, string or []any
}

// NewCmd makes a command from a string or a list of scripts; one script is a
// string as in "cmd: script".
func NewCmd(scripts ...string) Cmd {
	if len(scripts) == 1 {
		return Cmd{scripts[0]}
	}
	list := make([]any, len(scripts))
	for i, s := range scripts {
		list[i] = s
	}
	return Cmd{list}
}

// Value returns the command as it stands in YAML: nil, a string or a list.
func (c Cmd) Value() any { return c.value }

// IsZero reports whether there is nothing to run: no command, or an empty one.
func (c Cmd) IsZero() bool {
	switch v := c.value.(type) {
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	}
	return true
}

// Scripts returns what the shell is to run, one after the other: the lines of a
// string (blank ones and comments too), the items of a list.
func (c Cmd) Scripts() []string {
	switch v := c.value.(type) {
	case string:
		return splitLines(v)
	case []any:
		all := make([]string, len(v))
		for i, item := range v {
			all[i] = text(item)
		}
		return all
	}
	return nil
}

// Equal reports whether both stand for the same YAML value. A string is never
// equal to a list.
func (c Cmd) Equal(other Cmd) bool { return equal(c.value, other.value) }

// splitLines cuts at \n, \r\n and \r; a final line end starts no new line.
func splitLines(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = strings.TrimSuffix(s, "\n")
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// A ParamsFile is a parameter file a stage depends on.
type ParamsFile struct {
	Path string   // as written, relative to the stage's Wdir
	Keys []string // dotted names as written; none = the whole file
}

// join places p, relative to dir, in the repository. Absolute paths stay.
func join(dir, p string) string {
	if path.IsAbs(p) {
		return path.Clean(p)
	}
	return path.Join(dir, p)
}

// relDir is the directory dir as written in a file that lies in base.
func relDir(base, dir string) string {
	rel, err := filepath.Rel(filepath.FromSlash(base), filepath.FromSlash(dir))
	if err != nil {
		return dir
	}
	return filepath.ToSlash(rel)
}
