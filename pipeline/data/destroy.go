package data

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// Destroy makes a repository a plain directory again: .dvc with the cache in it,
// .dvcignore, and all files that declare stages or tracked data are gone. Outputs
// stay; those that are links into the cache become files before it goes. Without
// a remote that has them, earlier contents are lost.
func (r *Repo) Destroy(ctx context.Context) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	files, err := r.release(ctx)
	unlock()
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range append(files, filepath.Join(r.p.Root, ".dvcignore")) {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	// While any of them is there, so is the repository.
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(r.p.Root, ".dvc"))
}

// release makes the outputs independent of the cache and returns the files of the
// stages.
func (r *Repo) release(ctx context.Context) ([]string, error) {
	x := r.p.NewIndex()
	if err := x.Collect(); err != nil {
		return nil, err
	}
	var files []string
	seen := map[string]bool{}
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			if !o.Cached() || !o.InRepo {
				continue
			}
			if err := r.p.Unprotect(ctx, o); err != nil {
				return nil, err
			}
		}
		if seen[s.File] {
			continue
		}
		seen[s.File] = true
		abs := r.p.Abs(s.File)
		files = append(files, abs)
		if !s.IsDVC() {
			files = append(files, filepath.Join(filepath.Dir(abs), dvcfile.LockName))
		}
	}
	return files, nil
}
