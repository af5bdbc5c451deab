package external

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/reprodl/reprodl/internal/ctxio"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Open opens a file. What DVC keeps is read from the cache or streamed from the
// remote, and is an io.Seeker: to seek in a stream is to open it anew where it is
// read next.
func (r *Repo) Open(n *Node) (io.ReadCloser, error) { return r.openFile(n, !r.opts.NoVerify) }

// Copy writes a file, and is an error if its data is not what is recorded.
func (r *Repo) Copy(ctx context.Context, w io.Writer, n *Node) error {
	f, err := r.openFile(n, true)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, ctxio.Reader(ctx, f))
	return errors.Join(err, f.Close())
}

// Receive takes a file that comes from a remote to a cache, and goes on with what is
// there of it. Of a file that is at hand, or whose hash is not known, it says so.
func (r *Repo) Receive(ctx context.Context, cache *object.Cache, to *object.Receiver, n *Node) (m object.Meta, away bool, err error) {
	if n.Git || n.Dir || n.Broken {
		return m, false, nil
	}
	if has, err := cache.HasObject(ctx, n.Hash, -1); has && err == nil {
		size, err := cache.Size(n.Hash)
		return object.Meta{Hash: n.Hash, Size: size}, true, err
	}
	body, err := r.openFile(n, false)
	if err != nil {
		return m, false, err
	}
	defer body.Close()
	f, ok := body.(*stream)
	if !ok || f.here || f.hash.IsZero() {
		return m, false, nil
	}
	m.Hash = f.hash
	m.Size, err = to.Resume(ctx, f.hash, &resumable{f})
	return m, true, err
}

// resumable is a stream as a receiver wants it: where nothing follows it begins anew.
type resumable struct{ *stream }

func (f *resumable) Seek(offset int64, whence int) (int64, error) {
	if size, err := f.size(); err == nil && size >= 0 && offset >= size {
		offset = 0
	}
	return f.stream.Seek(offset, whence)
}

func (r *Repo) openFile(n *Node, verify bool) (io.ReadCloser, error) {
	if n.Dir {
		return nil, &fs.PathError{Op: "open", Path: n.Path, Err: errors.New("is a directory")}
	}
	if n.Broken {
		// To open a pipe might wait for ever.
		return nil, &fs.PathError{Op: "open", Path: n.Path, Err: errors.New("a pipe, socket or device, not a file")}
	}
	if n.Git {
		return r.files.Open(n.Path)
	}
	for _, c := range r.caches(n.part) {
		ok, err := c.HasObject(r.ctx, n.Hash, -1)
		if n.Hash.IsZero() || !ok && err == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		f := newStream(n.Hash, verify, func(offset int64) (io.ReadCloser, error) { return c.OpenAt(n.Hash, offset) },
			func() (int64, error) { return c.Size(n.Hash) })
		f.here = true
		return f, nil
	}
	if c, from, err := r.chained(n.part, n.out); c != nil || err != nil {
		if err != nil {
			return nil, err
		}
		in, err := c.Node(path.Join(from, n.rest))
		if err != nil {
			return nil, err
		}
		return c.openFile(in, verify)
	}
	if s, err := r.urlSource(n.part, n.out); s != nil || err != nil {
		if err != nil {
			return nil, r.noData(n.part, n.out, n.rest, err)
		}
		if f := s.open(r, n, verify); f != nil {
			return f, nil
		}
	}
	if n.Hash.IsZero() {
		return nil, r.noData(n.part, n.out, n.rest, errNotRecorded)
	}
	s, err := r.store(n.part, n.out.Remote)
	if err != nil {
		return nil, r.noData(n.part, n.out, n.rest, err)
	}
	size, err := s.Size(r.ctx, n.Hash)
	if err != nil {
		return nil, r.noData(n.part, n.out, n.rest, err)
	}
	return newStream(n.Hash, verify, func(offset int64) (io.ReadCloser, error) { return s.Reader(r.ctx, n.Hash, offset), nil },
		func() (int64, error) { return size, nil }), nil
}

func newStream(h object.Hash, verify bool, open func(int64) (io.ReadCloser, error), size func() (int64, error)) *stream {
	f := &stream{hash: h, open: open, size: size}
	if verify {
		f.check = object.NewChecker(h)
	}
	return f
}

// stream reads an object from wherever it is. Read from its beginning to its end
// it is verified.
type stream struct {
	hash  object.Hash // zero = not known
	here  bool        // on this machine
	open  func(offset int64) (io.ReadCloser, error)
	size  func() (int64, error)
	check *object.Checker // nil: not any more

	offset  int64 // of the next byte
	checked int64 // bytes that check has seen
	body    io.ReadCloser
}

// Size is the number of bytes.
func (f *stream) Size() (int64, error) {
	n, err := f.size()
	if err == nil && n < 0 {
		err = errors.New("the remote does not tell how large it is")
	}
	return n, err
}

func (f *stream) Read(p []byte) (int, error) {
	if f.body == nil {
		body, err := f.open(f.offset)
		if err != nil {
			return 0, err
		}
		f.body = body
	}
	n, err := f.body.Read(p)
	if f.check != nil && f.offset == f.checked {
		_, _ = f.check.Write(p[:n])
		f.checked += int64(n)
	}
	f.offset += int64(n)
	if err == io.EOF && f.check != nil && f.checked == f.offset {
		if bad := f.check.Check(); bad != nil {
			return n, bad
		}
	}
	return n, err
}

// Seek moves to where the next Read begins. Nothing is read for it.
func (f *stream) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		size, err := f.Size()
		if err != nil {
			return 0, err
		}
		offset += size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek: %w", fs.ErrInvalid)
	}
	if offset != f.offset {
		_ = f.Close()
		f.offset = offset
		// Read again from the beginning, it is verified again.
		if offset == 0 && f.check != nil {
			f.check, f.checked = f.check.Again(), 0
		}
	}
	return offset, nil
}

func (f *stream) Close() error {
	if f.body == nil {
		return nil
	}
	err := f.body.Close()
	f.body = nil
	return err
}

// Address is where the data of a tracked file or directory lies: its object in
// the remote or, if there is none, in the cache of the repository.
func (r *Repo) Address(n *Node) (string, error) {
	if s, err := r.urlSource(n.part, n.out); s != nil || err != nil {
		if err != nil {
			return "", err
		}
		return s.address(n), nil
	}
	if !n.Tracked || n.Hash.IsZero() {
		return "", fmt.Errorf("'%s' is not tracked by DVC in '%s'", n.Path, r.URL)
	}
	s, err := r.store(n.part, n.out.Remote)
	if err == nil {
		return s.Address(n.Hash, path.Join(n.part.index.FromRoot(n.out.Abs), n.rest)), nil
	}
	if r.Path != "" && !errors.Is(err, remote.ErrUnreachable) {
		return n.part.p.Cache().Path(n.Hash), nil
	}
	return "", err
}
