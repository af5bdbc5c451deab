package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
)

// runFiles lists the run cache: keys as a remote has them.
func runFiles(r *project.Repo) ([]string, error) {
	var keys []string
	err := filepath.WalkDir(r.RunDir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), atomicfile.TempPrefix) {
			return err
		}
		// In a remote the run cache lies as in the cache: runs/KE/KEY/VALUE.
		rel, err := filepath.Rel(r.Cache().Dir(), path)
		keys = append(keys, filepath.ToSlash(rel))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

// PushRuns copies the run cache to the remote and returns how many entries it
// lacked.
func PushRuns(ctx context.Context, r *project.Repo, name string) (int, error) {
	remote, _, err := Remote(r, name)
	if err != nil {
		return 0, err
	}
	keys, err := runFiles(r)
	if err != nil {
		return 0, err
	}
	there, err := remote.Has(ctx, keys)
	if err != nil {
		return 0, err
	}
	count := 0
	for i, key := range keys {
		if there[i] {
			continue
		}
		f, err := os.Open(filepath.Join(r.Cache().Dir(), filepath.FromSlash(key)))
		if err != nil {
			return count, err
		}
		if err := errors.Join(remote.Put(ctx, key, f), f.Close()); err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

// FetchRuns copies the entries of the run cache that are not here.
func FetchRuns(ctx context.Context, r *project.Repo, name string) error {
	remote, _, err := Remote(r, name)
	if err != nil {
		return err
	}
	for key, err := range remote.List(ctx, "runs/") {
		if err != nil {
			return err
		}
		// A remote is not trusted to name places outside of the cache.
		if path := filepath.Join(r.Cache().Dir(), filepath.FromSlash(key)); filepath.IsLocal(filepath.FromSlash(key)) && !project.Exists(path) {
			if err := fetchFile(ctx, remote, key, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchFile copies one entry. It appears under its name when it is complete.
func fetchFile(ctx context.Context, remote object.Remote, key, path string) error {
	src, err := remote.Get(ctx, key)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := atomicfile.Create(path, nil)
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.ReadFrom(src); err != nil {
		return err
	}
	return f.Commit()
}
