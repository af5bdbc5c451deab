package transfer

import (
	"context"
	"io"

	"github.com/reprodl/reprodl/internal/object"
)

// Reader streams an object from the remote, from an offset on, over as many
// connections as it takes. Its bytes are not verified.
func (s *Store) Reader(ctx context.Context, h object.Hash, offset int64) io.ReadCloser {
	r := s.resume(ctx, s.newMeter(Downloading, 1, 0), h.Key())
	r.offset = offset
	return r
}

// Size is the number of bytes of an object in the remote; -1 if it doesn't say.
func (s *Store) Size(ctx context.Context, h object.Hash) (size int64, err error) {
	err = s.retry(ctx, nil, func() error {
		info, err := s.r.Stat(ctx, h.Key())
		size = info.Size
		return err
	})
	return size, err
}

// Address is where an object lies in the remote, for people.
func (s *Store) Address(h object.Hash) string { return s.URL + "/" + h.Key() }

// ReadPlain streams a file of a remote that keeps files under their names.
func (s *Store) ReadPlain(ctx context.Context, key string) io.ReadCloser {
	return s.resume(ctx, s.newMeter(Downloading, 1, 0), key)
}
