package data

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/config"
)

var errManyRevs = refuse("Multiple rev push is unsupported for cloud versioned remotes")

// checkRevs refuses to push what other commits declare to a remote with versions:
// nobody could write their versions into these commits.
func (r *Repo) checkRevs(opts *TransferOptions, remote string) error {
	if !opts.CommitsOnly && !opts.Commits.any() {
		return nil
	}
	versioned, err := transfer.IsVersioned(r.p, remote)
	switch {
	case errors.Is(err, config.ErrNoRemote): // told when it is needed
		return nil
	case err == nil && versioned:
		return errManyRevs
	}
	return err
}

// versionedOut is an output on its way to a remote with versions.
type versionedOut struct {
	*project.Output
	files map[string]*transfer.File // by path in a directory; "" is the output itself
	tree  []object.Entry            // all files of a directory
}

// pushVersions sends what a remote with versions lacks. Only then are the versions
// written to the .dvc files and dvc.lock: those of all files that the remote has, also
// if others could not be sent.
func (r *Repo) pushVersions(ctx context.Context, store *transfer.Store, w *wanted) (*transfer.Result, error) {
	outs, files, missing, err := r.versionedOuts(w)
	if err != nil {
		return new(transfer.Result), err
	}
	t, err := store.PushVersions(ctx, files)
	t.Missing = append(t.Missing, missing...)
	if store.DryRun() {
		return t, err
	}
	if rerr := r.pin(w, outs); rerr != nil {
		return t, errors.Join(err, rerr)
	}
	if err == nil {
		store.Pushed()
	}
	return t, err
}

// versionedOuts lists the files to push, with what is recorded of them.
func (r *Repo) versionedOuts(w *wanted) (outs []*versionedOut, files []*transfer.File, missing []object.Hash, err error) {
	byOut := map[*project.Output]*versionedOut{}
	for _, o := range w.outs {
		v := byOut[o.Output]
		if v == nil {
			v = &versionedOut{Output: o.Output, files: map[string]*transfer.File{}}
			byOut[o.Output] = v
			outs = append(outs, v)
		}
		at := r.p.FromRoot(o.Abs)
		add := func(rel, key string, h object.Hash, version dvcfile.CloudVersion) {
			if v.files[rel] == nil {
				v.files[rel] = &transfer.File{Place: project.Place{Key: key, CloudVersion: version}, Hash: h}
				files = append(files, v.files[rel])
			}
		}
		if !o.Rec.Hash.IsDir() {
			add("", at, o.Rec.Hash, o.Entry.Cloud())
			continue
		}
		v.tree, err = r.p.Cache().Tree(o.Rec.Hash)
		if errors.Is(err, object.ErrMissing) || errors.Is(err, object.ErrCorrupt) {
			missing = append(missing, o.Rec.Hash)
			continue
		}
		if err != nil {
			return nil, nil, nil, err
		}
		versions := map[object.Entry]dvcfile.CloudVersion{}
		listed, _ := o.Entry.ListedFiles()
		for _, f := range listed {
			versions[f.Entry] = f.Version
		}
		for _, e := range o.In(v.tree) {
			add(e.Path, at+"/"+e.Path, e.Hash, versions[e])
		}
	}
	return outs, files, missing, nil
}

// pin writes versions into the files that declare or record the outputs.
func (r *Repo) pin(w *wanted, outs []*versionedOut) error {
	byStage := map[*project.Stage][]*versionedOut{}
	var stages []*project.Stage
	for _, o := range outs {
		s := w.stages[o.Output]
		if byStage[s] == nil {
			stages = append(stages, s)
		}
		byStage[s] = append(byStage[s], o)
	}
	rec := project.NewRecorder(r.p, false)
	rec.LockOnce = true
	defer rec.SyncLocks()
	for _, s := range stages {
		var err error
		if s.IsDVC() {
			err = r.pinDot(s, byStage[s])
		} else {
			err = r.pinLock(rec, s, byStage[s])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Repo) pinDot(s *project.Stage, outs []*versionedOut) error {
	for _, o := range outs {
		i := slices.Index(s.Outs, o.Output)
		r.pinEntry(&s.Dot.Outs[i].Entry, o)
	}
	if s.IsImport() {
		if err := s.Dot.UpdateMD5(); err != nil {
			return err
		}
	}
	return r.writeDot(s.Dot)
}

// pinLock also lists the files of directories that the stage depends on, as DVC does.
func (r *Repo) pinLock(rec *project.Recorder, s *project.Stage, outs []*versionedOut) error {
	if s.Recorded == nil {
		return nil
	}
	entry := *s.Recorded
	entry.Deps, entry.Outs = slices.Clone(entry.Deps), slices.Clone(entry.Outs)
	for _, o := range outs {
		if e := dvcfile.Entry(entry.Outs, o.Written); e != nil {
			r.pinEntry(e, o)
		}
	}
	for i := range entry.Deps {
		e := &entry.Deps[i]
		if _, listed := e.Listed(); listed || !e.Hash.IsDir() || strings.Contains(e.Path, "://") {
			continue
		}
		if tree, err := r.p.Cache().Tree(e.Hash); err == nil {
			e.List(tree)
		}
	}
	return rec.WriteLock(s, &entry)
}

// pinEntry enters what the remote has of an output. What it has not keeps the record
// that it had, in a directory of which only a part was pushed, too.
func (r *Repo) pinEntry(e *dvcfile.LockEntry, o *versionedOut) {
	note := func(f *transfer.File) dvcfile.CloudVersion {
		if f == nil || f.ID == "" {
			return dvcfile.CloudVersion{}
		}
		r.p.AddPlace(f.Hash, f.Place)
		return f.CloudVersion
	}
	if !e.Hash.IsDir() {
		if v := note(o.files[""]); v.ID != "" {
			e.Pin(v, nil)
		}
		return
	}
	was := map[object.Entry]dvcfile.ListedFile{}
	listed, isListed := e.ListedFiles()
	for _, f := range listed {
		was[f.Entry] = f
	}
	files := make([]dvcfile.ListedFile, len(o.tree))
	any := false
	for i, t := range o.tree {
		f, known := was[t]
		if !known {
			f = dvcfile.ListedFile{Entry: t, Size: -1}
		}
		if size, err := r.p.Cache().Size(t.Hash); err == nil {
			f.Size = size
		}
		if pushed := o.files[t.Path]; pushed != nil {
			f.Version = note(pushed)
		}
		any = any || f.Version.ID != ""
		files[i] = f
	}
	if any || isListed && len(files) > 0 {
		e.Pin(dvcfile.CloudVersion{}, files)
	}
}

// fetchFrom fetches what is to come from one remote. Of a remote with versions the
// files are counted by their paths, as DVC does.
func (r *Repo) fetchFrom(ctx context.Context, store *transfer.Store, w *wanted, failure *TransferError) (*transfer.Result, error) {
	if !store.Versioned() {
		return store.Fetch(ctx, w.objects())
	}
	lacking := map[object.Entry]bool{}
	for _, o := range w.outs {
		entries := []object.Entry{{Hash: o.Rec.Hash}}
		if o.Rec.Hash.IsDir() {
			tree, _ := r.p.Cache().Tree(o.Rec.Hash)
			entries = o.In(tree)
		}
		for _, e := range entries {
			if ok, err := r.p.Cache().HasObject(ctx, e.Hash, -1); err != nil {
				return new(transfer.Result), err
			} else if !ok {
				lacking[object.Entry{Path: o.Abs + "/" + e.Path, Hash: e.Hash}] = true
			}
		}
	}
	t, err := store.Fetch(ctx, w.objects())
	if err != nil || store.DryRun() {
		return t, err
	}
	t.Count = 0
	for e := range lacking {
		if ok, err := r.p.Cache().HasObject(ctx, e.Hash, -1); err == nil && ok {
			t.Count++
		}
	}
	r.noVersions(store, w, t, failure)
	return t, nil
}

// noVersions takes those objects out of what a fetch did not find of which no version
// is recorded: they were never pushed to a remote with versions. They are told by
// their paths there, and count as failed, as in DVC.
func (r *Repo) noVersions(store *transfer.Store, w *wanted, t *transfer.Result, failure *TransferError) {
	without := map[object.Hash]bool{}
	t.Missing = slices.DeleteFunc(t.Missing, func(h object.Hash) bool {
		if h.IsDir() || len(r.p.Places(h, store.Name)) > 0 {
			return false
		}
		without[h] = true
		return true
	})
	if len(without) == 0 {
		return
	}
	var paths []string
	for _, o := range w.outs {
		at := strings.TrimRight(store.URL, "/") + "/" + r.p.FromRoot(o.Abs)
		if without[o.Rec.Hash] {
			paths = append(paths, at)
		}
		if o.Rec.Hash.IsDir() {
			tree, _ := r.p.Cache().Tree(o.Rec.Hash)
			for _, e := range o.In(tree) {
				if without[e.Hash] {
					paths = append(paths, at+"/"+e.Path)
				}
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	r.p.Log.Warn("Some files are missing cloud version information and will not be fetched from the remote:\n" + strings.Join(paths, "\n"))
	failure.Count += len(paths)
}

// manifests puts those of directories that are recorded by lists into the cache, for
// a remote that keeps objects by their names.
func (r *Repo) manifests(ctx context.Context, w *wanted) error {
	for _, o := range w.outs {
		tree, err := r.p.ListedTree(o.Rec.Hash)
		if err != nil {
			continue
		}
		if ok, err := r.p.Cache().HasObject(ctx, o.Rec.Hash, -1); ok || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := r.p.Cache().PutManifest(ctx, tree); err != nil {
			return err
		}
	}
	return nil
}

// openPlain opens a remote for a command that needs objects by their names.
func (r *Repo) openPlain(ctx context.Context, name string, x *transfer.Options, command string) (*transfer.Store, error) {
	store, err := transfer.Open(ctx, r.p, name, x)
	if err == nil {
		err = store.Plain(command)
	}
	return store, err
}

// unpinMoved forgets the versions of an output that gets another path: they are of the
// old one. What only the remote has would be lost by that, and is to be fetched before.
func (r *Repo) unpinMoved(ctx context.Context, e *dvcfile.LockEntry, o *project.Output) error {
	if pushedTo(e) == "" {
		return nil
	}
	files, listed := e.ListedFiles()
	hashes := []object.Hash{e.Hash}
	if listed {
		hashes = nil
		for _, f := range files {
			hashes = append(hashes, f.Hash)
		}
	}
	here := true
	for _, h := range hashes {
		ok, err := r.p.Cache().HasObject(ctx, h, -1)
		if err != nil {
			return err
		}
		here = here && ok
	}
	if !here {
		return fmt.Errorf("'%[1]s' cannot be moved: its remote has it under this path, and the cache does not; dvc fetch %[1]s first", o.Show)
	}
	for i := range files {
		files[i].Version = dvcfile.CloudVersion{}
	}
	if listed {
		e.Pin(dvcfile.CloudVersion{}, files)
	} else {
		*e = e.Unpinned()
	}
	return nil
}
