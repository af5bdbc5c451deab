package data

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
)

// StatusOptions change what DataStatus looks at; nil means the zero
// StatusOptions.
type StatusOptions struct {
	Granular    bool // also the files in tracked directories
	Untracked   bool // also the files that git does not know
	NotInRemote bool // also what the remote lacks
	Remote      string
}

// Status is how the tracked data of the last commit, the recorded state and
// the workspace differ.
type Status struct {
	NotInCache  []string
	NotInRemote []string
	Committed   Diff     // recorded since the last commit
	Uncommitted Diff     // of the workspace, not yet recorded
	Untracked   []string // relative to Dir
	Unchanged   []string
	GitDirty    bool // git has changes of its own to show
	GitEmpty    bool // there is no commit yet
}

// DataStatus compares all tracked data, or that at and below the targets.
func (r *Repo) DataStatus(ctx context.Context, opts *StatusOptions, targets ...string) (*Status, error) {
	if opts == nil {
		opts = new(StatusOptions)
	}
	cfg, err := r.p.Config()
	if err != nil {
		return nil, err
	}
	defer r.p.SaveMemo()
	x := r.p.NewIndex()
	d := &dataStatus{r: r, granular: opts.Granular, fromRoot: x.FromRoot, remotes: map[string]*transfer.Store{}}
	if opts.NotInRemote {
		d.remote = opts.Remote
	}
	// A wrong name is an error at once; none at all is not (see notInRemote).
	if name := r.RemoteName(d.remote); name != "" {
		if _, err := cfg.Remote(name); err != nil {
			return nil, err
		}
	}
	for _, t := range targets {
		d.targets = append(d.targets, x.FromRoot(r.p.UserPath(t)))
	}
	if err := x.Collect(); err != nil {
		return nil, err
	}
	index := d.recorded(ctx, x)
	// Three states are compared pairwise: the last commit, what .dvc files and
	// dvc.lock record now, and what lies in the workspace.
	work, err := d.workspace(ctx, x)
	if err != nil {
		return nil, err
	}
	st := new(Status)
	if st.NotInCache, err = d.missing(ctx, index); err != nil {
		return nil, err
	}
	if opts.NotInRemote {
		if st.NotInRemote, err = d.notInRemote(ctx, index); err != nil {
			return nil, err
		}
	}
	var same []string
	st.Uncommitted, same = d.diff(index, work)
	if st.Unchanged, err = d.committed(ctx, st, index, same); err != nil {
		return nil, err
	}
	return st, d.gitState(ctx, st, opts.Untracked)
}

// dataStatus is one DataStatus at work.
type dataStatus struct {
	r        *Repo
	granular bool
	broken   bool     // links that lead nowhere, and outputs that nothing is recorded of, are entries, too
	targets  []string // from the root
	fromRoot func(abs string) string
	remote   string                     // name; empty = the default
	remotes  map[string]*transfer.Store // that were opened
}

// selected reports whether a path is asked for.
func (d *dataStatus) selected(path string) bool {
	return len(d.targets) == 0 || slices.ContainsFunc(d.targets, func(t string) bool {
		return t == "." || path == t || strings.HasPrefix(path, t+"/")
	})
}

// touches reports whether anything at or below a path may be asked for.
func (d *dataStatus) touches(path string) bool {
	return d.selected(path) || slices.ContainsFunc(d.targets, func(t string) bool { return strings.HasPrefix(t, path+"/") })
}

// missing lists what the cache lacks of the recorded state.
func (d *dataStatus) missing(ctx context.Context, t *dataTree) ([]string, error) {
	var out []string
	for _, path := range t.order {
		if !d.selected(path) || t.hashes[path].IsZero() {
			continue
		}
		ok, err := d.r.p.Cache().HasObject(ctx, t.hashes[path], -1)
		if err != nil {
			return nil, err
		}
		if !ok {
			out = append(out, t.show(path))
		}
	}
	slices.SortFunc(out, comparePaths)
	return out, nil
}

// notInRemote lists what the remotes lack of the recorded state. Without any
// remote that is all of it, but for outputs that are never pushed.
func (d *dataStatus) notInRemote(ctx context.Context, t *dataTree) ([]string, error) {
	lacks := map[string]bool{}
	paths := map[string][]string{} // by remote
	for _, path := range t.order {
		if o := t.outs[path]; d.selected(path) && !o.NoPush {
			name := d.remoteName(o)
			paths[name] = append(paths[name], path)
		}
	}
	for name, list := range paths {
		store, err := d.openRemote(ctx, name)
		if err != nil {
			return nil, err
		}
		var there map[object.Hash]bool
		if store != nil {
			hashes := make([]object.Hash, len(list))
			for i, path := range list {
				hashes[i] = t.hashes[path]
			}
			if there, err = store.Holds(ctx, hashes, nil); err != nil {
				return nil, err
			}
		}
		for _, path := range list {
			lacks[path] = !there[t.hashes[path]]
		}
	}
	var out []string
	for _, path := range t.order {
		if lacks[path] {
			out = append(out, t.show(path))
		}
	}
	return out, nil
}

// committed compares the last commit with the recorded state. Without git
// nothing is committed, and the recorded state is all there is to differ from.
func (d *dataStatus) committed(ctx context.Context, st *Status, index *dataTree, same []string) ([]string, error) {
	g, err := d.r.p.Git()
	if g == nil || err != nil {
		return same, err
	}
	defer g.Close()
	head := newDataTree()
	if _, _, err := g.Head(ctx); err != nil {
		st.GitEmpty = true
	} else {
		x, err := d.r.indexAt(ctx, g, "HEAD")
		if err == nil {
			err = x.Collect()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if x != nil {
			head = d.recorded(ctx, x)
		}
	}
	var sameCommitted []string
	st.Committed, sameCommitted = d.diff(head, index)
	// Unchanged is what no comparison found different: DVC intersects the two.
	return slices.DeleteFunc(same, func(path string) bool { return !slices.Contains(sameCommitted, path) }), nil
}

// gitState asks git for its own changes.
func (d *dataStatus) gitState(ctx context.Context, st *Status, untracked bool) error {
	p := d.r.p
	g, err := p.Git()
	if g == nil || err != nil {
		return err
	}
	defer g.Close()
	mode := "-uno"
	if untracked {
		mode = "-uall"
	}
	out, err := g.Run(ctx, "-C", p.Root, "status", "--porcelain", "-z", mode)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(out), "\x00") {
		if line != "" {
			st.GitDirty = true
		}
		// git's paths are relative to its own root, of which this repository may be a
		// part. They are shown relative to the working directory, the tracked data's
		// are not: as DVC does.
		if path, ok := strings.CutPrefix(line, "?? "); ok {
			abs := filepath.Join(p.GitRoot, filepath.FromSlash(path))
			if p.InRepo(abs) && d.selected(d.fromRoot(abs)) {
				st.Untracked = append(st.Untracked, filepath.ToSlash(p.Rel(abs)))
			}
		}
	}
	return nil
}
