// Package ignore evaluates .gitignore and .dvcignore files.
//
// The two look alike and differ in what they leave out. Git reads its files
// directory by directory, and nothing below an ignored directory can be taken
// back. DVC rewrites the lines of all files down to a directory as if they stood
// in the one at the root, translates each to a regular expression with pathspec,
// and asks that list about every part of a path. A directory's hash depends on
// what is left out, so [DVC] follows DVC's rule to the letter and not git's.
package ignore

import (
	"path/filepath"
	"strings"
)

// Tree answers for all paths below a root. It reads each ignore file once, when
// it is first needed, and is safe for concurrent use.
type Tree struct {
	root  string
	rules rules
}

// rules are what git and DVC do differently. Paths are relative to the root, are
// below it, and have slashes.
type rules interface {
	// explain returns the line that decides about a path, or nil.
	explain(rel string, isDir bool) *Pattern
	// forget drops what was read at and below a directory; "" is the root.
	forget(rel string)
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
// one that matches a directory further up. What is always ignored has a pattern
// with an empty Source.
func (t *Tree) Match(rel string, isDir bool) *Pattern {
	if p := t.Explain(rel, isDir); p != nil && !p.Negate {
		return p
	}
	return nil
}

// Explain returns the pattern that decides about a path, even one that takes it
// back, or nil.
func (t *Tree) Explain(rel string, isDir bool) *Pattern {
	// Paths outside of the root have no directory that could be looked at.
	if rel == "" || rel == "." || rel == ".." || rel[0] == '/' || strings.HasPrefix(rel, "../") {
		return nil
	}
	return t.rules.explain(rel, isDir)
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
	t.rules.forget(rel)
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

// parent is the directory of a path below the root, "" for the root.
func parent(rel string) string {
	if i := strings.LastIndexByte(rel, '/'); i >= 0 {
		return rel[:i]
	}
	return ""
}

// within reports whether a directory is, or is below, another.
func within(dir, above string) bool {
	return above == "" || dir == above || strings.HasPrefix(dir, above+"/")
}
