package ignore

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// Git is what git reads below root, an absolute path: .gitignore files,
// .git/info/exclude and the given file of core.excludesFile, which may be empty.
// Files further down win over those further up, later lines over earlier ones.
func Git(root, excludesFile string) *Tree {
	g := &gitRules{root: root, dirs: map[string]*gitDir{}}
	for _, file := range []string{excludesFile, filepath.Join(root, ".git", "info", "exclude")} {
		if data, err := os.ReadFile(file); err == nil && file != "" {
			g.extra = append(g.extra, parseGit(file, data)...)
		}
	}
	return &Tree{root: root, rules: g}
}

// mu guards dirs; a gitDir never changes once it is there.
type gitRules struct {
	root  string
	extra []Pattern // of the root, weaker than all files

	mu   sync.Mutex
	dirs map[string]*gitDir
}

// gitDir is one directory: its patterns, or the reason why all in it is ignored.
type gitDir struct {
	parent   *gitDir
	rel      string // "" for the root
	patterns []Pattern
	excluded *Pattern // of the nearest ignored directory upwards, itself included
	any      bool     // whether there are patterns here or further up
}

// gitItself is the line that git has built in: it never looks at a .git.
var gitItself = &Pattern{Text: ".git"}

func (g *gitRules) explain(rel string, isDir bool) *Pattern {
	g.mu.Lock()
	d := g.dir(parent(rel))
	g.mu.Unlock()
	if d.excluded != nil {
		return d.excluded
	}
	return g.match(d, rel, isDir)
}

// match looks at one path whose directory is not ignored.
func (g *gitRules) match(d *gitDir, rel string, isDir bool) *Pattern {
	if rel[strings.LastIndexByte(rel, '/')+1:] == ".git" {
		return gitItself
	}
	if !d.any {
		return nil
	}
	// From the nearest file upwards: the first that says anything decides.
	for ; d != nil; d = d.parent {
		inside := rel
		if d.rel != "" {
			inside = rel[len(d.rel)+1:]
		}
		if p := last(d.patterns, inside, isDir); p != nil {
			return p
		}
	}
	return last(g.extra, rel, isDir)
}

// dir returns the directory, read with all above it. The caller holds mu.
func (g *gitRules) dir(rel string) *gitDir {
	if d := g.dirs[rel]; d != nil {
		return d
	}
	// any spares the way up for the many repositories with few patterns.
	d := &gitDir{rel: rel, any: len(g.extra) > 0}
	if rel != "" {
		d.parent = g.dir(parent(rel))
		d.any = d.parent.any
		if d.excluded = d.parent.excluded; d.excluded == nil {
			if p := g.match(d.parent, rel, true); p != nil && !p.Negate {
				d.excluded = p
			}
		}
	}
	if d.excluded == nil {
		source := path.Join(rel, ".gitignore")
		d.patterns = parseGit(source, readRules(g.root, source))
		d.any = d.any || len(d.patterns) > 0
	}
	g.dirs[rel] = d
	return d
}

func (g *gitRules) forget(rel string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key := range g.dirs {
		if within(key, rel) {
			delete(g.dirs, key)
		}
	}
}

// readRules reads an ignore file, which may be a link to one. What cannot be
// read says nothing.
func readRules(root, source string) []byte {
	file := filepath.Join(root, filepath.FromSlash(source))
	fi, err := os.Lstat(file)
	if err != nil || fi.Mode()&fs.ModeType != 0 && fi.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	return data
}
