package ignore

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// DVC is what DVC leaves out below root, an absolute path: what .dvcignore files
// say, and DVC repositories within this one. The directories of Mercurial, git and
// DVC are the first, and so the weakest, lines of the root's file: "!*" brings
// them back.
//
// The rule, from dvc/ignore.py and dvc/pathspec_math.py: the lines that hold in a
// directory are those of the files from the root down to it, each rewritten to mean
// the same from the root. They are asked about each part of a path, first part
// first; the first part that they ignore ends the matter. Of lines that follow each
// other, all ignore and agree in whether they end in a slash, the first that
// matches counts; otherwise the last. So "*" and "!data" bring back all below data,
// as pathspec's patterns match what is below their match. A file whose own
// .dvcignore is ignored has none.
func DVC(root string) *Tree {
	return &Tree{root: root, rules: &dvcRules{
		dirs: map[string]*dvcDir{},
		read: func(source string) []byte { return readRules(root, source) },
		isRepo: func(rel string) bool {
			_, err := os.Stat(filepath.Join(root, filepath.FromSlash(rel), ".dvc"))
			return err == nil
		},
	}}
}

// DVCIn is DVC for a tree that is not on disk, such as a commit's; root is the
// absolute path that it stands for.
func DVCIn(fsys fs.FS, root string) *Tree {
	return &Tree{root: root, rules: &dvcRules{
		dirs: map[string]*dvcDir{},
		read: func(source string) []byte {
			data, err := fs.ReadFile(fsys, source)
			if err != nil {
				return nil
			}
			return data
		},
		isRepo: func(rel string) bool {
			_, err := fs.Stat(fsys, path.Join(rel, ".dvc"))
			return err == nil
		},
	}}
}

// dvcRules are the rules of a Tree of DVC. mu guards dirs, which only grows but for
// forget; a dvcDir never changes once it is there.
type dvcRules struct {
	read   func(source string) []byte // an ignore file; nil if there is none
	isRepo func(rel string) bool      // has a directory .dvc

	mu   sync.Mutex
	dirs map[string]*dvcDir
}

// dvcDir is one directory: the lines that hold in it, or why all in it is ignored.
type dvcDir struct {
	lines    *dvcLines
	excluded *Pattern
}

// A dvcLine is a line with its pattern rewritten for the root.
type dvcLine struct {
	spec
	from Pattern
}

// dvcLines are groups of lines; of a group, the first that matches counts. A line
// that takes back is a group of its own.
type dvcLines struct {
	groups [][]dvcLine
}

// builtIn are the lines that DVC puts before those of the root's file.
var builtIn = func() *dvcLines {
	var l []dvcLine
	for _, text := range []string{".hg/", ".git/", ".git", ".dvc/"} {
		s, _ := newSpec(text)
		l = append(l, dvcLine{s, Pattern{Text: text}})
	}
	return (&dvcLines{}).add(l)
}()

func (d *dvcRules) explain(rel string, isDir bool) *Pattern {
	d.mu.Lock()
	in := d.dir(parent(rel))
	d.mu.Unlock()
	if in.excluded != nil {
		return in.excluded
	}
	return d.decide(in.lines, rel, isDir)
}

// decide asks lines about one part of a path, that is, a path whose directory is
// not ignored.
func (d *dvcRules) decide(lines *dvcLines, rel string, isDir bool) *Pattern {
	if isDir {
		if d.isRepo(rel) {
			// A repository in this one is left out with all in it, whatever the lines say.
			return &Pattern{Source: "in sub_repo", Text: path.Base(rel)}
		}
	}
	return lines.decide(rel, isDir)
}

// dir returns a directory, read with all above it. The caller holds mu.
func (d *dvcRules) dir(rel string) *dvcDir {
	if dir := d.dirs[rel]; dir != nil {
		return dir
	}
	lines := builtIn
	if rel != "" {
		up := d.dir(parent(rel))
		lines = up.lines
		// All below an ignored directory shares its record: nothing in it is read.
		if up.excluded != nil {
			d.dirs[rel] = up
			return up
		}
	}
	dir := &dvcDir{lines: lines}
	if dir.excluded = d.above(lines, rel); dir.excluded == nil {
		d.readFile(dir, rel)
	}
	d.dirs[rel] = dir
	return dir
}

// readFile adds the lines of a directory's own file, which may ignore the directory.
func (d *dvcRules) readFile(dir *dvcDir, rel string) {
	source := path.Join(rel, ".dvcignore")
	if p := dir.lines.decide(source, false); p != nil && !p.Negate {
		return
	}
	own := parseDVC(rel, source, d.read(source))
	if len(own) == 0 {
		return
	}
	dir.lines = dir.lines.add(own)
	dir.excluded = d.above(dir.lines, rel)
}

// above returns the line that ignores a directory or one above it, or nil.
func (d *dvcRules) above(lines *dvcLines, rel string) *Pattern {
	for end := range len(rel) + 1 {
		if end > 0 && (end == len(rel) || rel[end] == '/') {
			if p := d.decide(lines, rel[:end], true); p != nil && !p.Negate {
				return p
			}
		}
	}
	return nil
}

// forget also drops the directories that took over lines of the one that changed.
func (d *dvcRules) forget(rel string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.dirs {
		if within(key, rel) {
			delete(d.dirs, key)
		}
	}
}

// add returns the lines followed by more.
func (l *dvcLines) add(more []dvcLine) *dvcLines {
	out := &dvcLines{groups: slices.Clone(l.groups)}
	for _, line := range more {
		if n := len(out.groups); n > 0 && !line.negate {
			if g := out.groups[n-1]; !g[0].negate && g[0].dirOnly == line.dirOnly {
				// Groups are shared with the directory above: append must not write into them.
				out.groups[n-1] = append(slices.Clip(g), line)
				continue
			}
		}
		out.groups = append(out.groups, []dvcLine{line})
	}
	return out
}

// decide returns the line that decides about a path, regardless of those above it.
// Groups are asked from the last to the first, as later lines win.
func (l *dvcLines) decide(rel string, isDir bool) *Pattern {
	// A directory is tried in both forms: "data" and "data/" may match either.
	paths := []string{rel, rel + "/"}
	if !isDir {
		paths = paths[:1]
	}
	for _, group := range slices.Backward(l.groups) {
		if group[0].dirOnly && !isDir {
			continue
		}
		for _, p := range paths {
			for i := range group {
				if group[i].match(p) {
					return &group[i].from
				}
			}
		}
	}
	return nil
}

// parseDVC reads the file of a directory.
func parseDVC(dir, source string, data []byte) []dvcLine {
	// Python's text mode reads every kind of line end as "\n".
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	var out []dvcLine
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimFunc(line, isPySpace)
		s, ok := newSpec(line)
		// A line that is none where it stands is none at the root either.
		if ok && dir != "" {
			s, ok = newSpec(rebase(line, dir))
		}
		if ok {
			out = append(out, dvcLine{s, Pattern{Text: line, Source: source, Line: n, Negate: s.negate}})
		}
	}
	return out
}

// rebase rewrites a pattern of a directory's file for the root's, as DVC's
// change_rule: the directory's name is not escaped, and one leading backslash is
// lost.
func rebase(rule, dir string) string {
	rule, negate := strings.CutPrefix(rule, "!")
	between := "/**/"
	if rule != "" && strings.Contains(rule[:len(rule)-1], "/") && !strings.HasPrefix(rule, "**/") {
		rule = strings.TrimPrefix(rule, "/")
		between = "/"
	} else {
		rule = strings.TrimPrefix(rule, "**/")
	}
	rule = strings.TrimPrefix(rule, `\`)
	if negate {
		return "!/" + dir + between + rule
	}
	return dir + between + rule
}
