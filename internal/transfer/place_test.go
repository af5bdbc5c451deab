package transfer_test

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// place is a cache, and a remote that counts and can be made to fail.
type place struct {
	t     *testing.T
	cache *object.Cache
	index string
	r     *counting
}

// counting is a directory whose calls are counted by kind.
type counting struct {
	remote.Lister
	dir string

	mu    sync.Mutex
	calls map[string]int
	fault func(op, key string) error // before a call
	cut   int64                      // bytes after which a download breaks, once per call
}

func (c *counting) called(op, key string) error {
	c.mu.Lock()
	c.calls[op]++
	fault := c.fault
	c.mu.Unlock()
	if fault != nil {
		return fault(op, key)
	}
	return nil
}

func (c *counting) Stat(ctx context.Context, key string) (remote.Info, error) {
	if err := c.called("stat", key); err != nil {
		return remote.Info{}, err
	}
	return c.Lister.Stat(ctx, key)
}

func (c *counting) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	if err := c.called("put", key); err != nil {
		return remote.Info{}, err
	}
	return c.Lister.Put(ctx, key, src)
}

func (c *counting) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := c.called("get", key); err != nil {
		return nil, err
	}
	r, err := c.Lister.Open(ctx, key, offset, length)
	if err != nil || c.cut == 0 {
		return r, err
	}
	if info, err := c.Lister.Stat(ctx, key); err != nil || offset+c.cut >= info.Size {
		return r, err
	}
	broken := io.MultiReader(io.LimitReader(r, c.cut), failing{})
	return struct {
		io.Reader
		io.Closer
	}{broken, r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, &remote.Error{Op: "get", Temporary: true, Err: io.ErrUnexpectedEOF}
}

func newPlace(t *testing.T) *place {
	dir := filepath.Join(t.TempDir(), "remote")
	return &place{t: t, cache: object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil), index: t.TempDir(),
		r: &counting{Lister: remote.Dir(dir), dir: dir, calls: map[string]int{}}}
}

func (p *place) store(opts transfer.Options) *transfer.Store {
	opts.Index = p.index
	return transfer.New(p.r, remote.Config{Name: "r", URL: p.r.dir}, p.cache, &opts)
}

func (p *place) add(data string) object.Hash {
	p.t.Helper()
	h := object.FileHash(md5.Sum([]byte(data)))
	in := p.cache.Receiver()
	defer in.Close()
	_, err := in.Receive(p.t.Context(), h, strings.NewReader(data))
	require.NoError(p.t, err)
	return h
}

// tree adds a directory of files with the given contents.
func (p *place) tree(contents ...string) object.Hash {
	p.t.Helper()
	var entries []object.Entry
	for i, data := range contents {
		entries = append(entries, object.Entry{Path: fmt.Sprintf("f%d", i), Hash: p.add(data)})
	}
	h, err := p.cache.PutManifest(p.t.Context(), entries)
	require.NoError(p.t, err)
	return h
}

func (p *place) push(opts transfer.Options, hashes ...object.Hash) *transfer.Result {
	p.t.Helper()
	done, err := p.store(opts).Push(p.t.Context(), transfer.All(hashes...))
	require.NoError(p.t, err)
	return done
}

// count are the calls since the last count.
func (p *place) count(op string) int {
	n := p.r.calls[op]
	p.r.calls[op] = 0
	return n
}

func (p *place) file(h object.Hash) string {
	return filepath.Join(p.r.dir, filepath.FromSlash(h.Key()))
}

func hashOf(data string) object.Hash { return object.FileHash(md5.Sum([]byte(data))) }
