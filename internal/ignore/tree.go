// Package ignore evaluates .gitignore and .dvcignore files.
//
// Patterns have git's syntax and precedence: files further down win over those
// further up, later lines over earlier ones, "!" takes a match back, and
// nothing below an ignored directory can be taken back.
package ignore

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// Options choose what a [Tree] reads.
type Options struct {
	// Name of the files, in every directory.
	Name   string
	Syntax Syntax
	// Extra patterns of the root, weaker than all files (.git/info/exclude).
	Extra []Pattern
	// Always names what is ignored whatever the files say; nil = nothing.
	Always func(name string, isDir bool) bool
	// SubRepos are directories that have a directory of this name, and are
	// ignored below the root; empty = none.
	SubRepos string
}

// Git is what git reads below root: .gitignore files, .git/info/exclude and
// the given file of core.excludesFile, which may be empty.
func Git(root, excludesFile string) *Tree {
	opts := Options{Name: ".gitignore", Always: func(name string, _ bool) bool { return name == ".git" }}
	for _, file := range []string{excludesFile, filepath.Join(root, ".git", "info", "exclude")} {
		if data, err := os.ReadFile(file); err == nil && file != "" {
			opts.Extra = append(opts.Extra, Parse(file, data, opts.Syntax)...)
		}
	}
	return New(root, opts)
}

// DVC is what DVC reads below root: .dvcignore files. The directories of git,
// Mercurial and DVC and DVC repositories within this one are always ignored.
func DVC(root string) *Tree {
	return New(root, Options{
		Name:   ".dvcignore",
		Syntax: Syntax{Strip: true},
		Always: func(name string, isDir bool) bool {
			return name == ".git" || isDir && (name == ".hg" || name == ".dvc")
		},
		SubRepos: ".dvc",
	})
}

// Tree answers for all paths below a root. It reads each ignore file once, when
// it is first needed, and is safe for concurrent use.
type Tree struct {
	root string
	opts Options

	mu   sync.Mutex
	dirs map[string]*dir
}

// dir is one directory: its patterns, or the reason why all in it is ignored.
type dir struct {
	parent   *dir
	rel      string // "" for the root
	patterns []Pattern
	excluded *Pattern // of the nearest ignored directory upwards, itself included
	any      bool     // whether there are patterns here or further up
}

var always = &Pattern{Text: "(built in)"}

// New returns the tree at root, an absolute path.
func New(root string, opts Options) *Tree {
	return &Tree{root: root, opts: opts, dirs: map[string]*dir{}}
}

// Ignored reports whether a path is ignored. The path is relative to the root,
// with slashes; the root itself and what is outside of it is not ignored.
func (t *Tree) Ignored(rel string, isDir bool) bool {
	return t.Match(rel, isDir) != nil
}

// IgnoredPath is Ignored for an absolute path.
func (t *Tree) IgnoredPath(abs string, isDir bool) bool {
	rest, ok := strings.CutPrefix(abs, t.root)
	if !ok || rest == "" {
		return false
	}
	if !strings.HasSuffix(t.root, string(filepath.Separator)) {
		if rest[0] != filepath.Separator {
			return false
		}
		rest = rest[1:]
	}
	return t.Ignored(filepath.ToSlash(rest), isDir)
}

// Match returns the pattern because of which a path is ignored, or nil. It may be
// one that matches a directory further up. Paths that are always
// ignored have a pattern with an empty Source.
func (t *Tree) Match(rel string, isDir bool) *Pattern {
	d, ok := t.parent(rel)
	if !ok {
		return nil
	}
	if d.excluded != nil {
		return d.excluded
	}
	if p := t.match(d, rel, isDir); p != nil && !p.Negate {
		return p
	}
	return nil
}

// Explain returns the last pattern that decides about a path, even one that
// takes it back, or nil.
func (t *Tree) Explain(rel string, isDir bool) *Pattern {
	d, ok := t.parent(rel)
	if !ok {
		return nil
	}
	if d.excluded != nil {
		return d.excluded
	}
	return t.match(d, rel, isDir)
}

func (t *Tree) parent(rel string) (*dir, bool) {
	if rel == "" || rel == "." || strings.HasPrefix(rel, "../") || rel == ".." || path.IsAbs(rel) {
		return nil, false
	}
	up := ""
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		up = rel[:i]
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dir(up), true
}

// match looks at one path whose directory is not ignored.
func (t *Tree) match(d *dir, rel string, isDir bool) *Pattern {
	name := rel[strings.LastIndexByte(rel, '/')+1:]
	if t.opts.Always != nil && t.opts.Always(name, isDir) {
		return always
	}
	if isDir && t.opts.SubRepos != "" {
		if fi, err := os.Lstat(filepath.Join(t.root, filepath.FromSlash(rel), t.opts.SubRepos)); err == nil && fi.IsDir() {
			return always
		}
	}
	if !d.any {
		return nil
	}
	for ; d != nil; d = d.parent {
		inside := rel
		if d.rel != "" {
			inside = rel[len(d.rel)+1:]
		}
		if p := last(d.patterns, inside, isDir); p != nil {
			return p
		}
	}
	return last(t.opts.Extra, rel, isDir)
}

// dir returns the directory, read with all above it. The caller holds mu.
func (t *Tree) dir(rel string) *dir {
	if d := t.dirs[rel]; d != nil {
		return d
	}
	d := &dir{rel: rel, any: len(t.opts.Extra) > 0}
	if rel != "" {
		up := ""
		if i := strings.LastIndexByte(rel, '/'); i >= 0 {
			up = rel[:i]
		}
		d.parent = t.dir(up)
		d.any = d.parent.any
		if d.excluded = d.parent.excluded; d.excluded == nil {
			if p := t.match(d.parent, rel, true); p != nil && !p.Negate {
				d.excluded = p
			}
		}
	}
	if d.excluded == nil {
		d.patterns = t.read(rel)
		d.any = d.any || len(d.patterns) > 0
	}
	t.dirs[rel] = d
	return d
}

func (t *Tree) read(rel string) []Pattern {
	source := path.Join(rel, t.opts.Name)
	file := filepath.Join(t.root, filepath.FromSlash(source))
	fi, err := os.Lstat(file)
	if err != nil || fi.Mode()&fs.ModeType != 0 && fi.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return Parse(source, data, t.opts.Syntax)
}

// Quote escapes a name so that it stands for itself in a pattern, the way DVC
// does it for the lines of .gitignore. It does not escape blanks.
func Quote(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`[]!*#?\`, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// Forget makes the tree read the files at and below a directory, an absolute
// path, once more: one of them was changed.
func (t *Tree) Forget(dir string) {
	rel, err := filepath.Rel(t.root, dir)
	if err != nil {
		return
	}
	if rel = filepath.ToSlash(rel); rel == "." {
		rel = ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.dirs {
		if rel == "" || key == rel || strings.HasPrefix(key, rel+"/") {
			delete(t.dirs, key)
		}
	}
}
