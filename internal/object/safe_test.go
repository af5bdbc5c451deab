package object_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
)

// old makes a file look as if it was written some time ago.
func (p *place) old(name string) {
	p.t.Helper()
	past := time.Now().Add(-time.Hour)
	require.NoError(p.t, os.Chtimes(p.path(name), past, past))
}

func (p *place) hash(name string) string {
	p.t.Helper()
	hs := p.hasher()
	m, err := hs.Hash(context.Background(), p.path(name))
	require.NoError(p.t, err)
	require.NoError(p.t, hs.Close())
	return m.Hash.String()
}

func sumOf(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// TestMemoSeesEveryChange changes a file in all ways that keep its size.
func TestMemoSeesEveryChange(t *testing.T) {
	p := newPlace(t)
	p.write("f", "one")
	assert.Equal(t, sumOf("one"), p.hash("f"))
	p.write("f", "two") // within the same clock tick: only the racy rule notices
	assert.Equal(t, sumOf("two"), p.hash("f"))

	p.old("f")
	assert.Equal(t, sumOf("two"), p.hash("f"))
	fi, err := os.Stat(p.path("f"))
	require.NoError(t, err)
	p.write("f", "six")
	require.NoError(t, os.Chtimes(p.path("f"), fi.ModTime(), fi.ModTime())) // ctime gives it away
	assert.Equal(t, sumOf("six"), p.hash("f"))

	p.write("g", "ten")
	require.NoError(t, os.Chtimes(p.path("g"), fi.ModTime(), fi.ModTime()))
	require.NoError(t, os.Rename(p.path("g"), p.path("f"))) // another inode
	assert.Equal(t, sumOf("ten"), p.hash("f"))
}

func TestDamagedMemoIsEmpty(t *testing.T) {
	p := newPlace(t)
	p.write("d/f", "x")
	want := p.hash("d")
	memo := filepath.Join(filepath.Dir(p.dir), "memo")
	for _, damage := range []string{"", "reprodl memo 1\n", strings.Repeat("\xff", 100)} {
		require.NoError(t, os.WriteFile(memo, []byte(damage), 0o666))
		assert.Equal(t, want, p.hash("d"))
	}
	require.NoError(t, os.Remove(memo))
	require.NoError(t, os.Mkdir(memo, 0o777))
	hs := p.hasher()
	m, err := hs.Hash(context.Background(), p.path("d"))
	require.NoError(t, err)
	assert.Equal(t, want, m.Hash.String())
	hs.Close() // cannot write it, and that is all
}

func TestNames(t *testing.T) {
	p := newPlace(t)
	names := []string{"a b", "new\nline", "é", "日本", "-x", "[y]", "back\\slash", `quo"te`, "\x7f", "😀"}
	if runtime.GOOS == "windows" {
		names = []string{"a b", "é", "日本", "-x", "[y]", "😀"}
	}
	for _, n := range names {
		p.write("d/"+n, n)
		p.write("d/sub "+n+"/"+n, n)
	}
	m := p.add("d")
	assert.Equal(t, 2*len(names), m.Files)
	require.NoError(t, os.RemoveAll(p.path("d")))
	_, err := p.checkout("d", m.Hash, nil)
	require.NoError(t, err)
	assert.Equal(t, m.Hash.String(), p.hash("d"))
}

func TestLinksInTheWorkspace(t *testing.T) {
	p := newPlace(t)
	p.write("elsewhere", "content")
	p.write("dir/x", "not entered")
	require.NoError(t, os.MkdirAll(p.path("d"), 0o777))
	require.NoError(t, os.Symlink("../elsewhere", p.path("d/link")))
	require.NoError(t, os.Symlink("../dir", p.path("d/dirlink")))
	entries, _, err := p.hasher().Tree(context.Background(), p.path("d"), false)
	require.NoError(t, err)
	assert.Equal(t, []object.Entry{{Path: "link", Hash: parse(t, sumOf("content"))}}, entries)

	require.NoError(t, os.Symlink("loop", p.path("d/loop")))
	_, err = p.hasher().Hash(context.Background(), p.path("d"))
	assert.Error(t, err, "a loop")
	require.NoError(t, os.Remove(p.path("d/loop")))
	require.NoError(t, os.Symlink("nothing", p.path("d/broken")))
	_, err = p.hasher().Hash(context.Background(), p.path("d"))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "broken")
}

func TestManifestCannotEscape(t *testing.T) {
	p := newPlace(t)
	p.write("f", "payload")
	file := p.add("f").Hash
	for _, path := range []string{"../x", "/x", "a/../../x", "a//x", "", ".", "a/./x"} {
		data, err := object.AppendManifest(nil, []object.Entry{{Path: path, Hash: file}})
		require.NoError(t, err)
		_, err = object.ParseManifest(data)
		assert.ErrorIs(t, err, object.ErrManifest, path)
		h := object.DirHash(md5.Sum(data))
		require.NoError(t, os.MkdirAll(filepath.Dir(p.cache.Path(h)), 0o777))
		require.NoError(t, os.WriteFile(p.cache.Path(h), data, 0o444))
		_, err = p.checkout("out", h, nil)
		assert.ErrorIs(t, err, object.ErrManifest)
		assert.NoDirExists(t, p.path("out"))
	}
}

func TestNothingIsLostWhenObjectsAreMissing(t *testing.T) {
	p := newPlace(t)
	p.write("d/a", "1")
	p.write("d/b", "2")
	h := p.add("d").Hash
	p.write("d/a", "3")
	p.add("d")
	require.NoError(t, p.cache.Remove(parse(t, sumOf("1"))))
	_, err := p.checkout("d", h, nil)
	require.ErrorIs(t, err, object.ErrMissing)
	assert.ErrorContains(t, err, sumOf("1"))
	assert.Equal(t, "3", p.read("d/a"))
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("permissions do not stop this user")
	}
	p := newPlace(t)
	p.write("d/f", "x")
	require.NoError(t, os.Chmod(p.path("d/f"), 0))
	_, err := p.cache.Add(context.Background(), p.hasher(), p.path("d"), nil)
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "d/f")
}

func TestCancelLeavesTheTree(t *testing.T) {
	p := newPlace(t)
	p.write("d/f", "x")
	h := p.add("d").Hash
	require.NoError(t, os.RemoveAll(p.path("d")))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := p.cache.Checkout(ctx, p.hasher(), p.path("d"), h, nil)
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoDirExists(t, p.path("d"))
	_, err = p.cache.Add(ctx, p.hasher(), p.dir, nil)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestOpenVerifies(t *testing.T) {
	p := newPlace(t)
	p.write("f", "hello")
	h := p.add("f").Hash
	r, err := p.cache.Open(h)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Equal(t, "hello", string(data))

	require.NoError(t, os.Chmod(p.cache.Path(h), 0o644))
	require.NoError(t, os.WriteFile(p.cache.Path(h), []byte("hellO"), 0o644))
	r, err = p.cache.Open(h)
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	assert.ErrorIs(t, err, object.ErrCorrupt)
	require.NoError(t, r.Close())
	_, err = p.cache.Open(h)
	assert.ErrorIs(t, err, object.ErrMissing)
}

// TestLegacy checks hashes that DVC 2 computed: CR LF counts as LF in text.
func TestLegacy(t *testing.T) {
	p := newPlace(t)
	p.write("text", "a\r\nb\r\n")
	p.write("binary", "a\r\n\x00b")
	for name, want := range map[string]string{"text": sumOf("a\nb\n"), "binary": sumOf("a\r\n\x00b")} {
		m, err := p.hasher().HashLegacy(context.Background(), p.path(name))
		require.NoError(t, err)
		assert.Equal(t, want, m.Hash.String(), name)
		assert.True(t, m.Hash.IsLegacy())
		assert.NotEqual(t, parse(t, want), m.Hash)
	}
	m, err := p.cache.Add(context.Background(), p.hasher(), p.path("text"), &object.AddOptions{Legacy: true, Relink: true})
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(p.cache.Dir(), m.Hash.String()[:2], m.Hash.String()[2:]))
	require.NoError(t, os.Remove(p.path("text")))
	_, err = p.checkout("text", m.Hash, nil)
	require.NoError(t, err)
	assert.Equal(t, "a\r\nb\r\n", p.read("text"))
	require.NoError(t, p.cache.Verify(context.Background(), m.Hash))
}

func TestLargeFile(t *testing.T) {
	p := newPlace(t)
	text := strings.Repeat("0123456789abcdef", 1<<17) + "tail"
	p.write("big", text)
	m := p.add("big")
	assert.Equal(t, sumOf(text), m.Hash.String())
	require.NoError(t, os.Remove(p.path("big")))
	_, err := p.checkout("big", m.Hash, nil)
	require.NoError(t, err)
	assert.Equal(t, sumOf(text), p.hash("big"))
	require.NoError(t, p.cache.Verify(context.Background(), m.Hash))

	require.NoError(t, os.Chmod(p.cache.Path(m.Hash), 0o644))
	require.NoError(t, os.WriteFile(p.cache.Path(m.Hash), []byte(strings.ToUpper(text)), 0o444))
	require.NoError(t, os.Chmod(p.cache.Path(m.Hash), 0o444))
	require.NoError(t, os.Remove(p.path("big")))
	_, err = p.checkout("big", m.Hash, nil)
	assert.ErrorIs(t, err, object.ErrCorrupt)
	assert.NoFileExists(t, p.path("big"))
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`[{"md5": "c4ca4238a0b923820dcc509a6f75849b", "relpath": "B"}, {"md5": "dfda6361a5637a57cbffd42f1749ef5f", "relpath": "sub dir/\u00e9/\u00fc.txt"}]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"relpath": "a/b", "md5": "C4CA4238A0B923820DCC509A6F75849B"}, {"md5": "", "relpath": "a"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := object.ParseManifest(data)
		if err != nil {
			assert.True(t, errors.Is(err, object.ErrManifest), err)
			return
		}
		text, err := object.AppendManifest(nil, entries)
		if err != nil {
			return // a name that is not valid UTF-8 any more
		}
		again, err := object.ParseManifest(text)
		require.NoError(t, err)
		require.Equal(t, entries, again)
		second, err := object.AppendManifest(nil, again)
		require.NoError(t, err)
		require.Equal(t, text, second)
	})
}

func FuzzHash(f *testing.F) {
	f.Add("d41d8cd98f00b204e9800998ecf8427e.dir")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := object.ParseHash(s)
		if err != nil {
			assert.ErrorIs(t, err, object.ErrHash)
			return
		}
		assert.Equal(t, strings.ToLower(s), h.String())
		data, err := h.MarshalText()
		require.NoError(t, err)
		var back object.Hash
		require.NoError(t, back.UnmarshalText(data))
		assert.Equal(t, h, back)
	})
}
