package ssh

import (
	"context"
	"io"
	"sync"

	"github.com/pkg/sftp"
)

func (s *server) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	var r *reader
	err := s.do(ctx, "get", key, func(c *session) error {
		f, err := c.Open(s.at(key))
		if err != nil {
			return err
		}
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			f.Close()
			return err
		}
		r = &reader{s: s, key: key, sess: c, f: f, left: length}
		return nil
	})
	if err != nil {
		return nil, err
	}
	// do has ended, and with it its watch on ctx: the reader has its own.
	r.stop = context.AfterFunc(ctx, r.sess.abandon)
	return r, nil
}

// reader asks for one packet first, since most files fit in one. What follows
// is fetched by many requests at a time while the caller digests what came.
type reader struct {
	s    *server
	key  string
	sess *session
	f    *sftp.File
	left int64 // bytes still wanted; negative = all
	stop func() bool

	begun  bool
	stream *io.PipeReader
	ended  sync.WaitGroup
}

// The error of a session that broke ends the connection (see fail).
func (r *reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.left > 0 {
		p = p[:min(int64(len(p)), r.left)]
	}
	n, err := r.read(p)
	if r.left > 0 {
		r.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		err = r.s.fail("get", r.key, r.sess, err)
	}
	return n, err
}

func (r *reader) read(p []byte) (int, error) {
	switch {
	case r.stream != nil:
		return r.stream.Read(p)
	case !r.begun:
		r.begun = true
		return r.f.Read(p[:min(len(p), smallFile)])
	// With a limit nothing is fetched ahead: what is past it would come for nothing.
	case r.left > 0:
		return r.f.Read(p)
	}
	// An end or error of the file comes out of the pipe, in its place in the stream.
	in, out := io.Pipe()
	r.stream = in
	r.ended.Go(func() {
		_, err := r.f.WriteTo(out)
		out.CloseWithError(err)
	})
	return in.Read(p)
}

// Close waits for the goroutine that fetches ahead, which the closed pipe ends:
// it must not use the file after it is closed.
func (r *reader) Close() error {
	if r.stream != nil {
		r.stream.Close()
		r.ended.Wait()
	}
	err := r.f.Close()
	r.stop()
	if err != nil {
		return r.s.fail("get", r.key, r.sess, err)
	}
	return nil
}
