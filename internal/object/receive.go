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
	w, err := r.write(ctx, o, src, sumFunc(h.IsLegacy() && !h.IsDir()))
	if err == nil && w.sum != h.sum {
		err = fmt.Errorf("%w: %s", ErrBadCopy, h)
	}
	return w.size, w.end(o, h, err)
}

// Take makes an object of a stream whose hash is not known before. A size that is
// not negative must be that of the stream.
func (r *Receiver) Take(ctx context.Context, src io.Reader, size int64) (Meta, error) {
	o, err := r.tree(false)
	if err != nil {
		return Meta{}, err
	}
	w, err := r.write(ctx, o, src, plainSum)
	if err == nil && size >= 0 && w.size != size {
		err = fmt.Errorf("%d bytes came of %d: %w", w.size, size, io.ErrUnexpectedEOF)
	}
	m := Meta{Hash: FileHash(w.sum), Size: w.size}
	return m, w.end(o, m.Hash, err)
}

// written is a stream as a temporary file.
type written struct {
	tmp  string // empty: there is none
	sum  [16]byte
	size int64
}

// end makes an object of the file, or removes it if there was an error.
func (w *written) end(o *objects, h Hash, err error) error {
	if w.tmp == "" {
		return err
	}
	if err == nil {
		err = o.commit(w.tmp, h.relPath())
	}
	if err != nil {
		o.stage.remove(w.tmp)
	}
	return err
}

func (r *Receiver) write(ctx context.Context, o *objects, src io.Reader, add hashFunc) (w written, err error) {
	f, tmp, err := o.create()
	if err != nil {
		return w, err
	}
	w.tmp = tmp
	buf := r.bufs.Get().(*[]byte)
	defer r.bufs.Put(buf)
	sum := md5.New()
	in := contextReader{ctx, src}
	for err == nil {
		// Whole chunks, as legacy hashes are of them; but unlike io.ReadFull it tells a
		// stream that was cut from one that ends.
		n := 0
		for n < len(*buf) && err == nil {
			var k int
			k, err = in.Read((*buf)[n:])
			n += k
		}
		if n > 0 {
			add(sum, (*buf)[:n])
			w.size += int64(n)
			if _, werr := f.Write((*buf)[:n]); werr != nil {
				err = o.stage.fail("write", tmp, werr)
			}
		}
	}
	if err == io.EOF {
		err = nil
	}
	sum.Sum(w.sum[:0])
	return w, errors.Join(err, f.Close())
}

// contextReader fails when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
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
