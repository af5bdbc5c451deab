package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// MigrateOptions change what MigrateCache does; nil means the zero MigrateOptions.
type MigrateOptions struct {
	Files bool // also .dvc files and dvc.lock: they record DVC 3's hashes then
	Dry   bool // only say what would be done
}

// MigrateCache makes the objects of DVC 2 in the cache objects of DVC 3, too: files of
// the same content, under the hash that DVC 3 has of it. Objects that are damaged are
// left where they are, with a warning.
func (r *Repo) MigrateCache(ctx context.Context, opts *MigrateOptions) error {
	if opts == nil {
		opts = new(MigrateOptions)
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.migrateObjects(ctx, opts.Dry); err != nil || !opts.Files {
		return err
	}
	defer r.p.SaveMemo()
	return r.migrateFiles(ctx, opts.Dry)
}

func (r *Repo) migrateObjects(ctx context.Context, dry bool) error {
	var old []object.Hash
	for h, err := range r.p.Cache().Objects(ctx, true) {
		if err != nil {
			return err
		}
		old = append(old, h)
	}
	if dry {
		r.p.Log.Info(fmt.Sprintf("%d files will be re-hashed and migrated to the DVC 3.0 cache location.", len(old)))
		return nil
	}
	n := 0
	for _, h := range old {
		done, err := r.migrateObject(ctx, h)
		switch {
		case errors.Is(err, object.ErrCorrupt), errors.Is(err, object.ErrMissing):
			r.p.Log.Warn(err.Error())
		case err != nil:
			return err
		case done:
			n++
		}
	}
	r.p.Log.Info(fmt.Sprintf("Migrated %d files to DVC 3.0 cache location.", n))
	return nil
}

// migrateObject gives an object a second name, as DVC does, and reports whether it had
// none.
func (r *Repo) migrateObject(ctx context.Context, h object.Hash) (bool, error) {
	cache := r.p.Cache()
	if err := cache.VerifyObject(ctx, h); err != nil {
		return false, err
	}
	f, err := os.Open(cache.Path(h))
	if err != nil {
		return false, err
	}
	now, _, err := object.SumReader(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	if h.IsDir() {
		now = object.DirHash([16]byte(now.MD5()))
	}
	if ok, err := cache.HasObject(ctx, now, -1); ok || err != nil {
		return false, err
	}
	to := cache.Path(now)
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return false, err
	}
	// The mode says that it is whole.
	if err := os.Chmod(cache.Path(h), 0o444); err != nil && !errors.Is(err, fs.ErrPermission) {
		return false, err
	}
	if err := os.Link(cache.Path(h), to); err == nil || errors.Is(err, fs.ErrExist) {
		return err == nil, nil
	}
	// A file system without hard links.
	src, err := cache.Open(h)
	if err != nil {
		return false, err
	}
	receiver := cache.Receiver()
	defer receiver.Close()
	_, err = receiver.Receive(ctx, now, src)
	return true, errors.Join(err, src.Close())
}

// migrateFiles records what DVC 2 recorded anew, from what lies in the workspace.
func (r *Repo) migrateFiles(ctx context.Context, dry bool) error {
	x := r.p.NewIndex()
	if err := x.Collect(); err != nil {
		return err
	}
	var stages []*project.Stage
	var files []string
	for _, s := range x.Stages {
		if !isLegacy(s) {
			continue
		}
		stages = append(stages, s)
		file := r.p.Rel(r.p.Abs(s.File))
		if !s.IsDVC() {
			file = fmt.Sprintf("%s (%s)", file, r.p.Rel(r.p.Abs(s.Project.Lock.Path)))
		}
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	if len(stages) == 0 {
		r.p.Log.Info("No DVC files in the repo to migrate to the 3.0 format.")
		return nil
	}
	if dry {
		slices.Sort(files)
		text := "Entries in following DVC files will be migrated to the 3.0 format:"
		for _, f := range files {
			text += "\n\t" + f
		}
		r.p.Log.Info(text)
		return nil
	}
	rec := project.NewRecorder(r.p, false)
	for i, s := range stages {
		rec.Place[s] = i
	}
	defer rec.SyncLocks()
	for _, s := range stages {
		if err := r.migrateStage(ctx, rec, s); err != nil {
			return err
		}
	}
	rec.HintGit(ctx)
	return nil
}

// isLegacy reports a stage of which DVC 2 has recorded something.
func isLegacy(s *project.Stage) bool {
	for _, o := range s.Outs {
		if o.Rec.Hash.IsLegacy() {
			return true
		}
	}
	return !s.IsImport() && slices.ContainsFunc(s.Deps, func(d *project.Dependency) bool { return d.Rec.Hash.IsLegacy() })
}

// migrateStage records a stage without what its files were: so nothing stays as DVC 2
// had it. Data that is not here, or is not what is recorded, stays as it is.
func (r *Repo) migrateStage(ctx context.Context, rec *project.Recorder, s *project.Stage) error {
	for _, o := range s.Outs {
		same := false
		if project.Exists(o.Abs) && !o.Rec.Hash.IsZero() {
			var err error
			if same, err = r.p.Hasher().Matches(ctx, o.Abs, o.Rec.Hash); err != nil {
				return err
			}
		}
		if !same {
			r.p.Log.Warn(fmt.Sprintf("'%s' was not migrated: '%s' is not what is recorded of it; dvc checkout it first", s.Addr, o.Show))
			return nil
		}
	}
	for _, d := range s.Deps {
		if d.Origin == nil && !project.Exists(d.Abs) {
			r.p.Log.Warn(fmt.Sprintf("'%s' was not migrated: '%s' does not exist", s.Addr, d.Show))
			return nil
		}
		d.Rec.Hash = object.Hash{}
	}
	for _, o := range s.Outs {
		o.Rec.Hash = object.Hash{}
	}
	if s.IsDVC() {
		r.p.Log.Info(fmt.Sprintf("Updating DVC file '%s'", r.p.Rel(r.p.Abs(s.File))))
	}
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	return rec.Record(ctx, s)
}
