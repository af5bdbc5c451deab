package object

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// ErrBadCopy says that what came from elsewhere does not have the hash it was
// asked by. It has not been stored.
var ErrBadCopy = errors.New("object is corrupt in the remote")

// Receiver stores objects that come from elsewhere. It is safe for concurrent
// use; Close ends it.
type Receiver struct {
	c    *Cache
	bufs sync.Pool // of *[]byte

	mu    sync.Mutex
	trees map[bool]*objects // by whether they are legacy
}

// Receiver returns a Receiver for the cache. Nothing is created before
// something is stored.
func (c *Cache) Receiver() *Receiver {
	r := &Receiver{c: c, trees: map[bool]*objects{}}
	r.bufs.New = func() any { b := make([]byte, receiveSize); return &b }
	return r
}

// receiveSize is a multiple of what legacy hashes are computed by.
const receiveSize = chunkSize

// tree opens one of the cache's trees the first time it is needed.
func (r *Receiver) tree(legacy bool) (*objects, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.trees[legacy]; o != nil {
		return o, nil
	}
	o, err := r.c.writable(legacy)
	if err == nil {
		r.trees[legacy] = o
	}
	return o, err
}

// Close ends the use of the cache's directories.
func (r *Receiver) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for legacy, o := range r.trees {
		o.close()
		delete(r.trees, legacy)
	}
}

// Receive makes an object of a stream, hashing it on the way: it appears, by
// rename, only if it has the hash. The result is the number of bytes.
// A kill leaves a temporary file, which a sweep finds by its name.
func (r *Receiver) Receive(ctx context.Context, h Hash, src io.Reader) (int64, error) {
	o, err := r.tree(h.IsLegacy())
	if err != nil {
		return 0, err
	}
	w := &writer{r: r, o: o, add: sumOf(h)}
	err = w.copy(ctx, src)
	if err == nil && w.sum != h.sum {
		err = badCopy(h)
	}
	return w.size, w.end(h, err)
}

// Resume is Receive for a stream that can begin anywhere. What has come of a large one
// is kept if it breaks off, also when the process dies, and the next Resume of the
// object, by this process or another, seeks and goes on there. src is at its beginning.
// A source that is shorter than what has come seeks to its beginning instead.
func (r *Receiver) Resume(ctx context.Context, h Hash, src io.ReadSeeker) (int64, error) {
	o, err := r.tree(h.IsLegacy())
	if err != nil {
		return 0, err
	}
	w := &writer{r: r, o: o, add: sumOf(h), name: h.String()}
	err = w.resume(ctx, src)
	if err == nil && w.resumed && w.sum != h.sum {
		// Of two different states of the source, perhaps.
		w.end(h, badCopy(h))
		if _, err := src.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		w = &writer{r: r, o: o, add: w.add, name: w.name}
		err = w.copy(ctx, src)
	}
	if err == nil && w.sum != h.sum {
		err = badCopy(h)
	}
	return w.size, w.end(h, err)
}

func badCopy(h Hash) error { return fmt.Errorf("%w: %s", ErrBadCopy, h) }

// sumOf is how the hash of an object is computed.
func sumOf(h Hash) hashFunc { return sumFunc(h.IsLegacy() && !h.IsDir()) }

// Take makes an object of a stream whose hash is not known before. A size that is
// not negative must be that of the stream.
func (r *Receiver) Take(ctx context.Context, src io.Reader, size int64) (Meta, error) {
	o, err := r.tree(false)
	if err != nil {
		return Meta{}, err
	}
	w := &writer{r: r, o: o, add: plainSum}
	return w.take(w.copy(ctx, src), size)
}

// ResumeAs is Take for a stream that can begin anywhere, as Resume is for Receive. The
// name stands for the bytes, whatever they are: another source, or another state of it,
// has another one. It is used as part of a file's name.
func (r *Receiver) ResumeAs(ctx context.Context, name string, src io.ReadSeeker, size int64) (Meta, error) {
	o, err := r.tree(false)
	if err != nil {
		return Meta{}, err
	}
	w := &writer{r: r, o: o, add: plainSum, name: name}
	return w.take(w.resume(ctx, src), size)
}

// longSum is the size from which it pays to remember that an object was hashed.
const longSum = 16 << 20

// received reports whether the object has been received, and so verified, by this
// Cache, and has the same key since.
func (c *Cache) received(h Hash, key *statKey) bool {
	known, ok := c.fresh.Load(h)
	return ok && known == *key
}

// OpenAt returns the bytes of an object from an offset on. Unlike those of
// Open, they are not verified.
// A caller that needs certainty verifies the object as a whole (see VerifyObject).
func (c *Cache) OpenAt(h Hash, offset int64) (io.ReadCloser, error) {
	f, err := os.Open(c.Path(h))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Size is the number of bytes of an object, present or ErrMissing.
func (c *Cache) Size(h Hash) (int64, error) {
	fi, err := os.Stat(c.Path(h))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%w: %s", ErrMissing, h)
	}
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// ParseTree reads the manifest of a directory that is not in the cache. The
// bytes must have the hash h.
func ParseTree(h Hash, data []byte) ([]Entry, error) {
	if md5.Sum(data) != h.sum {
		return nil, fmt.Errorf("%w: %s", ErrBadCopy, h)
	}
	entries, err := ParseManifest(data)
	if err == nil && h.IsLegacy() {
		for i := range entries {
			entries[i].Hash = entries[i].Hash.Legacy()
		}
	}
	return entries, err
}

// Key is where a remote keeps the object.
func (h Hash) Key() string {
	if h.IsLegacy() {
		return h.relPath()
	}
	return "files/md5/" + h.relPath()
}

// MD5 is the digest of the object's bytes, 16 of them; nil if the hash is that
// of a text with other line endings.
func (h Hash) MD5() []byte {
	if h.IsZero() || h.IsLegacy() && !h.IsDir() {
		return nil
	}
	return h.sum[:]
}

// VerifyObject is Verify for the object alone: of a directory, its manifest.
func (c *Cache) VerifyObject(ctx context.Context, h Hash) error {
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return err
	}
	if o == nil {
		return fmt.Errorf("%w: %s", ErrMissing, h)
	}
	defer o.close()
	return o.rehash(ctx, h)
}
