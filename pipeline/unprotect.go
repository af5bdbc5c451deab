package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Unprotect makes tracked files and directories writable: links to the cache
// become copies. Paths are relative to Dir.
func (r *Repo) Unprotect(ctx context.Context, paths ...string) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	for _, path := range paths {
		err := r.Cache().Unprotect(ctx, r.Hasher(), r.userPath(path))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("can't unprotect non-existing data '%s'", path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
