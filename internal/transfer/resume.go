package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// resume reads an object to its end, over as many connections as it takes.
func (s *Store) resume(ctx context.Context, m *meter, key string) *resumed {
	return &resumed{ctx: ctx, s: s, m: m, key: key, length: func() (int64, error) { return -1, nil }}
}

// resumeObject is resume for an object, wherever the remote has it.
func (s *Store) resumeObject(ctx context.Context, m *meter, h object.Hash) *resumed {
	r := s.resume(ctx, m, h.Key())
	r.length = func() (int64, error) { return s.Size(ctx, h) }
	if s.Versioned() {
		r.key, r.places, r.pinned = h.String(), s.places(h), true
	}
	return r
}

// GoesOn reports whether a transfer that failed may end well if it is tried again: it
// was cancelled, or the server was away.
func GoesOn(ctx context.Context, err error) bool {
	var e *remote.Error
	return ctx.Err() != nil || errors.Is(err, remote.ErrUnreachable) || errors.As(err, &e) && e.Temporary
}

// resumed goes on where a connection broke.
type resumed struct {
	ctx context.Context
	s   *Store
	m   *meter
	key string

	version string                // empty = the newest
	length  func() (int64, error) // bytes in all; -1 = not known
	opened  int                   // connections so far
	began   int64                 // where the first one began

	pinned bool            // the object is at one of the places, and nowhere else
	places []project.Place // where it may be

	offset int64
	body   io.ReadCloser
	flow   *flow
}

// Seek makes the next Read begin at an offset, before which nothing is wanted any more:
// it came earlier. An object that has no more bytes is begun anew.
func (r *resumed) Seek(offset int64, _ int) (int64, error) {
	if offset > 0 {
		size, err := r.length()
		if err != nil {
			return 0, err
		}
		if size >= 0 && size <= offset {
			offset = 0
		}
	}
	err := r.Close()
	r.m.add(0, offset-r.offset)
	r.began, r.offset = offset, offset
	return offset, err
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
	for r.pinned {
		if len(r.places) == 0 {
			return nil, &remote.Error{Op: "get", Remote: r.s.Name, URL: r.key, Kind: remote.ErrNotFound, Err: errNoVersion}
		}
		r.key, r.version = r.places[0].Key, r.places[0].ID
		body, err := r.openVersion()
		if !errors.Is(err, remote.ErrNotFound) || len(r.places) == 1 {
			return body, err
		}
		r.places = r.places[1:]
	}
	return r.openVersion()
}

var errNoVersion = errors.New("no version of it is recorded")

func (r *resumed) openVersion() (io.ReadCloser, error) {
	if _, err := r.s.versions(); err != nil && r.pinned {
		return nil, err
	}
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
