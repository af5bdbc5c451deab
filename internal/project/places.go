package project

import (
	"path"
	"slices"
	"sync"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/object"
)

// A Place is where a remote that keeps versions has a file: under the path that it
// has in the repository.
type Place struct {
	Key string // from the root, with slashes
	dvcfile.CloudVersion
}

// places are what all files that were read, of whatever revision, say of versions.
// Objects have no names of their own in such a remote: who looks for one asks here.
type places struct {
	mu    sync.Mutex
	of    map[object.Hash][]Place
	trees map[object.Hash][]dvcfile.ListedFile
}

// notePlaces notes what an entry says of the output at a path, from the root.
func (r *Repo) notePlaces(at string, e *dvcfile.LockEntry) {
	if e.Extra.Len() == 0 || e.Hash.IsZero() {
		return
	}
	if v := e.Cloud(); v.ID != "" && !e.Hash.IsDir() {
		r.AddPlace(e.Hash, Place{at, v})
	}
	files, ok := e.ListedFiles()
	if !ok || !e.Hash.IsDir() {
		return
	}
	r.places.mu.Lock()
	if r.places.trees == nil {
		r.places.trees = map[object.Hash][]dvcfile.ListedFile{}
	}
	r.places.trees[e.Hash] = files
	r.places.mu.Unlock()
	for _, f := range files {
		if f.Version.ID != "" {
			r.AddPlace(f.Hash, Place{path.Join(at, f.Path), f.Version})
		}
	}
}

// AddPlace notes where a file is to be had.
func (r *Repo) AddPlace(h object.Hash, p Place) {
	r.places.mu.Lock()
	defer r.places.mu.Unlock()
	if r.places.of == nil {
		r.places.of = map[object.Hash][]Place{}
	}
	if !slices.Contains(r.places.of[h], p) {
		r.places.of[h] = append(r.places.of[h], p)
	}
}

// Places are where remotes that keep versions have an object. Those of the remote
// that is named come first.
func (r *Repo) Places(h object.Hash, remote string) []Place {
	r.places.mu.Lock()
	list := slices.Clone(r.places.of[h])
	r.places.mu.Unlock()
	slices.SortStableFunc(list, func(a, b Place) int { return other(a.Remote, remote) - other(b.Remote, remote) })
	return list
}

func other(a, b string) int {
	if a == b {
		return 0
	}
	return 1
}

// Listed are the files of a directory that is recorded by a list of them.
func (r *Repo) Listed(h object.Hash) ([]dvcfile.ListedFile, bool) {
	r.places.mu.Lock()
	defer r.places.mu.Unlock()
	files, ok := r.places.trees[h]
	return files, ok
}

// ListedTree is Listed as a manifest has it; others are an object.ErrMissing.
func (r *Repo) ListedTree(h object.Hash) ([]object.Entry, error) {
	entries, ok := r.listedEntries(h)
	if !ok {
		return nil, object.ErrMissing
	}
	return entries, nil
}

// listedEntries is Listed for the cache.
func (r *Repo) listedEntries(h object.Hash) ([]object.Entry, bool) {
	files, ok := r.Listed(h)
	if !ok {
		return nil, false
	}
	entries := make([]object.Entry, len(files))
	for i, f := range files {
		entries[i] = f.Entry
	}
	object.SortEntries(entries)
	return entries, true
}
