package transfer

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/config"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// A remote that keeps versions (options version_aware and worktree) has each file
// under the path that it has in the repository. No object has a name there: the
// .dvc files and dvc.lock say which version of which path it is.

// Versioned reports a remote that keeps versions, or is said to.
func (s *Store) Versioned() bool { return s.places != nil }

// Worktree reports a remote with versions whose newest ones are what Update takes.
func (s *Store) Worktree() bool { return s.worktree }

// Plain refuses what needs objects by their names, in DVC's words.
func (s *Store) Plain(command string) error {
	if !s.Versioned() {
		return nil
	}
	return callError{&config.Error{Err: fmt.Errorf("'%s' is unsupported for cloud versioned remotes", command)}}
}

// UnversionedError says that a remote does not keep versions.
type UnversionedError struct{ Remote, URL string }

func (e *UnversionedError) Error() string {
	return fmt.Sprintf("remote '%[1]s': %[2]s keeps no versions, which the options version_aware and worktree need; "+
		"turn versioning on for the bucket, or unset them: dvc remote modify %[1]s version_aware false", e.Remote, e.URL)
}

// Is makes it a remote.ErrUnversioned.
func (e *UnversionedError) Is(target error) bool { return target == remote.ErrUnversioned }

func (s *Store) unversioned() error { return &UnversionedError{s.Name, s.URL} }

// versions is the remote as one that keeps versions.
func (s *Store) versions() (remote.Versioned, error) {
	v, ok := s.r.(remote.Versioned)
	if !ok {
		return nil, s.unversioned()
	}
	return v, nil
}

// isVersion tells a version from what servers say where none are kept.
func isVersion(id string) bool { return id != "" && id != "null" }

// A File is a file of the repository in a remote that keeps versions.
type File struct {
	project.Place // what is recorded of it; after a push, what the remote has
	Hash          object.Hash
}

// Recorded reports whether a version of this remote is recorded. Files of early
// versions of DVC don't name the remote.
func (s *Store) recorded(f *File) bool {
	return f.ID != "" && (f.Remote == s.Name || f.Remote == "")
}

// haveVersions tells of those files whose version the remote has: by a request each,
// or by one listing.
func (s *Store) haveVersions(ctx context.Context, v remote.Versioned, files []*File, single bool, found func(int, remote.Info)) error {
	if len(files) == 0 {
		return nil
	}
	m := s.newMeter(Querying, len(files), 0)
	defer m.end()
	if !single {
		at := make(map[[2]string][]int, len(files))
		keys := make([]string, len(files))
		for i, f := range files {
			key := [2]string{f.Key, f.ID}
			at[key], keys[i] = append(at[key], i), f.Key
		}
		seen := map[int]remote.Info{}
		err := s.retry(ctx, nil, func() error {
			clear(seen)
			for info, err := range v.ListVersions(ctx, commonDir(keys)) {
				if err != nil {
					return err
				}
				for _, i := range at[[2]string{info.Key, info.Version}] {
					if !info.Deleted {
						seen[i] = info
					}
				}
			}
			return nil
		})
		for i, info := range seen {
			found(i, info)
		}
		return err
	}
	infos := make([]*remote.Info, len(files))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for i, f := range files {
		g.Go(func() error {
			err := s.retry(each, nil, func() error {
				info, err := v.StatVersion(each, f.Key, f.ID)
				infos[i] = &info
				return err
			})
			m.add(1, 0)
			if errors.Is(err, remote.ErrNotFound) {
				infos[i], err = nil, nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, info := range infos {
		if info != nil {
			found(i, *info)
		}
	}
	return nil
}

// commonDir is the directory that all keys lie in, with a slash; empty = the top.
func commonDir(keys []string) string {
	dir := path.Dir(keys[0]) + "/"
	for _, key := range keys {
		for dir != "./" && !strings.HasPrefix(key, dir) {
			dir = path.Dir(strings.TrimSuffix(dir, "/")) + "/"
		}
	}
	return strings.TrimPrefix(dir, "./")
}

// existsVersions is exists for a remote with versions.
func (s *Store) existsVersions(ctx context.Context, hashes []object.Hash) (sizes, error) {
	v, err := s.versions()
	if err != nil {
		return nil, err
	}
	var files []*File
	for _, h := range hashes {
		for _, place := range s.places(h) {
			files = append(files, &File{place, h})
		}
	}
	found := sizes{}
	err = s.haveVersions(ctx, v, files, len(files) <= max(8, s.jobs), func(i int, info remote.Info) { found[files[i].Hash] = info.Size })
	return found, err
}

// holdsVersions is Holds for a remote with versions, where a directory is there if all
// of its files are.
func (s *Store) holdsVersions(ctx context.Context, files, dirs []object.Hash) (map[object.Hash]bool, error) {
	trees := make([][]object.Entry, len(dirs))
	ask := files
	for i, h := range dirs {
		trees[i], _ = s.Tree(ctx, h) // unknown, it was not pushed there
		for _, e := range trees[i] {
			ask = append(ask, e.Hash)
		}
	}
	there, err := s.existsVersions(ctx, unique(ask))
	if err != nil {
		return nil, err
	}
	found := map[object.Hash]bool{}
	for h := range there {
		found[h] = true
	}
	for i, h := range dirs {
		found[h] = len(trees[i]) > 0 && !slices.ContainsFunc(trees[i], func(e object.Entry) bool { return !found[e.Hash] })
	}
	return found, nil
}

// Newest lists what a remote has at a path: a file or, if dir is set, the files below
// it, sorted. What is not there is an empty list. A listing may tell no versions.
func (s *Store) Newest(ctx context.Context, key string) (files []Plain, dir bool, err error) {
	v, err := s.versions()
	if err != nil {
		return nil, false, err
	}
	info, err := s.stat(ctx, key)
	if err == nil {
		return []Plain{PlainOf(info)}, false, nil
	}
	if !errors.Is(err, remote.ErrNotFound) {
		return nil, false, err
	}
	err = s.retry(ctx, nil, func() error {
		files = nil
		for info, err := range v.List(ctx, key+"/") {
			if err != nil {
				return err
			}
			files = append(files, PlainOf(info))
		}
		return nil
	})
	slices.SortFunc(files, func(a, b Plain) int { return strings.Compare(a.Key, b.Key) })
	return files, true, err
}

// Pin asks for the versions of files of which a listing has told none.
func (s *Store) Pin(ctx context.Context, files []Plain) ([]Plain, error) {
	files = slices.Clone(files)
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for i := range files {
		if isVersion(files[i].Version) {
			continue
		}
		g.Go(func() error {
			info, err := s.stat(each, files[i].Key)
			if err == nil && !isVersion(info.Version) {
				err = s.unversioned()
			}
			files[i] = PlainOf(info)
			return err
		})
	}
	return files, g.Wait()
}
