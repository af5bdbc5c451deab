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
	if err := f.download(ctx, manifests(dirs)); err != nil {
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

// get fetches one object. A copy whose digest is another is refused by the
// receiver, so that a damaged remote cannot damage the cache.
func (f *fetcher) get(ctx context.Context, h object.Hash, m *meter) (size int64, err error) {
	r := f.s.resume(ctx, m, h.Key())
	defer r.Close()
	size, err = f.receiver.Receive(ctx, h, r)
	if errors.Is(err, object.ErrBadCopy) {
		err = fmt.Errorf("remote '%s': %s/%s: %w; it was not stored", f.s.Name, f.s.URL, h.Key(), object.ErrBadCopy)
	}
	return size, err
}

// resume reads an object to its end, over as many connections as it takes.
func (s *Store) resume(ctx context.Context, m *meter, key string) *resumed {
	return &resumed{ctx: ctx, s: s, m: m, key: key}
}

// resumed goes on where a connection broke.
type resumed struct {
	ctx context.Context
	s   *Store
	m   *meter
	key string

	version string // empty = the newest
	opened  int    // connections so far

	offset int64
	body   io.ReadCloser
	flow   *flow
}

// Read never hands out a byte twice: offset counts what the caller has, and the
// next connection begins there.
func (r *resumed) Read(p []byte) (n int, err error) {
	err = r.s.retry(r.ctx, nil, func() error {
		if r.body == nil {
			r.flow = r.s.newFlow(r.ctx, r.m)
			body, err := r.open()
			if err != nil {
				return r.broken(err)
			}
			r.opened++
			r.body = r.flow.reader(body, -1)
		}
		if n, err = r.body.Read(p); err == io.EOF || err == nil {
			return err
		}
		if err = r.broken(err); n > 0 { // the next Read meets the error again, or goes on
			return nil
		}
		return err
	})
	r.offset += int64(n)
	return n, err
}

func (r *resumed) open() (io.ReadCloser, error) {
	if v, ok := r.s.r.(remote.Versioned); ok && r.version != "" {
		return v.OpenVersion(r.flow.ctx, r.key, r.version, r.offset, -1)
	}
	return r.s.r.Open(r.flow.ctx, r.key, r.offset, -1)
}

// broken ends a connection, and says what its error is.
func (r *resumed) broken(err error) error {
	if cause := context.Cause(r.flow.ctx); cause == errStalled {
		err = &remote.Error{Op: "get", Remote: r.s.Name, URL: r.key, Temporary: true, Err: fmt.Errorf("%w (%s)", errStalled, r.s.opts.Stall)}
	}
	r.Close()
	return err
}

func (r *resumed) Close() error {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
	if r.flow != nil {
		r.flow.end()
		r.flow = nil
	}
	return nil
}

// Tree reads a directory's manifest from the cache or, without storing it, from
// the remote.
func (s *Store) Tree(ctx context.Context, h object.Hash) ([]object.Entry, error) {
	entries, err := s.cache.Tree(h)
	if !errors.Is(err, object.ErrMissing) {
		return entries, err
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
	if err := f.download(ctx, []object.Hash{h}); err != nil {
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
