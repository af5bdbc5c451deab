package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Fetch copies to the cache what it lacks of the objects and, for directories,
// of their files. The cache is asked first: if it lacks nothing the remote hears
// nothing. What is stored is verified.
func (s *Store) Fetch(ctx context.Context, objects []Wanted) (*Result, error) {
	f := &fetcher{batch: batch{s: s}, receiver: s.cache.Receiver()}
	defer f.receiver.Close()
	err := f.run(ctx, objects)
	return &f.result, err
}

// fetcher is one call of Fetch. Its receiver verifies objects and puts them in the
// cache; several may be received at a time.
type fetcher struct {
	batch
	receiver *object.Receiver
}

// run fetches all manifests before any file: only they tell which files there are.
func (f *fetcher) run(ctx context.Context, objects []Wanted) error {
	files, dirs := split(objects)
	if err := f.manifests(ctx, manifests(dirs)); err != nil {
		return err
	}
	for _, w := range dirs {
		entries, err := f.tree(ctx, w.Hash)
		if err != nil {
			return err
		}
		for _, e := range w.of(entries) {
			files = append(files, e.Hash)
		}
	}
	return f.download(ctx, unique(files))
}

// manifests fetches those of directories. A remote with versions has none: they are
// made of what is recorded.
func (f *fetcher) manifests(ctx context.Context, hashes []object.Hash) error {
	if !f.s.Versioned() {
		return f.download(ctx, hashes)
	}
	for _, h := range hashes {
		if ok, err := f.s.cache.HasObject(ctx, h, -1); ok || err != nil || f.s.opts.Dry {
			if err != nil {
				return err
			}
			continue
		}
		entries, err := f.s.listed(h)
		if err != nil { // nothing of it was ever pushed there
			if err := f.note(h, err); err != nil {
				return err
			}
			continue
		}
		if _, err := f.s.cache.PutManifest(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}

// tree reads a manifest that has just been fetched; none if it could not be.
func (f *fetcher) tree(ctx context.Context, h object.Hash) ([]object.Entry, error) {
	entries, err := f.s.cache.Tree(h)
	// A dry run has stored no manifest; it is read where it is.
	if errors.Is(err, object.ErrMissing) && f.s.opts.Dry {
		entries, err = f.s.Tree(ctx, h)
	}
	if errors.Is(err, object.ErrMissing) || errors.Is(err, object.ErrCorrupt) {
		return nil, nil // noted by download
	}
	return entries, err
}

// download fetches those of the objects that the cache lacks. The size, -1, is not
// compared: only names are known here.
func (f *fetcher) download(ctx context.Context, hashes []object.Hash) error {
	var lacking []object.Hash
	for _, h := range hashes {
		ok, err := f.s.cache.HasObject(ctx, h, -1)
		if err != nil {
			return err
		}
		if !ok {
			lacking = append(lacking, h)
		}
	}
	if f.s.opts.Dry {
		return f.count(ctx, lacking)
	}
	_, err := f.each(ctx, lacking, Downloading, 0, f.get)
	return err
}

// count is what a dry run does instead of copying.
func (f *fetcher) count(ctx context.Context, hashes []object.Hash) error {
	there, err := f.s.holds(ctx, hashes)
	if err != nil {
		return err
	}
	for _, h := range hashes {
		size, ok := there[h]
		if !ok {
			f.result.Missing = append(f.result.Missing, h)
			continue
		}
		f.result.Count++
		f.result.Bytes += max(0, size)
	}
	return nil
}

// get fetches one object, and of a large one what has not come earlier. A copy whose
// digest is another is refused by the receiver, so that a damaged remote cannot damage
// the cache.
func (f *fetcher) get(ctx context.Context, h object.Hash, m *meter) (size int64, err error) {
	r := f.s.resumeObject(ctx, m, h)
	defer r.Close()
	size, err = f.receiver.Resume(ctx, h, r)
	if errors.Is(err, object.ErrBadCopy) {
		err = fmt.Errorf("remote '%s': %s/%s: %w; it was not stored", f.s.Name, f.s.URL, r.key, object.ErrBadCopy)
	}
	return size, err
}

// Tree reads a directory's manifest from the cache or, without storing it, from
// the remote.
func (s *Store) Tree(ctx context.Context, h object.Hash) ([]object.Entry, error) {
	entries, err := s.cache.Tree(h)
	if !errors.Is(err, object.ErrMissing) {
		return entries, err
	}
	if s.Versioned() {
		return s.listed(h)
	}
	data, rerr := s.read(ctx, h.Key())
	if errors.Is(rerr, remote.ErrNotFound) {
		return nil, err
	}
	if rerr != nil {
		return nil, rerr
	}
	return object.ParseTree(h, data)
}

// read is a small object.
func (s *Store) read(ctx context.Context, key string) ([]byte, error) {
	r := s.resume(ctx, s.newMeter(Querying, 1, 0), key)
	defer r.Close()
	return io.ReadAll(r)
}

// FetchTree is Tree, but keeps a manifest that it had to fetch.
// An object that is nowhere is not in Failed; the cache says then that it lacks it.
func (s *Store) FetchTree(ctx context.Context, h object.Hash) ([]object.Entry, error) {
	f := &fetcher{batch: batch{s: s}, receiver: s.cache.Receiver()}
	defer f.receiver.Close()
	if err := f.manifests(ctx, []object.Hash{h}); err != nil {
		return nil, err
	}
	if err := errors.Join(f.result.Failed...); err != nil {
		return nil, err
	}
	return s.cache.Tree(h)
}

// Holds reports which of the objects the remote has. The files of a directory
// that it has are taken to be there, unless Verify is set: trees tells which
// they are.
func (s *Store) Holds(ctx context.Context, hashes []object.Hash, trees map[object.Hash][]object.Entry) (map[object.Hash]bool, error) {
	// Two rounds: first the manifests, then those files that none of them vouches
	// for. A false in found is a file that is only named, and is taken out last.
	files, parts := split(All(hashes...))
	if s.Versioned() {
		return s.holdsVersions(ctx, files, manifests(parts))
	}
	there, err := s.holds(ctx, manifests(parts))
	if err != nil {
		return nil, err
	}
	found := map[object.Hash]bool{}
	for h := range there {
		found[h] = true
		for _, e := range trees[h] {
			found[e.Hash] = found[e.Hash] || s.vouches(h)
		}
	}
	var ask []object.Hash
	for _, h := range files {
		if !found[h] {
			ask = append(ask, h)
		}
	}
	if there, err = s.holds(ctx, ask); err != nil {
		return nil, err
	}
	for h := range there {
		found[h] = true
	}
	for h := range found {
		if !found[h] {
			delete(found, h)
		}
	}
	return found, nil
}
