package repofs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"time"

	"github.com/reprodl/reprodl/internal/external"
)

// info describes a file or directory; its Sys is an Entry.
type info struct {
	entry Entry
	mode  fs.FileMode
	when  time.Time
}

func (i info) Name() string       { return path.Base(i.entry.Path) }
func (i info) Size() int64        { return max(0, i.entry.Size) }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.when }
func (i info) IsDir() bool        { return i.entry.Dir }
func (i info) Sys() any           { return i.entry }

// info is what is known without asking the cache or the remote.
func (f *FS) info(n *external.Node) info {
	i := info{entry: entryOf(n), mode: 0o444, when: n.ModTime}
	switch {
	case n.Dir:
		i.mode, i.entry.Size = fs.ModeDir|0o555, -1
	case n.Exec:
		i.mode = 0o555
	}
	return i
}

// sized is info with the size of a file.
func (f *FS) sized(n *external.Node) (fs.FileInfo, error) {
	i := f.info(n)
	if n.Dir || i.entry.Size >= 0 {
		return i, nil
	}
	size, err := f.r.Size(n)
	if err != nil {
		return nil, pathError("stat", n.Path, err)
	}
	i.entry.Size = size
	return i, nil
}

// dirEntry is a line of a listing; its size is looked up late.
type dirEntry struct {
	f *FS
	n *external.Node
}

func (d dirEntry) Name() string               { return path.Base(d.n.Path) }
func (d dirEntry) IsDir() bool                { return d.n.Dir }
func (d dirEntry) Type() fs.FileMode          { return d.f.info(d.n).mode.Type() }
func (d dirEntry) Info() (fs.FileInfo, error) { return d.f.sized(d.n) }
func (d dirEntry) String() string             { return fs.FormatDirEntry(d) }

// file is an open file.
type file struct {
	f    *FS
	info info
	body io.ReadCloser
}

func (f *file) Stat() (fs.FileInfo, error) {
	i := f.info
	if i.entry.Size >= 0 {
		return i, nil
	}
	s, ok := f.body.(interface{ Size() (int64, error) })
	if !ok {
		return f.f.Stat(i.entry.Path)
	}
	size, err := s.Size()
	if err != nil {
		return nil, pathError("stat", i.entry.Path, err)
	}
	i.entry.Size = size
	return i, nil
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.body.Read(p)
	if err != nil && err != io.EOF {
		err = pathError("read", f.info.entry.Path, err)
	}
	return n, err
}

// Seek moves to where the next Read begins. In a stream of a remote that ends
// the connection, and the next Read makes another.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	s, ok := f.body.(io.Seeker)
	if !ok {
		return 0, pathError("seek", f.info.entry.Path, errors.ErrUnsupported)
	}
	at, err := s.Seek(offset, whence)
	if err != nil {
		err = pathError("seek", f.info.entry.Path, err)
	}
	return at, err
}

func (f *file) Close() error { return f.body.Close() }

// dir is an open directory; left are the entries that ReadDir has yet to give.
type dir struct {
	info info
	left []fs.DirEntry
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *dir) Close() error               { return nil }
func (d *dir) Read([]byte) (int, error) {
	return 0, pathError("read", d.info.entry.Path, errors.New("is a directory"))
}

func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.left) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.left) {
		n = len(d.left)
	}
	out := d.left[:n:n]
	d.left = d.left[n:]
	return out, nil
}
