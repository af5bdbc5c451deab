package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// DiffOptions say what Diff compares; nil means the last commit and the
// workspace.
type DiffOptions struct {
	From string // a commit by any name git knows; empty = HEAD
	To   string // likewise; empty = the workspace
}

// Changes are how tracked data differs between two states, each list by path.
type Changes struct {
	Added, Deleted, Modified, Renamed []Change
	// NotInCache are paths of the older state whose content is not in the cache.
	// They are looked for only when the newer state is the workspace.
	NotInCache []Change
}

// Change is one file or directory. Paths are relative to the repository's
// directory; those of directories end in a slash.
type Change struct {
	Path    string // of a renamed one, the new path
	OldPath string // of a renamed one; else as Path
	MD5     string // with ".dir" for a directory; empty if it was deleted, or is a link that leads nowhere
	OldMD5  string // empty if it was added
}

// IsZero reports that there are no changes.
func (c *Changes) IsZero() bool {
	return len(c.Added)+len(c.Deleted)+len(c.Modified)+len(c.Renamed)+len(c.NotInCache) == 0
}

// Diff compares the tracked data of two states, or that of the targets, which are
// outputs, paths in them, or stages. Before the first commit there are no
// changes. A target that neither state has is an [fs.ErrNotExist].
func (r *Repo) Diff(ctx context.Context, opts *DiffOptions, targets ...string) (*Changes, error) {
	if opts == nil {
		opts = new(DiffOptions)
	}
	g, err := r.p.Git()
	if err != nil {
		return nil, err
	}
	if g == nil {
		return nil, errors.New("only supported for Git repositories")
	}
	defer g.Close()
	if _, _, err := g.Head(ctx); errors.Is(err, git.ErrNotFound) {
		return new(Changes), nil
	}
	defer r.p.SaveMemo()
	d := &dataStatus{r: r, granular: true, broken: true, fromRoot: r.p.NewIndex().FromRoot, remotes: map[string]*transfer.Store{}}
	from, to := opts.From, opts.To
	if from == "" {
		from = "HEAD"
	}
	old, err := r.stateIndex(ctx, g, from)
	if err != nil {
		return nil, err
	}
	now := r.p.NewIndex()
	if to != "" && to != "workspace" {
		if now, err = r.stateIndex(ctx, g, to); err != nil {
			return nil, err
		}
	} else if err := now.Collect(); err != nil {
		return nil, err
	}
	if err := d.narrow(targets, old, now); err != nil {
		return nil, err
	}
	before := d.recorded(ctx, old)
	var after *dataTree
	if to == "" || to == "workspace" {
		after, err = d.workspace(ctx, now)
	} else {
		after = d.recorded(ctx, now)
	}
	if err != nil {
		return nil, err
	}
	return d.changes(ctx, before, after, to == "")
}

// stateIndex is the index of a commit, collected.
func (r *Repo) stateIndex(ctx context.Context, g *git.Repo, rev string) (*project.Index, error) {
	id, err := g.Resolve(ctx, rev)
	if errors.Is(err, git.ErrNotFound) {
		return nil, fmt.Errorf("unknown Git revision '%s'", rev)
	}
	if err != nil {
		return nil, err
	}
	x, err := r.indexAt(ctx, g, string(id))
	if errors.Is(err, fs.ErrNotExist) { // the commit has no repository yet
		return nil, fmt.Errorf("'%s' has no DVC repository at this path", rev)
	}
	if err == nil {
		err = x.Collect()
	}
	return x, err
}

// narrow makes the targets paths. Each must be in one of the states.
func (d *dataStatus) narrow(targets []string, states ...*project.Index) error {
	for _, target := range targets {
		var missing error
		found := false
		for _, x := range states {
			chosen, err := x.Granular(project.Scope{}, []string{target})
			switch {
			case errors.Is(err, project.ErrNotFound) || project.IsMissing(err):
				missing = err
				continue
			case err != nil:
				return err
			}
			found = true
			for _, o := range project.Pieces(chosen) {
				d.targets = append(d.targets, x.FromRoot(o.Path()))
			}
		}
		if !found && missing != nil {
			return &fs.PathError{Op: "diff", Path: target, Err: fs.ErrNotExist}
		}
	}
	if len(targets) > 0 && len(d.targets) == 0 {
		d.targets = []string{"\x00"} // stages without outputs: nothing is selected
	}
	return nil
}

// changes compares two states.
func (d *dataStatus) changes(ctx context.Context, before, after *dataTree, missing bool) (*Changes, error) {
	diff, _ := d.diff(before, after)
	c := new(Changes)
	change := func(was, is string) Change {
		h, old := strings.TrimSuffix(is, "/"), strings.TrimSuffix(was, "/")
		return Change{is, was, after.hashes[h].String(), before.hashes[old].String()}
	}
	// DVC lists neither a file that has become a directory nor one in whose place a
	// directory was: what is in the directory tells of it.
	for _, path := range diff.Added {
		if dir := strings.TrimSuffix(path, "/"); !before.holds(dir) {
			c.Added = append(c.Added, change(path, path))
		}
	}
	for _, path := range diff.Deleted {
		if dir := strings.TrimSuffix(path, "/"); !after.holds(dir) {
			c.Deleted = append(c.Deleted, change(path, path))
		}
	}
	for _, path := range diff.Modified {
		// Both are shown as the older was: a directory or a file.
		was := before.show(strings.TrimSuffix(path, "/"))
		c.Modified = append(c.Modified, change(was, was))
	}
	for _, pair := range diff.Renamed {
		c.Renamed = append(c.Renamed, change(pair[0], pair[1]))
	}
	if missing {
		paths, err := d.missing(ctx, before)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			c.NotInCache = append(c.NotInCache, Change{Path: path, OldPath: path, OldMD5: before.hashes[strings.TrimSuffix(path, "/")].String()})
		}
	}
	for _, list := range [][]Change{c.Added, c.Deleted, c.Modified, c.Renamed, c.NotInCache} {
		slices.SortStableFunc(list, func(a, b Change) int { return strings.Compare(a.OldPath, b.OldPath) })
	}
	return c, nil
}
