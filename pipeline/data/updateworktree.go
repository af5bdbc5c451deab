package data

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// updateWorktree makes data that was not imported what the newest versions in its
// worktree remote are: others may have put them there without DVC.
func (r *Repo) updateWorktree(ctx context.Context, stages []*project.Stage, opts *UpdateOptions) error {
	stores := r.stores(&TransferOptions{Jobs: opts.Jobs, Progress: opts.Progress, Ask: opts.Ask})
	rec := project.NewRecorder(r.p, false)
	rec.LockOnce = true
	defer rec.SyncLocks()
	for _, s := range stages {
		if !slices.ContainsFunc(s.Outs, func(o *project.Output) bool { return o.GitIgnored() && !o.NoPush }) {
			continue
		}
		if err := r.updateStage(ctx, stores, rec, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) updateStage(ctx context.Context, stores *stores, rec *project.Recorder, s *project.Stage) error {
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	entries := map[*project.Output]*dvcfile.LockEntry{}
	for _, o := range s.Outs {
		name := o.Remote
		if o.Entry != nil {
			name = cmp.Or(name, pushedTo(o.Entry))
		}
		if name == "" {
			r.p.Log.Warn(fmt.Sprintf("Could not update '%s', it was never pushed to a remote", o.Show))
			continue
		}
		store, err := stores.open(ctx, name)
		if err != nil {
			return err
		}
		if !store.Worktree() {
			return refuse("update is not supported for '%s' that is not an import.", r.p.Rel(r.p.Abs(s.File)))
		}
		e, err := r.updateOut(ctx, store, o)
		if err != nil {
			return err
		}
		if e != nil {
			entries[o] = e
		}
	}
	if len(entries) == 0 {
		return nil
	}
	if !s.IsDVC() {
		return r.replaceInLock(rec, s, entries)
	}
	for i, o := range s.Outs {
		if e := entries[o]; e != nil {
			s.Dot.Outs[i].Entry = *e
		}
	}
	return r.writeDot(s.Dot)
}

// pushedTo is the remote that an entry names, or "".
func pushedTo(e *dvcfile.LockEntry) string {
	if name := e.Cloud().Remote; name != "" {
		return name
	}
	files, _ := e.ListedFiles()
	for _, f := range files {
		if f.Version.Remote != "" {
			return f.Version.Remote
		}
	}
	return ""
}

// updateOut brings one output up to date, and returns what is to be recorded of it;
// nil if that has not changed.
func (r *Repo) updateOut(ctx context.Context, store *transfer.Store, o *project.Output) (*dvcfile.LockEntry, error) {
	at := r.p.FromRoot(o.Abs)
	now, dir, err := store.Newest(ctx, at)
	if err != nil {
		return nil, err
	}
	if len(now) == 0 {
		r.p.Log.Warn(fmt.Sprintf("Could not update '%s', it does not exist in the remote", o.Show))
		return nil, nil
	}
	files, changed, err := r.newest(ctx, store, at, o.Entry, now)
	if err != nil || !changed && dir == o.Rec.Hash.IsDir() {
		return nil, err
	}
	e := *o.Entry
	e.Meta, e.NoSize = object.Meta{Hash: files[0].Hash, Size: files[0].Size, Exec: o.Rec.Exec}, false
	if dir {
		tree := make([]object.Entry, len(files))
		e.Meta = object.Meta{Files: len(files)}
		for i, f := range files {
			tree[i] = f.Entry
			e.Size += f.Size
		}
		if e.Hash, err = r.p.Cache().PutManifest(ctx, tree); err != nil {
			return nil, err
		}
	}
	if err := r.bring(ctx, store, o, e.Meta); err != nil {
		return nil, err
	}
	e.Pin(files[0].Version, files)
	return &e, nil
}

// newest says what the files at a path are by now. Those whose tag is the recorded
// one are what they were; the others are taken to the cache.
func (r *Repo) newest(ctx context.Context, store *transfer.Store, at string, e *dvcfile.LockEntry, now []transfer.Plain) (files []dvcfile.ListedFile, changed bool, err error) {
	was := map[string]dvcfile.ListedFile{at: {Entry: object.Entry{Hash: e.Hash}, Size: e.Size, Version: e.Cloud()}}
	listed, isDir := e.ListedFiles()
	if isDir {
		clear(was)
	}
	for _, f := range listed {
		was[path.Join(at, f.Path)] = f
	}
	changed = len(was) != len(now)
	var take []transfer.Plain
	var index []int
	files = make([]dvcfile.ListedFile, len(now))
	for i, p := range now {
		f, ok := was[p.Key]
		if ok && p.ETag != "" && f.Version.ETag == p.ETag {
			files[i] = f
			continue
		}
		changed = true
		take, index = append(take, p), append(index, i)
	}
	if take, err = store.Pin(ctx, take); err != nil {
		return nil, false, err
	}
	metas, err := store.TakePlain(ctx, r.p.Cache(), take, nil, nil)
	if err != nil {
		return nil, false, err
	}
	for j, i := range index {
		p := take[j]
		v := dvcfile.CloudVersion{Remote: store.Name, ETag: p.ETag, ID: p.Version}
		files[i] = dvcfile.ListedFile{Entry: object.Entry{Path: relKey(p.Key, at), Hash: metas[j].Hash}, Size: metas[j].Size, Version: v}
	}
	return files, changed, nil
}

// relKey is a key below a directory's.
func relKey(key, dir string) string {
	if key == dir {
		return ""
	}
	return key[len(dir)+1:]
}

// bring checks out what an output is now. Files that were changed here and are saved
// nowhere are not overwritten.
func (r *Repo) bring(ctx context.Context, store *transfer.Store, o *project.Output, m object.Meta) error {
	if err := r.p.CheckInside(o.Abs); err != nil {
		return err
	}
	t, err := store.Fetch(ctx, transfer.All(m.Hash))
	if err != nil {
		return err
	}
	if len(t.Failed) > 0 {
		return &TransferError{Count: len(t.Failed), Errs: t.Failed}
	}
	lost, err := r.p.Cache().Unsaved(ctx, r.p.Hasher(), o.Abs, m.Hash, "")
	if err != nil {
		return err
	}
	if len(lost) > 0 {
		return &UnsavedError{lost}
	}
	return origin.Place(ctx, r.p, o, m)
}

// replaceInLock writes entries of outputs into a dvc.lock.
func (r *Repo) replaceInLock(rec *project.Recorder, s *project.Stage, entries map[*project.Output]*dvcfile.LockEntry) error {
	entry := *s.Recorded
	entry.Outs = slices.Clone(entry.Outs)
	for o, e := range entries {
		if was := dvcfile.Entry(entry.Outs, o.Written); was != nil {
			*was = *e
		}
	}
	return rec.WriteLock(s, &entry)
}
