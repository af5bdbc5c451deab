package data_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// memory is a driver from elsewhere, for mem://NAME/prefix.
type memory struct {
	cfg    remote.Config
	prefix string
}

var (
	memoryMu sync.Mutex
	memories = map[string][]byte{}
)

func init() {
	remote.Register("mem", func(_ context.Context, c remote.Config) (remote.Remote, error) {
		host, rest := c.Split()
		return &memory{c, strings.TrimSuffix(host+"/"+rest, "/") + "/"}, nil
	})
}

func (m *memory) get(op, key string) ([]byte, error) {
	memoryMu.Lock()
	defer memoryMu.Unlock()
	data, ok := memories[m.prefix+key]
	if !ok {
		e := m.cfg.Fail(op, key, nil)
		e.Kind = remote.ErrNotFound
		return nil, e
	}
	return data, nil
}

func (m *memory) Stat(ctx context.Context, key string) (remote.Info, error) {
	data, err := m.get("stat", key)
	return remote.Info{Key: key, Size: int64(len(data)), ETag: strings.Repeat("e", len(data))}, errors.Join(err, ctx.Err())
}

func (m *memory) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	data, err := m.get("get", key)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return nil, err
	}
	data = data[min(offset, int64(len(data))):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (m *memory) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	r, err := src.Exact(0, src.Size)
	if err = errors.Join(err, ctx.Err()); err != nil {
		return remote.Info{}, m.cfg.Fail("put", key, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return remote.Info{}, m.cfg.Fail("put", key, err)
	}
	memoryMu.Lock()
	defer memoryMu.Unlock()
	memories[m.prefix+key] = data
	return remote.Info{Key: key, Size: src.Size}, nil
}

func (m *memory) Remove(ctx context.Context, keys ...string) error {
	memoryMu.Lock()
	defer memoryMu.Unlock()
	for _, key := range keys {
		delete(memories, m.prefix+key)
	}
	return ctx.Err()
}

func (m *memory) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	memoryMu.Lock()
	var list []remote.Info
	for key, data := range memories {
		if rel, ok := strings.CutPrefix(key, m.prefix); ok && strings.HasPrefix(rel, prefix) {
			list = append(list, remote.Info{Key: rel, Size: int64(len(data)), ETag: strings.Repeat("e", len(data))})
		}
	}
	memoryMu.Unlock()
	return func(yield func(remote.Info, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(remote.Info{}, m.cfg.Fail("list", prefix, err))
			return
		}
		for _, info := range list {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func TestMemoryDriver(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		r, err := remote.Open(t.Context(), remote.Config{URL: "mem://" + t.Name()})
		require.NoError(t, err)
		return r
	})
}

// A driver that was registered from outside serves remotes, imports and URLs as ours do.
func TestForeignDriver(t *testing.T) {
	src, err := remote.Open(t.Context(), remote.Config{URL: "mem://src"})
	require.NoError(t, err)
	put := func(key, text string) {
		_, err := src.Put(t.Context(), key, remote.Bytes([]byte(text)))
		require.NoError(t, err)
	}
	put("f", "file")
	put("d/a", "aa")
	put("d/sub/b", "b")
	r, log := importRepo(t, "    remote = m\n['remote \"m\"']\n    url = mem://store/at\n    odd = option\n")
	for _, name := range []string{"f", "d"} {
		_, err := r.ImportURL(t.Context(), "mem://src/"+name, nil)
		require.NoError(t, err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(r.Root(), name))
		require.NoError(t, err)
		return string(text)
	}
	assert.Equal(t, "file", read("f"))
	assert.Equal(t, "b", read("d/sub/b"))
	assert.Contains(t, read("f.dvc"), "- etag: eeee\n  size: 4\n  hash: md5\n  path: mem://src/f\n")
	_, err = r.ImportURL(t.Context(), "remote://m/none", nil)
	assert.ErrorContains(t, err, "does not exist")

	done, err := reopen(t, r.Root(), log).Push(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 4, done.Files)
	for _, name := range []string{"f", "d", ".dvc/cache"} {
		require.NoError(t, os.RemoveAll(filepath.Join(r.Root(), name)))
	}
	_, _, err = reopen(t, r.Root(), log).Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "aa", read("d/a"))
	put("f", "changed")
	require.NoError(t, reopen(t, r.Root(), log).Update(t.Context(), nil, "f.dvc"))
	assert.Equal(t, "changed", read("f"))

	opts := &repofs.URLOptions{Dir: r.Root(), Recursive: true}
	_, err = repofs.GetURL(t.Context(), "mem://src/d", "got", opts)
	require.NoError(t, err)
	assert.Equal(t, "b", read("got/sub/b"))
	list, err := repofs.ListURL(t.Context(), "mem://src/d", opts)
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, "a", list[0].Path)

	_, err = r.ImportURL(t.Context(), "nobody://src/g", nil)
	assert.ErrorContains(t, err, "Unsupported URL type nobody://")
}

// A stage may depend on what such a driver has.
func TestForeignDependency(t *testing.T) {
	src, err := remote.Open(t.Context(), remote.Config{URL: "mem://dep"})
	require.NoError(t, err)
	_, err = src.Put(t.Context(), "f", remote.Bytes([]byte("1234")))
	require.NoError(t, err)
	r, log := importRepo(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(r.Root(), "dvc.yaml"), []byte("stages:\n  s:\n    cmd: touch out\n    deps: [mem://dep/f]\n    outs: [out]\n"), 0o666))
	require.NoError(t, os.WriteFile(filepath.Join(r.Root(), "out"), nil, 0o666))
	require.NoError(t, reopen(t, r.Root(), log).Commit(t.Context(), &data.CommitOptions{Force: true}))
	lock, err := os.ReadFile(filepath.Join(r.Root(), "dvc.lock"))
	require.NoError(t, err)
	assert.Contains(t, string(lock), "    - path: mem://dep/f\n      hash: md5\n      etag: eeee\n      size: 4\n")
}
