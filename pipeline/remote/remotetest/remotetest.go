// Package remotetest checks that a remote is one: what its server does with
// empty objects, odd names, ranges, half-read sources and many callers at once
// is what package remote promises.
package remotetest

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// Test runs the suite as subtests. open is called for each of them and returns
// a remote that holds nothing.
func Test(t *testing.T, open func(t *testing.T) remote.Remote) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, remote.Remote)
	}{
		{"RoundTrip", roundTrip},
		{"Keys", keys},
		{"Range", ranges},
		{"Missing", missing},
		{"Replace", replace},
		{"FailedSource", failedSource},
		{"Remove", remove},
		{"List", list},
		{"Cancelled", cancelled},
		{"Concurrent", concurrent},
		{"SameKey", sameKey},
		{"Versions", versions},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

// source has the digest that a push knows.
func source(data []byte) remote.Source {
	src := remote.Bytes(data)
	sum := md5.Sum(data)
	src.MD5 = sum[:]
	return src
}

// pattern is content in which no range equals another.
func pattern(n int) []byte {
	data := make([]byte, n)
	x := uint32(n) + 1
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	return data
}

func put(t *testing.T, r remote.Remote, key string, data []byte) remote.Info {
	t.Helper()
	info, err := r.Put(t.Context(), key, source(data))
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	if info.Size != int64(len(data)) || info.Key != key {
		t.Errorf("Put(%q) tells of %d bytes as %q, want %d", key, info.Size, info.Key, len(data))
	}
	return info
}

func read(ctx context.Context, r remote.Remote, key string, offset, length int64) ([]byte, error) {
	src, err := r.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(src)
	return data, errors.Join(err, src.Close())
}

func want(t *testing.T, r remote.Remote, key string, data []byte) {
	t.Helper()
	got, err := read(t.Context(), r, key, 0, -1)
	if err != nil {
		t.Fatalf("Open(%q): %v", key, err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("Open(%q) gives %d bytes %.20q, want %d bytes %.20q", key, len(got), got, len(data), data)
	}
}

func roundTrip(t *testing.T, r remote.Remote) {
	for _, size := range []int{0, 1, 4096, 32 << 10, 300_001} {
		key := fmt.Sprintf("files/md5/00/%d", size)
		data := pattern(size)
		put(t, r, key, data)
		want(t, r, key, data)
		info, err := r.Stat(t.Context(), key)
		if err != nil || info.Size != int64(size) && info.Size != -1 || info.Key != key {
			t.Errorf("Stat(%q) = %+v, %v; want %d bytes", key, info, err, size)
		}
	}
	data := []byte("without a digest")
	if _, err := r.Put(t.Context(), "plain", remote.Bytes(data)); err != nil {
		t.Fatalf("Put without MD5: %v", err)
	}
	want(t, r, "plain", data)
}

func keys(t *testing.T, r remote.Remote) {
	var names []string
	for _, key := range []string{
		"a", "files/md5/ab/cdef.dir", "deep/er/and/deep/er", "with space/and+plus", "per%20cent", "hash#mark", "a&b=c;d",
		"ümläut/日本", "'quoted'", "tilde~", "at@sign", "comma,colon", "runs/ab/abcd/ef", "dots..dots/x...",
	} {
		put(t, r, key, []byte(key))
		names = append(names, key)
	}
	for _, key := range names {
		want(t, r, key, []byte(key))
	}
	// Some servers keep names with a dot, and don't list them.
	const hidden = "dots..dots/...x"
	put(t, r, hidden, []byte(hidden))
	want(t, r, hidden, []byte(hidden))
	if err := r.Remove(t.Context(), hidden); err != nil {
		t.Fatalf("Remove(%q): %v", hidden, err)
	}
	if l, ok := r.(remote.Lister); ok {
		got := collect(t, l, "")
		slices.Sort(names)
		if !slices.Equal(got, names) {
			t.Errorf("List gives\n%q, want\n%q", got, names)
		}
	}
	if err := r.Remove(t.Context(), names...); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	for _, key := range names {
		if _, err := r.Stat(t.Context(), key); !errors.Is(err, remote.ErrNotFound) {
			t.Errorf("%q is still there: %v", key, err)
		}
	}
}

func ranges(t *testing.T, r remote.Remote) {
	data := pattern(100_000)
	put(t, r, "x", data)
	for _, c := range []struct{ offset, length int64 }{{0, -1}, {0, 10}, {1, 1}, {50_000, 20_000}, {99_999, 1}, {99_000, -1}, {0, 100_000}} {
		got, err := read(t.Context(), r, "x", c.offset, c.length)
		end := c.offset + c.length
		if c.length < 0 {
			end = int64(len(data))
		}
		if err != nil || !bytes.Equal(got, data[c.offset:end]) {
			t.Errorf("bytes %d to %d: got %d bytes, %v", c.offset, end, len(got), err)
		}
	}
	src, err := r.Open(t.Context(), "x", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(src, make([]byte, 10))
	if err := src.Close(); err != nil { // early, as one does who found what he looked for
		t.Errorf("Close before the end: %v", err)
	}
	want(t, r, "x", data)
}

func missing(t *testing.T, r remote.Remote) {
	put(t, r, "dir/there", []byte("x"))
	for _, key := range []string{"nowhere", "no/where", "dir/nowhere", "dir"} {
		if _, err := r.Stat(t.Context(), key); !errors.Is(err, remote.ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat(%q): %v, want ErrNotFound", key, err)
		}
	}
	_, err := read(t.Context(), r, "dir/nowhere", 0, -1)
	var e *remote.Error
	if !errors.Is(err, remote.ErrNotFound) || !errors.As(err, &e) {
		t.Fatalf("Open: %v, want an Error that is ErrNotFound", err)
	}
	if e.Temporary {
		t.Errorf("an object that is not there is not worth another try: %v", e)
	}
}

func replace(t *testing.T, r remote.Remote) {
	put(t, r, "a/b", pattern(5000))
	put(t, r, "a/b", []byte("short"))
	want(t, r, "a/b", []byte("short"))
}

// failedSource: what could not be read whole leaves no trace.
func failedSource(t *testing.T, r remote.Remote) {
	broken := errors.New("broken disk")
	put(t, r, "old", []byte("old content"))
	for _, size := range []int{100, 200_000} {
		data := pattern(size)
		for name, open := range map[string]func(int64) (io.ReadCloser, error){
			"open": func(int64) (io.ReadCloser, error) { return nil, broken },
			"short": func(off int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(data[min(int(off), size-1) : size-1])), nil
			},
			"read": func(off int64) (io.ReadCloser, error) {
				half := data[min(int(off), size/2) : size/2]
				return io.NopCloser(io.MultiReader(bytes.NewReader(half), iotest.ErrReader(broken))), nil
			},
			"end": func(off int64) (io.ReadCloser, error) { // as of a reader that verifies
				return io.NopCloser(io.MultiReader(bytes.NewReader(data[off:]), iotest.ErrReader(broken))), nil
			},
		} {
			src := source(data)
			src.Open = open
			for _, key := range []string{"new", "old"} {
				_, err := r.Put(t.Context(), key, src)
				if err == nil {
					t.Errorf("%s, %d bytes: Put stored what could not be read", name, size)
				}
				if name != "short" && !errors.Is(err, broken) {
					t.Errorf("%s, %d bytes: %v, want the source's error", name, size, err)
				}
				var e *remote.Error
				if errors.As(err, &e) && e.Temporary {
					t.Errorf("%s: reading again would not help: %v", name, err)
				}
			}
			if _, err := r.Stat(t.Context(), "new"); !errors.Is(err, remote.ErrNotFound) {
				t.Errorf("%s, %d bytes: half an object was stored (%v)", name, size, err)
			}
			want(t, r, "old", []byte("old content"))
		}
	}
	if l, ok := r.(remote.Lister); ok {
		if got := collect(t, l, ""); !slices.Equal(got, []string{"old"}) {
			t.Errorf("failed Puts left something behind: %q", got)
		}
	}
}

func remove(t *testing.T, r remote.Remote) {
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("files/md5/%02x/x", i))
		put(t, r, names[i], []byte{byte(i)})
	}
	if err := r.Remove(t.Context(), append(names[1:], "files/md5/00/nowhere", "no/where")...); err != nil {
		t.Fatalf("Remove: %v", err)
	}
	for i, key := range names {
		if _, err := r.Stat(t.Context(), key); errors.Is(err, remote.ErrNotFound) != (i > 0) {
			t.Errorf("%s after Remove: %v", key, err)
		}
	}
	if err := r.Remove(t.Context()); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
}

func collect(t *testing.T, l remote.Lister, prefix string) []string {
	t.Helper()
	var got []string
	for info, err := range l.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q): %v", prefix, err)
		}
		got = append(got, info.Key)
	}
	slices.Sort(got)
	return got
}

func list(t *testing.T, r remote.Remote) {
	l, ok := r.(remote.Lister)
	if !ok {
		t.Skip("cannot list")
	}
	if got := collect(t, l, ""); len(got) > 0 {
		t.Fatalf("the remote is not empty: %q", got)
	}
	sizes := map[string]int64{"a/x": 1, "a/y/z": 200, "ab/x": 3, "b": 0, "files/md5/00/1": 5}
	for key, size := range sizes {
		put(t, r, key, pattern(int(size)))
	}
	for _, c := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"a/x", "a/y/z", "ab/x", "b", "files/md5/00/1"}},
		{"a/", []string{"a/x", "a/y/z"}},
		{"a/y/", []string{"a/y/z"}},
		{"nowhere/", nil},
		{"files/md5/", []string{"files/md5/00/1"}},
	} {
		if got := collect(t, l, c.prefix); !slices.Equal(got, c.want) {
			t.Errorf("List(%q) = %q, want %q", c.prefix, got, c.want)
		}
	}
	for info, err := range l.List(t.Context(), "") {
		if err != nil || info.Size != sizes[info.Key] {
			t.Errorf("List tells of %s: %d bytes, %v; want %d", info.Key, info.Size, err, sizes[info.Key])
		}
		break // stopping early must be possible
	}
}

func cancelled(t *testing.T, r remote.Remote) {
	put(t, r, "x", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Put(ctx, "y", source(pattern(100_000))); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a cancelled context: %v", err)
	}
	if _, err := r.Stat(t.Context(), "y"); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("a cancelled Put stored something: %v", err)
	}
	want(t, r, "x", []byte("x")) // the remote survives it
}

func concurrent(t *testing.T, r remote.Remote) {
	const n = 200
	var wg sync.WaitGroup
	jobs := make(chan int)
	for range 16 {
		wg.Go(func() {
			for i := range jobs {
				key, data := fmt.Sprintf("files/md5/%02x/%d", i%7, i), pattern(1000+i)
				if _, err := r.Put(t.Context(), key, source(data)); err != nil {
					t.Errorf("Put: %v", err)
					continue
				}
				got, err := read(t.Context(), r, key, 0, -1)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: %d bytes, %v", key, len(got), err)
				}
			}
		})
	}
	for i := range n {
		jobs <- i
	}
	close(jobs)
	wg.Wait()
	if l, ok := r.(remote.Lister); ok {
		if got := collect(t, l, "files/"); len(got) != n {
			t.Errorf("%d objects are listed, want %d", len(got), n)
		}
	}
}
