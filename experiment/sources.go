package experiment

import (
	"context"
	"path"

	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/project"
)

// snapshot stores the workspace as a tree object, as the user sees it: data
// that a .dvc file keeps and that was changed since goes to the cache, and the
// tree has the .dvc file that `dvc commit` would have written. In the workspace
// that file stays as it is. DVC does the same by committing, stashing and
// restoring; a copy made of the tree would otherwise run on the old data,
// without a word.
func (r *Repo) snapshot(ctx context.Context) (git.ID, error) {
	tree, err := r.git.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	// Without changed data the tree is the snapshot, which is the usual case.
	changes, err := r.changedSources(ctx)
	if err != nil || len(changes) == 0 {
		return tree, err
	}
	return r.git.EditTree(ctx, tree, changes)
}

// changedSources stores data that was changed since it was added, and returns
// the .dvc files for it. Data that is missing stays what it was, as with DVC's
// commit --data-only --allow-missing.
func (r *Repo) changedSources(ctx context.Context) (map[string]git.Change, error) {
	p, err := project.Open(r.root, project.Options{Env: r.opts.Env})
	if err != nil {
		return nil, err
	}
	x := p.NewIndex()
	// A pipeline that cannot be read has no data to store.
	if x.Collect() != nil {
		return nil, nil // Repro will say it
	}
	// DVC's lock of the repository, as the cache is written to.
	unlock, err := p.Lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	defer p.SaveMemo()
	changes := map[string]git.Change{}
	for _, s := range x.Stages {
		if !s.IsDVC() {
			continue
		}
		changed, err := storeChanged(ctx, p, s)
		if err != nil {
			return nil, err
		}
		if !changed {
			continue
		}
		data, err := s.Dot.Bytes()
		if err != nil {
			return nil, err
		}
		id, err := r.git.WriteObject(git.Blob, data)
		if err != nil {
			return nil, err
		}
		changes[path.Join(r.sub, s.File)] = git.Change{Mode: git.ModeFile, ID: id}
	}
	return changes, nil
}

// storeChanged brings the .dvc file of a stage, in memory, up to date with its
// data, and the data into the cache.
func storeChanged(ctx context.Context, p *project.Repo, s *project.Stage) (changed bool, err error) {
	for i, o := range s.Outs {
		if !o.Cached() || !project.Exists(o.Abs) {
			continue
		}
		verdict, err := p.CompareOut(ctx, o)
		if err != nil {
			return false, err
		}
		if verdict == project.Same {
			continue
		}
		m, err := p.Cache().Add(ctx, p.Hasher(), o.Abs, nil)
		if err != nil {
			return false, err
		}
		// In memory alone: Dot.Bytes is what would be written.
		s.Dot.Outs[i].Entry.Meta, s.Dot.Outs[i].Entry.NoSize = m, false
		changed = true
	}
	return changed, nil
}
