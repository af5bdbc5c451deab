package transfer

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// Reader streams an object from the remote, from an offset on, over as many
// connections as it takes. Its bytes are not verified.
func (s *Store) Reader(ctx context.Context, h object.Hash, offset int64) io.ReadCloser {
	r := s.resumeObject(ctx, s.newMeter(Downloading, 1, 0), h)
	r.offset = offset
	return r
}

// Size is the number of bytes of an object in the remote; -1 if it doesn't say.
func (s *Store) Size(ctx context.Context, h object.Hash) (size int64, err error) {
	if s.Versioned() {
		found, err := s.existsVersions(ctx, []object.Hash{h})
		if size, ok := found[h]; ok || err != nil {
			return size, err
		}
		return -1, &remote.Error{Op: "stat", Remote: s.Name, URL: h.String(), Kind: remote.ErrNotFound, Err: errNoVersion}
	}
	err = s.retry(ctx, nil, func() error {
		info, err := s.r.Stat(ctx, h.Key())
		size = info.Size
		return err
	})
	return size, err
}

// Address is where an object lies in the remote, for people; at is its path in the
// repository.
func (s *Store) Address(h object.Hash, at string) string {
	if s.Versioned() {
		list := s.places(h)
		slices.SortStableFunc(list, func(a, b project.Place) int { return strings.Compare(other(a.Key, at), other(b.Key, at)) })
		if len(list) > 0 {
			return joinURL(s.URL, list[0].Key) + "?versionId=" + list[0].ID
		}
	}
	return s.URL + "/" + h.Key()
}

// other is empty if two paths are the same, and so sorts before the rest.
func other(path, at string) string {
	if path == at {
		return ""
	}
	return path
}

// ReadVersion streams one version of a file of a remote that keeps files under their names,
// from an offset on.
func (s *Store) ReadVersion(ctx context.Context, key, version string, offset int64) io.ReadCloser {
	r := s.resume(ctx, s.newMeter(Downloading, 1, 0), key)
	r.version, r.offset = version, offset
	return r
}
