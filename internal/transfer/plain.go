package transfer

import (
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Plain is a file in a remote that is not named by its content, as users have them.
type Plain struct {
	Key      string
	Size     int64     // -1 = not known
	ETag     string    // empty = none
	Modified time.Time // zero = not known
	Version  string    // empty = the newest
}

// PlainOf is a file as a remote describes it.
func PlainOf(i remote.Info) Plain {
	return Plain{Key: i.Key, Size: i.Size, ETag: i.ETag, Modified: i.Modified, Version: i.Version}
}

// TakePlain copies plain files to a cache, all or none of which the caller will
// use: it ends at the first error. The result has their order. What came earlier, as
// the notes tell, is not asked for again. done, unless nil, hears of each file, from
// several goroutines.
func (s *Store) TakePlain(ctx context.Context, cache *object.Cache, files []Plain, came *Came, done func(object.Meta)) ([]object.Meta, error) {
	receiver := cache.Receiver()
	defer receiver.Close()
	return s.eachPlain(ctx, files, Downloading, func(ctx context.Context, i int, m *meter) (object.Meta, error) {
		meta, err := s.takeOnce(ctx, cache, receiver, files[i], came, m)
		if err == nil && done != nil {
			done(meta)
		}
		return meta, err
	})
}

// takeOnce is takePlain for a file that may have come.
func (s *Store) takeOnce(ctx context.Context, cache *object.Cache, receiver *object.Receiver, f Plain, came *Came, m *meter) (object.Meta, error) {
	state := s.State(f)
	if meta, ok := came.of(state); ok {
		if has, err := cache.HasObject(ctx, meta.Hash, meta.Size); has && err == nil {
			m.add(0, meta.Size)
			return meta, nil
		}
	}
	meta, err := s.takePlain(ctx, receiver, f, m)
	if err == nil {
		came.add(state, meta)
	}
	return meta, err
}

// RelayPlain copies plain files to another store without keeping them: each lies
// below a directory of this machine only until it has been sent. What lies there, or
// has been sent, as the notes tell, is not asked for again.
func (s *Store) RelayPlain(ctx context.Context, dir string, to *Store, files []Plain, came *Came) ([]object.Meta, error) {
	return s.eachPlain(ctx, files, Uploading, func(ctx context.Context, i int, m *meter) (object.Meta, error) {
		state := s.State(files[i])
		if meta, ok := came.of(state); ok {
			if sent, err := to.sent(ctx, meta.Hash); sent && err == nil {
				m.add(0, meta.Size)
				return meta, nil
			}
		}
		own := filepath.Join(dir, cmp.Or(state, strconv.Itoa(i)))
		spool := object.OpenCache(own, nil)
		receiver := spool.Receiver()
		meta, err := s.takeOnce(ctx, spool, receiver, files[i], came, m)
		receiver.Close()
		if err == nil {
			err = to.Send(ctx, spool, meta.Hash)
		}
		if err == nil || state == "" {
			err = errors.Join(err, os.RemoveAll(own))
		}
		return meta, err
	})
}

func (s *Store) eachPlain(ctx context.Context, files []Plain, phase Phase, do func(context.Context, int, *meter) (object.Meta, error)) ([]object.Meta, error) {
	var bytes int64
	for _, f := range files {
		bytes += max(0, f.Size)
	}
	m := s.newMeter(phase, len(files), bytes)
	defer m.end()
	metas := make([]object.Meta, len(files))
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(s.jobs)
	for i := range files {
		if each.Err() != nil {
			break
		}
		g.Go(func() (err error) {
			if metas[i], err = do(each, i, m); err == nil {
				m.add(1, 0)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return metas, context.Cause(ctx) // cancelled, it has left files out
}

// SumPlain hashes plain files and keeps nothing of them.
func (s *Store) SumPlain(ctx context.Context, files []Plain) ([]object.Meta, error) {
	return s.eachPlain(ctx, files, Querying, func(ctx context.Context, i int, m *meter) (object.Meta, error) {
		r := s.resume(ctx, m, files[i].Key)
		r.version = files[i].Version
		defer r.Close()
		sum := md5.New()
		n, err := io.Copy(sum, r)
		return object.Meta{Hash: object.FileHash([16]byte(sum.Sum(nil))), Size: n}, err
	})
}

// takePlain copies one file. Over several connections it may have been replaced
// meanwhile: then it must be what it was.
func (s *Store) takePlain(ctx context.Context, receiver *object.Receiver, f Plain, m *meter) (object.Meta, error) {
	r := s.resume(ctx, m, f.Key)
	r.version = f.Version
	defer r.Close()
	r.length = func() (int64, error) { return f.Size, nil }
	meta, err := s.take(ctx, receiver, f, r)
	if err != nil {
		return meta, fmt.Errorf("%s: %w", joinURL(s.URL, f.Key), err)
	}
	if (r.opened > 1 || r.began > 0) && f.Version == "" && (f.ETag != "" || !f.Modified.IsZero()) {
		var now remote.Info
		err := s.retry(ctx, nil, func() (err error) { now, err = s.r.Stat(ctx, f.Key); return err })
		if err != nil {
			return meta, err
		}
		if now.ETag != f.ETag || f.ETag == "" && !now.Modified.Equal(f.Modified) {
			return meta, fmt.Errorf("%s was replaced while it was downloaded; try again", joinURL(s.URL, f.Key))
		}
	}
	return meta, nil
}

// take receives a file. If the server says which state of it it is, what came of that
// state earlier isn't asked for again.
func (s *Store) take(ctx context.Context, receiver *object.Receiver, f Plain, r *resumed) (object.Meta, error) {
	state := s.State(f)
	if state == "" {
		return receiver.Take(ctx, r, f.Size)
	}
	return receiver.ResumeAs(ctx, state, r, f.Size)
}

func joinURL(url, key string) string { return strings.TrimRight(url, "/") + "/" + key }

// sent reports whether the store has an object.
func (s *Store) sent(ctx context.Context, h object.Hash) (bool, error) {
	err := s.retry(ctx, nil, func() error { _, err := s.r.Stat(ctx, h.Key()); return err })
	if errors.Is(err, remote.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Send sends an object of another cache than the store's. What the store has is not
// sent again.
func (s *Store) Send(ctx context.Context, from *object.Cache, h object.Hash) error {
	if sent, err := s.sent(ctx, h); sent || err != nil {
		return err
	}
	size, err := from.Size(h)
	if err != nil {
		return err
	}
	return s.attempt(ctx, s.newMeter(Uploading, 1, size), "put", h.Key(), func(f *flow) error {
		_, err := s.r.Put(f.ctx, h.Key(), f.sourceIn(from, h, size))
		return err
	})
}
