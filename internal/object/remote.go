package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Remote is a place that objects are copied to and from. Keys are paths with
// slashes, the same for every kind of remote: "files/md5/5d/4140…".
// Implementations are safe for concurrent use.
type Remote interface {
	// Has reports for each key whether it is there.
	Has(ctx context.Context, keys []string) ([]bool, error)
	// Get returns what lies under a key. A missing key is an error wrapping
	// fs.ErrNotExist.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// Put stores what r holds under a key. If reading fails nothing is stored.
	Put(ctx context.Context, key string, r io.Reader) error
	// List yields all keys below a prefix, which ends in a slash or is empty.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Remove deletes a key. A missing one is no error.
	Remove(ctx context.Context, key string) error
}

// DirRemote is a remote that is a directory, in the layout of DVC's local
// remotes. It need not exist before something is put.
func DirRemote(path string) Remote { return dirRemote(path) }

type dirRemote string

func (d dirRemote) at(key string) string { return filepath.Join(string(d), filepath.FromSlash(key)) }

func (d dirRemote) Has(ctx context.Context, keys []string) ([]bool, error) {
	found := make([]bool, len(keys))
	for i, key := range keys {
		st, err := statPath(d.at(key), true)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		found[i] = err == nil && st.isRegular()
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return found, nil
}

func (d dirRemote) Get(_ context.Context, key string) (io.ReadCloser, error) {
	return os.Open(d.at(key))
}

func (d dirRemote) Put(ctx context.Context, key string, r io.Reader) error {
	path := d.at(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := atomicfile.Create(path, &atomicfile.Options{Perm: objectPerm})
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := io.Copy(f.File, contextReader{ctx, r}); err != nil {
		return err
	}
	return f.Commit()
}

func (d dirRemote) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		stop := errors.New("stop")
		err := filepath.WalkDir(d.at(prefix), func(path string, e fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if err != nil || e.IsDir() {
				return err
			}
			rel, err := filepath.Rel(string(d), path)
			if err != nil {
				return err
			}
			if !yield(filepath.ToSlash(rel), nil) {
				return stop
			}
			return nil
		})
		if err != nil && err != stop && !errors.Is(err, fs.ErrNotExist) {
			yield("", err)
		}
	}
}

func (d dirRemote) Remove(_ context.Context, key string) error {
	err := os.Remove(d.at(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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

// Key is where a remote keeps the object.
func (h Hash) Key() string {
	if h.IsLegacy() {
		return h.relPath()
	}
	return "files/md5/" + h.relPath()
}

// Transfer is the outcome of Push or Fetch.
type Transfer struct {
	Count   int     // objects that were copied
	Missing []Hash  // objects that neither side has
	Failed  []error // about objects that could not be copied
}

func (t *Transfer) fail(h Hash, err error) {
	switch {
	case errors.Is(err, ErrMissing), errors.Is(err, fs.ErrNotExist):
		if !slices.Contains(t.Missing, h) {
			t.Missing = append(t.Missing, h)
		}
	default:
		t.Failed = append(t.Failed, fmt.Errorf("%s: %w", h, err))
	}
}
