package project

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// overlayFS is the tree of the repository with some files replaced.
// A path in files wins over the disk, also where the disk has none.
type overlayFS struct {
	fs.FS
	files map[string][]byte // by path from the root
}

// Tree is what stage files are read from.
func (r *Repo) Tree(overlay map[string][]byte) fs.FS {
	if r.source != nil {
		return r.source.Files
	}
	disk := Disk(r.Root)
	if len(overlay) == 0 {
		return disk
	}
	o := &overlayFS{FS: disk, files: map[string][]byte{}}
	for abs, data := range overlay {
		if rel, err := filepath.Rel(r.Root, abs); err == nil {
			o.files[filepath.ToSlash(rel)] = data
		}
	}
	return o
}

// Open and ReadFile answer for the replaced files; a caller may change what it got.
func (o *overlayFS) Open(name string) (fs.File, error) {
	if data, ok := o.files[name]; ok {
		return &overlayFile{info: overlayInfo{path.Base(name), int64(len(data))}, Reader: bytes.NewReader(data)}, nil
	}
	return o.FS.Open(name)
}

func (o *overlayFS) ReadFile(name string) ([]byte, error) {
	if data, ok := o.files[name]; ok {
		return slices.Clone(data), nil
	}
	return fs.ReadFile(o.FS, name)
}

// ReadDir also lists files that are not on disk: stage files are found by
// walking the tree. Those in directories that don't exist are not found.
func (o *overlayFS) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	for file, data := range o.files {
		if path.Dir(file) != name {
			continue
		}
		e := fs.FileInfoToDirEntry(overlayInfo{path.Base(file), int64(len(data))})
		at, found := slices.BinarySearchFunc(entries, e.Name(), func(e fs.DirEntry, name string) int {
			return strings.Compare(e.Name(), name)
		})
		if !found {
			entries = slices.Insert(entries, at, e)
		}
	}
	return entries, err
}

// overlayFile is a replaced file, opened.
type overlayFile struct {
	io.Reader
	info overlayInfo
}

func (f *overlayFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *overlayFile) Close() error               { return nil }

// overlayInfo describes a file that is only in memory.
type overlayInfo struct {
	name string
	size int64
}

func (i overlayInfo) Name() string       { return i.name }
func (i overlayInfo) Size() int64        { return i.size }
func (i overlayInfo) Mode() fs.FileMode  { return 0o644 }
func (i overlayInfo) ModTime() time.Time { return time.Time{} }
func (i overlayInfo) IsDir() bool        { return false }
func (i overlayInfo) Sys() any           { return nil }
