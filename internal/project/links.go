package project

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/object"
)

// Links remembers the outputs that this program put into the workspace, or took
// from it, and what they held: a checkout of everything removes those that are
// no longer declared and still hold that. Losing the file only means that they
// stay.
type Links struct {
	r     *Repo
	file  string
	known map[string]string // path from the root to hash
	dirty bool
}

// OpenLinks reads what earlier calls remembered. A file that can't be read is an
// empty one.
func (r *Repo) OpenLinks() *Links {
	l := &Links{r: r, file: filepath.Join(r.TmpDir(), "reprodl", "links"), known: map[string]string{}}
	if data, err := os.ReadFile(l.file); err == nil {
		if json.Unmarshal(data, &l.known) != nil || l.known == nil {
			l.known = map[string]string{}
		}
	}
	return l
}

// Note remembers what an output holds.
// It replaces what was noted of that path before.
func (l *Links) Note(abs string, h object.Hash) {
	rel, err := filepath.Rel(l.r.Root, abs)
	if rel = filepath.ToSlash(rel); err == nil && l.known[rel] != h.String() {
		l.known[rel] = h.String()
		l.dirty = true
	}
}

// Unused lists the remembered outputs that are not declared any more and are
// as they were left, and forgets them.
func (l *Links) Unused(ctx context.Context, declared map[string]bool) []string {
	var out []string
	for rel, was := range l.known {
		abs := filepath.Join(l.r.Root, filepath.FromSlash(rel))
		if declared[abs] {
			continue
		}
		// Forgotten also if it holds something else by now: then it is the user's.
		delete(l.known, rel)
		l.dirty = true
		if m, err := l.r.Hasher().Hash(ctx, abs); err == nil && m.Hash.String() == was {
			out = append(out, abs)
		}
	}
	slices.Sort(out)
	return out
}

// Save writes the file, if anything changed.
func (l *Links) Save() {
	if !l.dirty {
		return
	}
	data, err := json.Marshal(l.known)
	if err == nil && os.MkdirAll(filepath.Dir(l.file), 0o777) == nil {
		_ = atomicfile.WriteFile(l.file, data, nil) // see links: losing it is harmless
	}
}

// Unprotect makes an output writable that a stage is about to change.
func (r *Repo) Unprotect(ctx context.Context, o *Output) error {
	if !Exists(o.Abs) {
		return nil
	}
	return r.Cache().Unprotect(ctx, r.Hasher(), o.Abs)
}
