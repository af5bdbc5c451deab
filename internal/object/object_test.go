package object_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
)

// place is a workspace with a cache beside it.
type place struct {
	t     *testing.T
	dir   string
	cache *object.Cache
}

func newPlace(t *testing.T, links ...object.LinkType) *place {
	t.Helper()
	root := t.TempDir()
	p := &place{t: t, dir: filepath.Join(root, "work")}
	temp := filepath.Join(root, "tmp")
	require.NoError(t, os.Mkdir(p.dir, 0o777))
	require.NoError(t, os.Mkdir(temp, 0o777))
	p.cache = object.OpenCache(filepath.Join(root, "cache"), &object.CacheOptions{Links: links, Temp: temp})
	t.Cleanup(func() {
		left, err := os.ReadDir(temp)
		assert.NoError(t, err)
		assert.Empty(t, left, "temporary files left")
	})
	return p
}

func (p *place) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

func (p *place) write(name, content string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(filepath.Dir(p.path(name)), 0o777))
	require.NoError(p.t, os.WriteFile(p.path(name), []byte(content), 0o666))
}

func (p *place) read(name string) string {
	p.t.Helper()
	data, err := os.ReadFile(p.path(name))
	require.NoError(p.t, err)
	return string(data)
}

func (p *place) hasher() *object.Hasher {
	return object.NewHasher(&object.HasherOptions{Memo: filepath.Join(filepath.Dir(p.dir), "memo"), Root: p.dir})
}

func (p *place) add(name string) object.Meta {
	p.t.Helper()
	m, err := p.cache.Add(context.Background(), p.hasher(), p.path(name), &object.AddOptions{Relink: true})
	require.NoError(p.t, err)
	return m
}

func (p *place) checkout(name string, h object.Hash, opts *object.CheckoutOptions) (object.Change, error) {
	hs := p.hasher()
	defer hs.Close()
	done, err := p.cache.Checkout(context.Background(), hs, p.path(name), h, opts)
	return done.Change, err
}

func parse(t *testing.T, s string) object.Hash {
	t.Helper()
	h, err := object.ParseHash(s)
	require.NoError(t, err)
	return h
}

func TestAddAndCheckoutFile(t *testing.T) {
	p := newPlace(t)
	p.write("f", "hello")
	m := p.add("f")
	assert.Equal(t, "5d41402abc4b2a76b9719d911017c592", m.Hash.String())
	assert.Equal(t, int64(5), m.Size)

	fi, err := os.Stat(p.cache.Path(m.Hash))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o444), fi.Mode().Perm())

	change, err := p.checkout("f", m.Hash, nil)
	require.NoError(t, err)
	assert.Zero(t, change)

	require.NoError(t, os.Remove(p.path("f")))
	change, err = p.checkout("f", m.Hash, nil)
	require.NoError(t, err)
	assert.Equal(t, object.Added, change)
	assert.Equal(t, "hello", p.read("f"))
}

func TestDirectory(t *testing.T) {
	p := newPlace(t)
	p.write("d/a", "1\n")
	p.write("d/s/b", "2\n")
	require.NoError(t, os.MkdirAll(p.path("d/empty"), 0o777))
	m := p.add("d")
	assert.Equal(t, "2f83d11e62144c050f1158231deb8507.dir", m.Hash.String())
	assert.Equal(t, object.Meta{Hash: m.Hash, Size: 4, Files: 2}, m)

	p.write("d/a", "changed")
	p.write("d/new/x", "new")
	_, err := p.checkout("d", m.Hash, nil)
	var unsaved *object.UnsavedError
	require.ErrorAs(t, err, &unsaved)
	assert.Equal(t, []string{p.path("d/a"), p.path("d/new/x")}, unsaved.Paths)
	assert.Equal(t, "changed", p.read("d/a"))

	change, err := p.checkout("d", m.Hash, &object.CheckoutOptions{Force: true})
	require.NoError(t, err)
	assert.Equal(t, object.Modified, change)
	assert.Equal(t, "1\n", p.read("d/a"))
	assert.NoDirExists(t, p.path("d/new"))

	change, err = p.checkout("d", object.Hash{}, nil)
	require.NoError(t, err)
	assert.Equal(t, object.Deleted, change)
	assert.NoDirExists(t, p.path("d"))

	change, err = p.checkout("d", m.Hash, nil)
	require.NoError(t, err)
	assert.Equal(t, object.Added, change)
	assert.Equal(t, "2\n", p.read("d/s/b"))
}

func TestFileAndDirectoryTradePlaces(t *testing.T) {
	p := newPlace(t)
	p.write("x", "file")
	file := p.add("x").Hash
	require.NoError(t, os.Remove(p.path("x")))
	p.write("x/in/side", "dir")
	dir := p.add("x").Hash

	change, err := p.checkout("x", file, nil)
	require.NoError(t, err)
	assert.Equal(t, object.Modified, change)
	assert.Equal(t, "file", p.read("x"))

	change, err = p.checkout("x", dir, nil)
	require.NoError(t, err)
	assert.Equal(t, object.Modified, change)
	assert.Equal(t, "dir", p.read("x/in/side"))
}

func TestDamagedObjects(t *testing.T) {
	for _, damage := range []struct {
		name    string
		content string
		mode    os.FileMode
	}{
		{"truncated, trusted mode", "he", 0o444},
		{"changed, trusted mode", "hellO", 0o444},
		{"changed, other mode", "hellO", 0o644},
	} {
		t.Run(damage.name, func(t *testing.T) {
			p := newPlace(t)
			p.write("d/f", "hello")
			m := p.add("d")
			file := parse(t, "5d41402abc4b2a76b9719d911017c592")
			object0 := p.cache.Path(file)
			require.NoError(t, os.Chmod(object0, 0o644))
			require.NoError(t, os.WriteFile(object0, []byte(damage.content), 0o644))
			require.NoError(t, os.Chmod(object0, damage.mode))
			require.NoError(t, os.RemoveAll(p.path("d")))

			_, err := p.checkout("d", m.Hash, nil)
			require.ErrorIs(t, err, object.ErrMissing)
			assert.ErrorContains(t, err, file.String())
			assert.NoDirExists(t, p.path("d"))
			assert.NoFileExists(t, object0, "the damaged object is removed")

			p.write("d/f", "hello")
			assert.Equal(t, m, p.add("d"))
			assert.FileExists(t, object0)
		})
	}
}

func TestTrustByMode(t *testing.T) {
	p := newPlace(t)
	p.write("f", "hello")
	h := p.add("f").Hash
	require.NoError(t, os.Chmod(p.cache.Path(h), 0o644))
	ok, err := p.cache.Has(context.Background(), h)
	require.NoError(t, err)
	assert.True(t, ok)
	fi, err := os.Stat(p.cache.Path(h))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o444), fi.Mode().Perm(), "the mode is set back")
}

func TestLinks(t *testing.T) {
	for _, kind := range []object.LinkType{object.Reflink, object.Hardlink, object.Symlink, object.Copy} {
		t.Run(string(kind), func(t *testing.T) {
			p := newPlace(t, kind, object.Copy)
			p.write("d/f", "hello")
			p.write("d/empty", "")
			p.write("x", "exec")
			require.NoError(t, os.Chmod(p.path("x"), 0o755))
			m := p.add("d")
			x := p.add("x")
			assert.True(t, x.Exec)
			p.checkLinks(kind)

			require.NoError(t, os.RemoveAll(p.path("d")))
			require.NoError(t, os.Remove(p.path("x")))
			_, err := p.checkout("d", m.Hash, nil)
			require.NoError(t, err)
			_, err = p.checkout("x", x.Hash, &object.CheckoutOptions{Exec: true})
			require.NoError(t, err)
			p.checkLinks(kind)

			other := object.OpenCache(p.cache.Dir(), &object.CacheOptions{Links: []object.LinkType{object.Copy}})
			_, err = other.Checkout(context.Background(), p.hasher(), p.path("d"), m.Hash, &object.CheckoutOptions{Relink: true})
			require.NoError(t, err)
			p.checkLinks(object.Copy)
		})
	}
}

func (p *place) checkLinks(kind object.LinkType) {
	p.t.Helper()
	assert.Equal(p.t, "hello", p.read("d/f"))
	assert.Equal(p.t, "", p.read("d/empty"))
	stored := p.cache.Path(parse(p.t, "5d41402abc4b2a76b9719d911017c592"))
	target, err := os.Readlink(p.path("d/f"))
	assert.Equal(p.t, kind == object.Symlink, err == nil)
	if kind == object.Symlink {
		assert.Equal(p.t, stored, target)
		return
	}
	a, err := os.Lstat(p.path("d/f"))
	require.NoError(p.t, err)
	b, err := os.Lstat(stored)
	require.NoError(p.t, err)
	assert.Equal(p.t, kind == object.Hardlink, os.SameFile(a, b))
	if kind == object.Copy || kind == object.Reflink {
		assert.Equal(p.t, os.FileMode(0o644), a.Mode().Perm())
	}
}

// The zero Hash is no object, and nobody has it.
func TestZeroHash(t *testing.T) {
	c := object.OpenCache(t.TempDir(), nil)
	_, err := c.PutManifest(t.Context(), nil) // so that there is a cache
	require.NoError(t, err)
	ok, err := c.HasObject(t.Context(), object.Hash{}, -1)
	assert.False(t, ok)
	assert.NoError(t, err)
	_, err = c.Open(object.Hash{})
	assert.ErrorIs(t, err, object.ErrMissing)
}
