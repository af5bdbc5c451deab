package data

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
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

// Diff is how tracked data differs between two states. Directories end in
// a slash.
type Diff struct {
	Modified, Added, Deleted []string
	Renamed                  [][2]string // old and new path
	Unknown                  []string    // in a directory whose manifest is not in the cache
}

// IsZero reports that nothing differs.
func (d *Diff) IsZero() bool {
	return len(d.Modified)+len(d.Added)+len(d.Deleted)+len(d.Renamed)+len(d.Unknown) == 0
}

// Status is how the tracked data of the last commit, the recorded state and
// the workspace differ.
type Status struct {
	NotInCache  []string
	NotInRemote []string
	Committed   Diff // recorded since the last commit
	Uncommitted Diff // of the workspace, not yet recorded
	Untracked   []string
	Unchanged   []string
	GitDirty    bool // git has changes of its own to show
	GitEmpty    bool // there is no commit yet
}

// DataStatus compares all tracked data, or that at and below the targets.
func (r *Repo) DataStatus(ctx context.Context, opts *StatusOptions, targets ...string) (*Status, error) {
	if opts == nil {
		opts = new(StatusOptions)
	}
	if _, err := r.p.Config(); err != nil {
		return nil, err
	}
	defer r.p.SaveMemo()
	d := &dataStatus{r: r, granular: opts.Granular}
	for _, t := range targets {
		d.targets = append(d.targets, r.p.Rel(r.p.UserPath(t)))
	}
	x := r.p.NewIndex()
	if err := x.Collect(); err != nil {
		return nil, err
	}
	index, err := d.recorded(x)
	if err != nil {
		return nil, err
	}
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
		if st.NotInRemote, err = d.notInRemote(ctx, opts.Remote, index); err != nil {
			return nil, err
		}
	}
	var same, sameCommitted []string
	st.Uncommitted, same = d.diff(index, work)
	if err := d.committed(ctx, st, index, &sameCommitted); err != nil {
		return nil, err
	}
	// Unchanged is what no comparison found different: DVC intersects the two.
	for _, path := range same {
		if slices.Contains(sameCommitted, path) {
			st.Unchanged = append(st.Unchanged, path)
		}
	}
	return st, r.gitState(ctx, st, opts.Untracked)
}

// dataStatus is one DataStatus at work.
type dataStatus struct {
	r        *Repo
	granular bool
	targets  []string
}

// dataTree maps shown paths to hashes. Directories whose files are not known
// are in opaque.
type dataTree struct {
	hashes map[string]object.Hash
	opaque map[string]bool
	order  []string
}

func (t *dataTree) add(path string, h object.Hash) {
	if _, ok := t.hashes[path]; !ok {
		t.order = append(t.order, path)
	}
	t.hashes[path] = h
}

func newDataTree() *dataTree {
	return &dataTree{hashes: map[string]object.Hash{}, opaque: map[string]bool{}}
}

// recorded is what an index says.
func (d *dataStatus) recorded(x *project.Index) (*dataTree, error) {
	t := newDataTree()
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if !o.GitIgnored() || o.Rec.Hash.IsZero() {
				continue
			}
			if !o.Rec.Hash.IsDir() {
				t.add(o.Show, o.Rec.Hash)
				continue
			}
			t.add(o.Show+"/", o.Rec.Hash)
			// Without --granular DVC shows a directory as one line and never opens its
			// manifest.
			if !d.granular {
				continue
			}
			entries, err := d.r.p.Cache().Tree(o.Rec.Hash)
			if errors.Is(err, object.ErrMissing) || errors.Is(err, object.ErrCorrupt) {
				t.opaque[o.Show+"/"] = true
				continue
			}
			if err != nil {
				return nil, err
			}
			for _, e := range entries {
				t.add(o.Show+"/"+e.Path, e.Hash)
			}
		}
	}
	return t, nil
}

// workspace is what the outputs hold now.
func (d *dataStatus) workspace(ctx context.Context, x *project.Index) (*dataTree, error) {
	t := newDataTree()
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if !o.GitIgnored() || !project.Exists(o.Abs) {
				continue
			}
			if !project.IsDir(o.Abs) {
				m, err := d.r.p.Measure(ctx, o.Abs, o.Rec.Hash)
				if err != nil {
					return nil, err
				}
				t.add(o.Show, m.Hash)
				continue
			}
			// A directory that DVC 2 recorded is hashed as DVC 2 did (with CRLF turned
			// into LF), or each of its text files would seem changed.
			legacy := o.Rec.Hash.IsLegacy()
			entries, m, err := d.r.p.Hasher().Tree(ctx, o.Abs, legacy)
			if err != nil {
				return nil, err
			}
			t.add(o.Show+"/", m.Hash)
			for _, e := range entries {
				if d.granular {
					t.add(o.Show+"/"+e.Path, e.Hash)
				}
			}
		}
	}
	return t, nil
}

// selected reports whether a path is asked for.
func (d *dataStatus) selected(path string) bool {
	path = strings.TrimSuffix(path, "/")
	return len(d.targets) == 0 || slices.ContainsFunc(d.targets, func(t string) bool {
		return path == t || strings.HasPrefix(path, t+"/")
	})
}

// diff compares two states, and lists what is in both and equal.
func (d *dataStatus) diff(old, now *dataTree) (diff Diff, same []string) {
	// A manifest that is not in the cache leaves open what its directory held:
	// such files are neither added nor deleted, but unknown.
	unknown := func(t *dataTree, path string) bool {
		for dir := range t.opaque {
			if strings.HasPrefix(path, dir) && path != dir {
				return true
			}
		}
		return false
	}
	for _, path := range old.order {
		if !d.selected(path) {
			continue
		}
		h, ok := now.hashes[path]
		switch {
		case ok && h == old.hashes[path]:
			same = append(same, path)
		case ok:
			diff.Modified = append(diff.Modified, path)
		case unknown(now, path):
		default:
			diff.Deleted = append(diff.Deleted, path)
		}
	}
	for _, path := range now.order {
		if _, ok := old.hashes[path]; ok || !d.selected(path) {
			continue
		}
		if unknown(old, path) {
			diff.Unknown = append(diff.Unknown, path)
		} else {
			diff.Added = append(diff.Added, path)
		}
	}
	diff.findRenames(old, now)
	return diff, same
}

// findRenames pairs what was deleted with what was added of the same content.
func (diff *Diff) findRenames(old, now *dataTree) {
	// DVC (dvc-data's diff) pairs them by hash in the order of the deleted side, and
	// takes each only once.
	gone := diff.Deleted
	diff.Added = slices.DeleteFunc(diff.Added, func(added string) bool {
		i := slices.IndexFunc(gone, func(path string) bool { return old.hashes[path] == now.hashes[added] })
		if i < 0 {
			return false
		}
		diff.Renamed = append(diff.Renamed, [2]string{gone[i], added})
		gone = slices.Delete(gone, i, i+1)
		return true
	})
	diff.Deleted = gone
}

// missing lists what the cache lacks of the recorded state.
func (d *dataStatus) missing(ctx context.Context, t *dataTree) ([]string, error) {
	var out []string
	for _, path := range t.order {
		ok, err := d.r.p.Cache().HasObject(ctx, t.hashes[path], -1)
		if err != nil {
			return nil, err
		}
		if !ok && d.selected(path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// notInRemote lists what the remote lacks of the recorded state.
func (d *dataStatus) notInRemote(ctx context.Context, name string, t *dataTree) ([]string, error) {
	remote, _, err := transfer.Remote(d.r.p, name)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(t.order))
	for i, path := range t.order {
		keys[i] = t.hashes[path].Key()
	}
	there, err := remote.Has(ctx, keys)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, path := range t.order {
		if !there[i] && d.selected(path) {
			out = append(out, path)
		}
	}
	return out, nil
}

// committed compares the last commit with the recorded state.
func (d *dataStatus) committed(ctx context.Context, st *Status, index *dataTree, same *[]string) error {
	g, err := d.r.p.Git()
	if g == nil || err != nil {
		return err
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
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if head, err = d.recorded(x); err != nil {
			return err
		}
	}
	st.Committed, *same = d.diff(head, index)
	return nil
}

// gitState asks git for its own changes.
func (r *Repo) gitState(ctx context.Context, st *Status, untracked bool) error {
	g, err := r.p.Git()
	if g == nil || err != nil {
		return err
	}
	defer g.Close()
	mode := "-uno"
	if untracked {
		mode = "-uall"
	}
	out, err := g.Run(ctx, "-C", r.p.Root, "status", "--porcelain", "-z", mode)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(string(out), "\x00") {
		if line != "" {
			st.GitDirty = true
		}
		if path, ok := strings.CutPrefix(line, "?? "); ok {
			st.Untracked = append(st.Untracked, path)
		}
	}
	return nil
}
