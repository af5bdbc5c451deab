package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/remote"
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

// remoteRuns lists the run cache in the remote.
func (s *Store) remoteRuns(ctx context.Context, l remote.Lister) (found map[string]bool, err error) {
	err = s.retry(ctx, nil, func() error {
		found = map[string]bool{}
		for info, err := range l.List(ctx, "runs/") {
			if err != nil {
				return err
			}
			found[info.Key] = true
		}
		return nil
	})
	return found, err
}

// RunsError says, in DVC's words, that a remote can keep no run cache.
type RunsError struct{ Text string }

func (e *RunsError) Error() string { return e.Text }

// runs is the run cache of the remote, or a *RunsError.
func (s *Store) runs(command string) (remote.Lister, error) {
	if err := s.Plain(command + " --run-cache"); err != nil {
		return nil, &RunsError{err.Error()}
	}
	l, ok := s.r.(remote.Lister)
	if !ok {
		scheme, _, _ := strings.Cut(s.URL, "://")
		return nil, &RunsError{fmt.Sprintf("run-cache is not supported for %s filesystem: %s", scheme, s.URL)}
	}
	return l, nil
}

// PushRuns copies the run cache to the remote and returns how many entries it
// lacked. The error of a remote that can keep none is a *RunsError.
func (s *Store) PushRuns(ctx context.Context, r *project.Repo) (int, error) {
	l, err := s.runs("push")
	if err != nil {
		return 0, err
	}
	keys, err := runFiles(r)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	there, err := s.remoteRuns(ctx, l)
	if err != nil {
		return 0, err
	}
	var lacking []string
	for _, key := range keys {
		if !there[key] {
			lacking = append(lacking, key)
		}
	}
	return len(lacking), s.eachRun(ctx, lacking, func(ctx context.Context, m *meter, key string) error {
		return s.attempt(ctx, m, "put", key, func(f *flow) error {
			// Entries of the run cache are small YAML files whose names are not the digest of
			// their bytes, so that there is nothing to verify them by.
			src, err := remote.File(filepath.Join(r.Cache().Dir(), filepath.FromSlash(key)))
			if err != nil {
				return err
			}
			// The reader is wrapped, so that the flow sees what moves.
			open := src.Open
			src.Open = func(offset int64) (io.ReadCloser, error) {
				body, err := open(offset)
				if err != nil {
					return nil, err
				}
				return f.reader(body, src.Size), nil
			}
			_, err = s.r.Put(f.ctx, key, src)
			return err
		})
	})
}

// eachRun copies entries, a few at a time; none on a dry run.
func (s *Store) eachRun(ctx context.Context, keys []string, do func(context.Context, *meter, string) error) error {
	if s.opts.Dry || len(keys) == 0 {
		return nil
	}
	m := s.newMeter(Uploading, len(keys), 0)
	defer m.end()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for _, key := range keys {
		g.Go(func() error {
			err := do(ctx, m, key)
			m.add(1, 0)
			return err
		})
	}
	return g.Wait()
}

// FetchRuns copies the entries of the run cache that are not here. The error of a remote
// that can keep none is a *RunsError.
func (s *Store) FetchRuns(ctx context.Context, r *project.Repo) error {
	l, err := s.runs("fetch")
	if err != nil {
		return err
	}
	there, err := s.remoteRuns(ctx, l)
	if err != nil {
		return err
	}
	var lacking []string
	for key := range there {
		name := filepath.FromSlash(key)
		// A remote is not trusted to name places outside of the cache.
		if filepath.IsLocal(name) && !project.Exists(filepath.Join(r.Cache().Dir(), name)) {
			lacking = append(lacking, key)
		}
	}
	return s.eachRun(ctx, lacking, func(ctx context.Context, m *meter, key string) error {
		return s.fetchFile(ctx, m, key, filepath.Join(r.Cache().Dir(), filepath.FromSlash(key)))
	})
}

// fetchFile copies one entry. It appears under its name when it is complete.
func (s *Store) fetchFile(ctx context.Context, m *meter, key, path string) error {
	src := s.resume(ctx, m, key)
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
