package object_test

import (
	"bytes"
	"crypto/md5"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
)

// TestReceive takes objects whose ends lie around those of the chunks that they
// are hashed and written in.
func TestReceive(t *testing.T) {
	const chunk = 1 << 20
	temp := t.TempDir()
	c := object.OpenCache(filepath.Join(t.TempDir(), "cache"), &object.CacheOptions{Temp: temp})
	r := c.Receiver()
	defer r.Close()
	rng := rand.NewChaCha8([32]byte{})
	for _, size := range []int{0, 1, 5000, chunk - 1, chunk, chunk + 1, 2 * chunk, 5*chunk + 7} {
		data := make([]byte, size)
		rng.Read(data)
		h := object.FileHash(md5.Sum(data))
		cut := errors.New("cut")
		if size > 0 {
			broken := io.MultiReader(bytes.NewReader(data[:size-1]), iotest.ErrReader(cut))
			_, err := r.Receive(t.Context(), h, broken)
			require.ErrorIs(t, err, cut)
			other := append(bytes.Clone(data[:size-1]), data[size-1]+1)
			_, err = r.Receive(t.Context(), h, bytes.NewReader(other))
			require.ErrorIs(t, err, object.ErrBadCopy)
			require.NoFileExists(t, c.Path(h))
		}
		n, err := r.Receive(t.Context(), h, iotest.HalfReader(bytes.NewReader(data)))
		require.NoError(t, err)
		assert.EqualValues(t, size, n)
		got, err := os.ReadFile(c.Path(h))
		require.NoError(t, err)
		assert.True(t, bytes.Equal(data, got), size)

		m, err := r.Take(t.Context(), iotest.DataErrReader(bytes.NewReader(data)), int64(size))
		require.NoError(t, err)
		assert.Equal(t, h, m.Hash)
	}
	r.Close()
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// TestReceivedAndDamaged: that an object was verified when it came is good for as
// long as nobody has touched it.
func TestReceivedAndDamaged(t *testing.T) {
	dir := t.TempDir()
	c := object.OpenCache(filepath.Join(dir, "cache"), &object.CacheOptions{Temp: filepath.Join(dir, "tmp")})
	data := make([]byte, 17<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	h := object.FileHash(md5.Sum(data))
	receive := func() {
		r := c.Receiver()
		defer r.Close()
		_, err := r.Receive(t.Context(), h, bytes.NewReader(data))
		require.NoError(t, err)
	}
	out := filepath.Join(dir, "out")
	checkout := func() error {
		os.Remove(out)
		hs := object.NewHasher(nil)
		defer hs.Close()
		_, err := c.Checkout(t.Context(), hs, out, h, nil)
		return err
	}
	receive()
	require.NoError(t, checkout())
	got, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(data, got))

	require.NoError(t, os.Chmod(c.Path(h), 0o644))
	f, err := os.OpenFile(c.Path(h), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("damage"), 16<<20)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chmod(c.Path(h), 0o444))
	require.ErrorIs(t, checkout(), object.ErrCorrupt)
	require.NoFileExists(t, out)
	receive()
	require.NoError(t, checkout())
}

// breaking is a source whose bytes end with an error, and that counts what is read.
type breaking struct {
	*bytes.Reader
	left int // bytes until it breaks; negative = never
	read int
}

var errBroken = errors.New("broken")

func (b *breaking) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errBroken
	}
	if b.left > 0 {
		p = p[:min(len(p), b.left)]
	}
	n, err := b.Reader.Read(p)
	b.left -= n
	b.read += n
	return n, err
}

// TestResume goes on with what a transfer that broke off has left, as another process
// does.
func TestResume(t *testing.T) {
	const chunk = 1 << 20
	data := make([]byte, 8*chunk+77)
	rand.NewChaCha8([32]byte{2}).Read(data)
	h := object.FileHash(md5.Sum(data))
	dir := filepath.Join(t.TempDir(), "cache")
	root := filepath.Join(dir, "files", "md5")
	resume := func(data []byte, breakAt int) (read int, err error) {
		r := object.OpenCache(dir, nil).Receiver()
		defer r.Close()
		src := &breaking{bytes.NewReader(data), breakAt, 0}
		_, err = r.Resume(t.Context(), h, src)
		return src.read, err
	}
	part := func() string {
		parts, err := filepath.Glob(filepath.Join(root, ".reprodl-tmp-*"))
		require.NoError(t, err)
		if len(parts) == 0 {
			return ""
		}
		require.Len(t, parts, 2, "the part, and its sums")
		return parts[0]
	}
	done := func() {
		got, err := os.ReadFile(object.OpenCache(dir, nil).Path(h))
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got))
		fi, err := os.Stat(object.OpenCache(dir, nil).Path(h))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o444), fi.Mode().Perm())
		require.Empty(t, part())
		require.NoError(t, os.RemoveAll(dir))
	}

	t.Run("goes on", func(t *testing.T) {
		_, err := resume(data, 5*chunk+100)
		require.ErrorIs(t, err, errBroken)
		_, err = resume(data, chunk+5)
		require.ErrorIs(t, err, errBroken)
		read, err := resume(data, -1)
		require.NoError(t, err)
		assert.LessOrEqual(t, read, len(data)-4*chunk)
		done()
	})
	t.Run("little is kept not at all", func(t *testing.T) {
		_, err := resume(data, chunk-1)
		require.ErrorIs(t, err, errBroken)
		assert.Empty(t, part())
	})
	t.Run("damaged", func(t *testing.T) {
		_, err := resume(data, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		f, err := os.OpenFile(part(), os.O_WRONLY, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(make([]byte, 10), 3*chunk+7)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		read, err := resume(data, -1)
		require.NoError(t, err)
		assert.Equal(t, len(data)-3*chunk, read, "what comes before the damage is good")
		done()
	})
	t.Run("sums are lost", func(t *testing.T) {
		_, err := resume(data, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		require.NoError(t, os.Remove(part()+".sums"))
		read, err := resume(data, -1)
		require.NoError(t, err)
		assert.Equal(t, len(data), read)
		done()
	})
	t.Run("of other bytes", func(t *testing.T) {
		other := bytes.Repeat([]byte("x"), len(data))
		_, err := resume(other, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		_, err = resume(data, -1)
		require.NoError(t, err, "it begins anew")
		done()
	})
	t.Run("of other bytes, which stay", func(t *testing.T) {
		other := bytes.Repeat([]byte("x"), len(data))
		_, err := resume(other, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		_, err = resume(other, -1)
		require.ErrorIs(t, err, object.ErrBadCopy)
		assert.Empty(t, part())
		require.NoFileExists(t, object.OpenCache(dir, nil).Path(h))
	})
	t.Run("by two", func(t *testing.T) {
		_, err := resume(data, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		first := object.OpenCache(dir, nil).Receiver()
		defer first.Close()
		slow, more := io.Pipe()
		ended := make(chan error)
		go func() {
			_, err := first.Resume(t.Context(), h, seekable{slow})
			ended <- err
		}()
		_, err = more.Write(data[5*chunk : 5*chunk+10]) // the first has begun
		require.NoError(t, err)
		read, err := resume(data, -1)
		require.NoError(t, err)
		assert.Equal(t, len(data), read, "the other has the part")
		_, err = more.Write(data[5*chunk+10:])
		require.NoError(t, err)
		more.Close()
		require.NoError(t, <-ended)
		done()
	})
	t.Run("a name", func(t *testing.T) {
		take := func(name string, breakAt int) (read int, m object.Meta, err error) {
			r := object.OpenCache(dir, nil).Receiver()
			defer r.Close()
			src := &breaking{bytes.NewReader(data), breakAt, 0}
			m, err = r.ResumeAs(t.Context(), name, src, int64(len(data)))
			return src.read, m, err
		}
		_, _, err := take("a", 6*chunk)
		require.ErrorIs(t, err, errBroken)
		read, m, err := take("b", -1)
		require.NoError(t, err)
		assert.Equal(t, len(data), read, "another source")
		assert.Equal(t, h, m.Hash)
		read, m, err = take("a", -1)
		require.NoError(t, err)
		assert.Equal(t, len(data)-5*chunk, read)
		assert.Equal(t, h, m.Hash)
		done()
	})
	t.Run("is removed when old", func(t *testing.T) {
		_, err := resume(data, 6*chunk)
		require.ErrorIs(t, err, errBroken)
		object.OpenCache(dir, nil).RemoveStale()
		require.NotEmpty(t, part())
		old := time.Now().Add(-25 * time.Hour)
		require.NoError(t, os.Chtimes(part(), old, old))
		object.OpenCache(dir, nil).RemoveStale()
		require.Empty(t, part())
	})
}

// seekable is a pipe whose writer knows where to go on.
type seekable struct{ io.Reader }

func (seekable) Seek(offset int64, _ int) (int64, error) { return offset, nil }
