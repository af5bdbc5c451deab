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
//
// A pipeline that cannot be read, or that lacks a target, is an error here, before
// anything is queued.
func (r *Repo) snapshot(ctx context.Context, o *RunOptions) (git.ID, error) {
	tree, err := r.git.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	// Without changed data the tree is the snapshot, which is the usual case.
	changes, err := r.changedSources(ctx, o)
	if err != nil || len(changes) == 0 {
		return tree, err
	}
	return r.git.EditTree(ctx, tree, changes)
}

// changedSources stores data that was changed since it was added, and returns
// the .dvc files for it. Data that is missing stays what it was, as with DVC's
// commit --data-only --allow-missing.
func (r *Repo) changedSources(ctx context.Context, o *RunOptions) (map[string]git.Change, error) {
	p, err := project.Open(r.dir, project.Options{Env: r.opts.Env})
	if err != nil {
		return nil, err
	}
	x := p.NewIndex()
	if err := x.Collect(); err != nil {
		return nil, err
	}
	if err := checkTargets(x, o); err != nil {
		return nil, err
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

// checkTargets looks for the targets of a run in the pipeline, before anything is
// queued or changed.
func checkTargets(x *project.Index, o *RunOptions) error {
	// Stages in Go are in no file yet, and a pattern may match nothing.
	if len(o.Targets) == 0 || len(o.Stages) > 0 || o.Repro.Glob {
		return nil
	}
	_, err := x.Granular(project.Scope{WithDeps: true, Recursive: o.Repro.Recursive}, o.Targets)
	return err
}
