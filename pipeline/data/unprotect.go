package data

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/reprodl/reprodl/internal/project"
)

// Unprotect makes tracked files and directories writable: links to the cache
// become copies. Paths are relative to Dir.
func (r *Repo) Unprotect(ctx context.Context, paths ...string) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for _, path := range paths {
		// What is outside, through a link, is not turned into copies.
		if abs := r.p.UserPath(path); project.Exists(abs) {
			if err := r.p.CheckInside(abs); err != nil {
				return err
			}
		}
		err := r.p.Cache().Unprotect(ctx, r.p.Hasher(), r.p.UserPath(path))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("can't unprotect non-existing data '%s'", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
