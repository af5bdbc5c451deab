package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// ending is a remote whose reads fail for good after some bytes.
type ending struct {
	remote.Remote
	left int   // bytes; negative = no end
	from int64 // where the last Open began
	n    int   // calls of Open
}

func (e *ending) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := e.Remote.Open(ctx, key, offset, length)
	e.from, e.n = offset, e.n+1
	return &endingReader{r, e}, err
}

type endingReader struct {
	io.ReadCloser
	e *ending
}

func (r *endingReader) Read(p []byte) (int, error) {
	if r.e.left == 0 {
		return 0, errors.New("the end")
	}
	if r.e.left > 0 {
		p = p[:min(len(p), r.e.left)]
	}
	n, err := r.ReadCloser.Read(p)
	if r.e.left > 0 {
		r.e.left -= n
	}
	return n, err
}

// plainSource is a directory of files whose only mark is their time.
type plainSource struct {
	t     *testing.T
	dir   string
	far   *ending
	cache *object.Cache
}

func newPlainSource(t *testing.T) *plainSource {
	p := &plainSource{t: t, dir: t.TempDir(), cache: object.OpenCache(t.TempDir(), nil)}
	p.far = &ending{Remote: remote.Dir(p.dir), left: -1}
	return p
}

func (p *plainSource) write(name string, data []byte, age time.Duration) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	require.NoError(p.t, os.WriteFile(path, data, 0o666))
	then := time.Now().Add(-age)
	require.NoError(p.t, os.Chtimes(path, then, then))
}

func (p *plainSource) files(names ...string) (list []transfer.Plain) {
	for _, name := range names {
		info, err := p.far.Stat(p.t.Context(), name)
		require.NoError(p.t, err)
		list = append(list, transfer.PlainOf(info))
	}
	return list
}

func (p *plainSource) take(came *transfer.Came, names ...string) ([]object.Meta, error) {
	s := transfer.New(p.far, remote.Config{URL: p.dir}, p.cache, &transfer.Options{Jobs: 1})
	return s.TakePlain(p.t.Context(), p.cache, p.files(names...), came, nil)
}

func sumOf(t *testing.T, data []byte) object.Hash {
	h, _, err := object.SumReader(bytes.NewReader(data))
	require.NoError(t, err)
	return h
}

// TestPlainGoesOn: a file whose server knows no tags goes on where it broke off, if size
// and time are what they were and the time is one that shows a change.
func TestPlainGoesOn(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 5<<16) // 5 MiB
	other := bytes.Repeat([]byte("fedcba9876543210"), 5<<16)
	for _, c := range []struct {
		name    string
		before  time.Duration // its age when it breaks off
		now     []byte
		after   time.Duration
		resumed bool
	}{
		{name: "the same", before: time.Hour, now: data, after: time.Hour, resumed: true},
		{name: "replaced", before: time.Hour, now: other, after: time.Minute},
		{name: "older, but another", before: time.Hour, now: other, after: 2 * time.Hour},
		{name: "too new to tell", now: other},
		{name: "shorter", before: time.Hour, now: other[:4<<20], after: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlainSource(t)
			p.write("f", data, c.before)
			fi, err := os.Stat(filepath.Join(p.dir, "f"))
			require.NoError(t, err)
			p.far.left = len(data) - 100
			_, err = p.take(nil, "f")
			require.ErrorContains(t, err, "the end")
			p.far.left = -1
			p.write("f", c.now, c.after)
			if c.before == c.after { // to the same moment
				require.NoError(t, os.Chtimes(filepath.Join(p.dir, "f"), fi.ModTime(), fi.ModTime()))
			}
			metas, err := p.take(nil, "f")
			require.NoError(t, err)
			assert.Equal(t, sumOf(t, c.now), metas[0].Hash)
			assert.Equal(t, c.resumed, p.far.from > 0)
			h, _, err := object.SumReader(mustOpen(t, p.cache.Path(metas[0].Hash)))
			require.NoError(t, err)
			assert.Equal(t, metas[0].Hash, h)
		})
	}
}

func mustOpen(t *testing.T, path string) *os.File {
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// TestCame: of several files those that came are not asked for again, unless they have
// changed, or the cache has lost them.
func TestCame(t *testing.T) {
	p := newPlainSource(t)
	p.write("a", []byte("1"), time.Hour)
	p.write("b", []byte("2"), time.Hour)
	p.write("c", []byte("3"), time.Hour)
	p.write("new", []byte("4"), 0)
	notes := filepath.Join(t.TempDir(), "deep", "notes")
	names := []string{"a", "b", "c", "new"}
	p.far.left = 2
	came := transfer.OpenCame(notes)
	_, err := p.take(came, names...)
	require.Error(t, err)
	came.Close(true)
	cut := mustOpen(t, notes)
	text, err := io.ReadAll(cut)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(notes, append(text, `{"state":"cut o`...), 0o666))

	p.far.left, p.far.n = -1, 0
	p.write("b", []byte("5"), time.Minute)
	came = transfer.OpenCame(notes)
	metas, err := p.take(came, names...)
	require.NoError(t, err)
	assert.Equal(t, 3, p.far.n, "a had come")
	assert.Equal(t, sumOf(t, []byte("5")), metas[1].Hash)
	came.Close(true)

	require.NoError(t, p.cache.Remove(metas[2].Hash))
	p.far.n = 0
	came = transfer.OpenCame(notes)
	again, err := p.take(came, names...)
	require.NoError(t, err)
	assert.Equal(t, metas, again)
	assert.Equal(t, 2, p.far.n, "c is lost, and new has no time yet that tells a change")
	came.Close(false)
	assert.NoFileExists(t, notes)
}
