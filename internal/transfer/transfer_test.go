package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

func TestPushAndFetch(t *testing.T) {
	p := newPlace(t)
	h := p.tree("1", "2")
	loose := p.add("3")
	done := p.push(transfer.Options{}, h, loose)
	assert.Equal(t, 4, done.Count)
	assert.Zero(t, p.push(transfer.Options{}, h, loose).Count)

	old := p.cache
	p.cache = object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
	done, err := p.store(transfer.Options{}).Fetch(t.Context(), transfer.All(h, loose))
	require.NoError(t, err)
	assert.Equal(t, 4, done.Count)
	for _, h := range []object.Hash{h, loose} {
		ok, err := p.cache.Has(t.Context(), h)
		require.NoError(t, err)
		assert.True(t, ok)
	}
	p.cache = old
}

// The requests that DVC would make by the thousand are few.
func TestFewRequests(t *testing.T) {
	p := newPlace(t)
	contents := make([]string, 300)
	for i := range contents {
		contents[i] = fmt.Sprint("content ", i)
	}
	h := p.tree(contents...)
	p.push(transfer.Options{}, h)
	p.count("stat")
	p.count("put")

	assert.Zero(t, p.push(transfer.Options{}, h).Count)
	assert.Equal(t, 1, p.count("stat"), "the manifest vouches for its files")

	more := p.tree(append(contents, "one more")...)
	assert.Equal(t, 2, p.push(transfer.Options{}, more).Count)
	assert.LessOrEqual(t, p.count("stat"), 3, "the new manifest, the old one and the new file")
	assert.Equal(t, 2, p.count("put"))

	require.NoError(t, os.RemoveAll(p.index)) // lost without harm
	again := p.tree(append(contents, "one more", "and another")...)
	assert.Equal(t, 2, p.push(transfer.Options{}, again).Count)
	assert.Less(t, p.count("stat"), 300, "the rest is listed")

	p.count("get")
	_, err := p.store(transfer.Options{}).Fetch(t.Context(), transfer.All(h, again))
	require.NoError(t, err)
	assert.Zero(t, p.count("stat")+p.count("get"), "a full cache asks nothing")
}

// An index may be older than a cleaning by somebody else.
func TestIndexIsNoProof(t *testing.T) {
	p := newPlace(t)
	p.push(transfer.Options{}, p.tree("a", "b"))
	require.NoError(t, os.RemoveAll(p.r.dir))
	h := p.tree("a", "b", "c")
	assert.Equal(t, 4, p.push(transfer.Options{}, h).Count)

	files, err := os.ReadDir(p.index)
	require.NoError(t, err)
	require.Len(t, files, 1)
	name := filepath.Join(p.index, files[0].Name())
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(name, data, 0o600))
	assert.Equal(t, 2, p.push(transfer.Options{}, p.tree("a", "b", "c", "d")).Count, "damaged, it is empty")
}

// A manifest may have come to the remote without its files.
func TestVerifyRepairs(t *testing.T) {
	p := newPlace(t)
	h := p.tree("a", "b")
	p.push(transfer.Options{}, h)
	require.NoError(t, os.Remove(p.file(hashOf("a"))))
	assert.Zero(t, p.push(transfer.Options{}, h).Count)
	assert.Equal(t, 1, p.push(transfer.Options{Verify: true}, h).Count)
	assert.FileExists(t, p.file(hashOf("a")))

	require.NoError(t, os.Remove(p.file(hashOf("a"))))
	trees := map[object.Hash][]object.Entry{h: {{Path: "a", Hash: hashOf("a")}}}
	for verify, want := range map[bool]bool{false: true, true: false} {
		there, err := p.store(transfer.Options{Verify: verify}).Holds(t.Context(), []object.Hash{h, hashOf("a")}, trees)
		require.NoError(t, err)
		assert.Equal(t, want, there[hashOf("a")], "verify %t", verify)
	}
}

func TestManifestComesLast(t *testing.T) {
	p := newPlace(t)
	h := p.tree("a", "b")
	p.r.fault = func(op, key string) error {
		if op == "put" && key == hashOf("b").Key() {
			return &remote.Error{Op: op, URL: key, Err: errors.New("disk full")}
		}
		return nil
	}
	done := p.push(transfer.Options{}, h)
	assert.Equal(t, 1, done.Count)
	require.Len(t, done.Failed, 1)
	assert.ErrorContains(t, done.Failed[0], "disk full")
	assert.NoFileExists(t, p.file(h))
	p.r.fault = nil
	require.NoError(t, p.cache.Remove(hashOf("b")))
	done = p.push(transfer.Options{}, h)
	assert.Equal(t, []object.Hash{hashOf("b")}, done.Missing, "neither side has it")
	assert.NoFileExists(t, p.file(h))
}

// What is wrong in the remote is named and stays there.
func TestCorruptObject(t *testing.T) {
	p := newPlace(t)
	h := p.tree("1", "2", "3")
	p.push(transfer.Options{}, h)
	require.NoError(t, os.Chmod(p.file(hashOf("1")), 0o644))
	require.NoError(t, os.WriteFile(p.file(hashOf("1")), []byte("X"), 0o644))
	require.NoError(t, os.Remove(p.file(hashOf("2"))))
	p.cache = object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
	done, err := p.store(transfer.Options{}).Fetch(t.Context(), transfer.All(h))
	require.NoError(t, err)
	assert.Equal(t, 2, done.Count, "the manifest and the file that is right")
	assert.Equal(t, []object.Hash{hashOf("2")}, done.Missing)
	require.Len(t, done.Failed, 1)
	assert.ErrorIs(t, done.Failed[0], object.ErrBadCopy)
	assert.ErrorContains(t, done.Failed[0], "remote 'r': "+p.r.dir+"/"+hashOf("1").Key())
	ok, err := p.cache.Has(t.Context(), hashOf("1"))
	require.NoError(t, err)
	assert.False(t, ok)
}

// A damaged object of the cache is not sent, from whichever offset it is read.
func TestDamagedHere(t *testing.T) {
	p := newPlace(t)
	h := p.add("right content")
	require.NoError(t, os.Chmod(p.cache.Path(h), 0o644))
	require.NoError(t, os.WriteFile(p.cache.Path(h), []byte("wrong content"), 0o644))
	require.NoError(t, os.Chmod(p.cache.Path(h), 0o444))
	done := p.push(transfer.Options{}, h)
	assert.Zero(t, done.Count)
	require.Len(t, done.Failed, 1)
	assert.ErrorIs(t, done.Failed[0], object.ErrCorrupt)
	assert.NoFileExists(t, p.file(h))
}

func TestResumesDownload(t *testing.T) {
	p := newPlace(t)
	h := p.add(strings.Repeat("0123456789", 1000))
	p.push(transfer.Options{}, h)
	p.cache = object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
	p.r.cut = 4000 // each connection
	done, err := p.store(transfer.Options{}).Fetch(t.Context(), transfer.All(h))
	require.NoError(t, err)
	assert.Equal(t, 1, done.Count, done.Failed)
	assert.Equal(t, int64(10_000), done.Bytes)
	assert.Equal(t, 3, p.count("get"))
}

func TestRetriesAreBounded(t *testing.T) {
	p := newPlace(t)
	h := p.add("x")
	left := 2
	p.r.fault = func(op, key string) error {
		if left--; op == "put" && left >= 0 {
			return &remote.Error{Op: op, Temporary: true, Err: errors.New("busy")}
		}
		return nil
	}
	left++ // the stat before
	assert.Equal(t, 1, p.push(transfer.Options{}, h).Count)
}

// swallowing takes all bytes and then breaks off, as a proxy does whose server is
// away.
type swallowing struct {
	*counting
	puts atomic.Int64
}

func (s *swallowing) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	s.puts.Add(1)
	r, err := src.Exact(0, src.Size)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		r.Close()
	}
	if err == nil {
		err = &remote.Error{Op: "put", Temporary: true, Err: io.ErrUnexpectedEOF}
	}
	return remote.Info{}, err
}

// Bytes that went nowhere are no progress, and what fails for a few objects in a
// row is not tried for all.
func TestSwallowedBytes(t *testing.T) {
	p := newPlace(t)
	var hashes []object.Hash
	for i := range 200 {
		hashes = append(hashes, p.add(fmt.Sprint("content ", i)))
	}
	r := &swallowing{counting: p.r}
	s := transfer.New(r, remote.Config{Name: "r", URL: p.r.dir}, p.cache, &transfer.Options{Wait: time.Millisecond, Jobs: 2})
	_, err := s.Push(t.Context(), transfer.All(hashes[0]))
	assert.NoError(t, err, "what failed of one object is in the result")
	assert.EqualValues(t, 6, r.puts.Swap(0))
	_, err = s.Push(t.Context(), transfer.All(hashes...))
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.LessOrEqual(t, r.puts.Load(), int64(6*6), "puts")
}

// Nobody is asked for the next thousand objects when the remote is not there.
func TestUnreachableEndsAtOnce(t *testing.T) {
	p := newPlace(t)
	h := p.tree("a", "b", "c")
	p.r.fault = func(op, key string) error {
		return &remote.Error{Op: op, Kind: remote.ErrDenied, Err: errors.New("no")}
	}
	_, err := p.store(transfer.Options{}).Push(t.Context(), transfer.All(h))
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.Equal(t, 1, p.count("stat")+p.count("put"))
}

func TestStall(t *testing.T) {
	p := newPlace(t)
	h := p.add("x")
	tries := 0
	p.r.fault = func(op, key string) error {
		if op == "put" {
			tries++
		}
		return nil
	}
	stuck := &stuck{counting: p.r}
	s := transfer.New(stuck, remote.Config{Name: "r", URL: p.r.dir}, p.cache, &transfer.Options{Stall: 20 * time.Millisecond})
	done, err := s.Push(t.Context(), transfer.All(h))
	require.NoError(t, err)
	assert.Equal(t, 1, done.Count, done.Failed)
	assert.True(t, stuck.waited)
}

// stuck hangs in the first Put until its context ends.
type stuck struct {
	*counting
	waited bool
}

func (s *stuck) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	if !s.waited {
		s.waited = true
		<-ctx.Done()
		return remote.Info{}, ctx.Err()
	}
	return s.counting.Put(ctx, key, src)
}

func TestDryRun(t *testing.T) {
	p := newPlace(t)
	h := p.tree("aaa", "bb")
	done := p.push(transfer.Options{Dry: true}, h)
	assert.Equal(t, 3, done.Count)
	size, err := p.cache.Size(h)
	require.NoError(t, err)
	assert.Equal(t, 5+size, done.Bytes)
	assert.NoDirExists(t, p.r.dir)

	p.push(transfer.Options{}, h)
	p.cache = object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
	done, err = p.store(transfer.Options{Dry: true}).Fetch(t.Context(), transfer.All(h))
	require.NoError(t, err)
	assert.Equal(t, 3, done.Count)
	assert.Equal(t, 5+size, done.Bytes)
	assert.NoDirExists(t, p.cache.Dir())
}

func TestSweep(t *testing.T) {
	p := newPlace(t)
	h := p.tree("keep")
	old := p.tree("old", "older")
	p.push(transfer.Options{}, h, old)
	keep := func(x object.Hash) bool { return x == h || x == hashOf("keep") }
	n, bytes, err := p.store(transfer.Options{Dry: true}).Sweep(t.Context(), transfer.Current, keep)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	assert.Greater(t, bytes, int64(8))
	assert.FileExists(t, p.file(old))
	n, _, err = p.store(transfer.Options{}).Sweep(t.Context(), transfer.Current, keep)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	assert.NoFileExists(t, p.file(old))
	assert.FileExists(t, p.file(h))
	// What the index knew of the directory is forgotten.
	assert.Equal(t, 3, p.push(transfer.Options{}, old).Count)
}

func TestProgress(t *testing.T) {
	p := newPlace(t)
	var last transfer.Progress
	var mu sync.Mutex
	h := p.add(strings.Repeat("x", 5000))
	p.push(transfer.Options{Progress: func(now transfer.Progress) {
		mu.Lock()
		defer mu.Unlock()
		last = now
	}}, h)
	assert.Equal(t, transfer.Progress{Phase: transfer.Uploading, Remote: "r", Files: 1, TotalFiles: 1, Bytes: 5000, TotalBytes: 5000}, last)
}

// A part is sent with the manifest, as DVC does it; the rest must not be taken
// for present by that.
func TestPart(t *testing.T) {
	p := newPlace(t)
	h := p.tree("a", "b", "c")
	done, err := p.store(transfer.Options{}).Push(t.Context(), []transfer.Wanted{{Hash: h, Part: "f1"}})
	require.NoError(t, err)
	assert.Equal(t, 2, done.Count)
	assert.Equal(t, 2, p.push(transfer.Options{}, h).Count, "the rest")
	p.count("stat")
	assert.Zero(t, p.push(transfer.Options{}, h).Count)
	assert.Equal(t, 1, p.count("stat"), "now it vouches")

	p.cache = object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
	done, err = p.store(transfer.Options{}).Fetch(t.Context(), []transfer.Wanted{{Hash: h, Part: "f2"}})
	require.NoError(t, err)
	assert.Equal(t, 2, done.Count)
}
