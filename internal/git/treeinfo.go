package git

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// treeInfo describes a file of a commit: its time is the commit's.
type treeInfo struct {
	name string
	size int64
	mode fs.FileMode
	when time.Time
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return i.size }
func (i treeInfo) Mode() fs.FileMode  { return i.mode }
func (i treeInfo) ModTime() time.Time { return i.when }
func (i treeInfo) IsDir() bool        { return i.mode.IsDir() }
func (i treeInfo) Sys() any           { return nil }

// fileMode translates a mode; git keeps no permissions but the executable bit.
func fileMode(m Mode) fs.FileMode {
	switch m {
	case ModeTree, ModeModule:
		return fs.ModeDir | 0o755
	case ModeSymlink:
		return fs.ModeSymlink | 0o777
	}
	if m&0o111 != 0 {
		return 0o755
	}
	return 0o644
}

// treeEntry is a line of a directory listing; its size is looked up late.
type treeEntry struct {
	fs *TreeFS
	e  Entry
}

func (d treeEntry) Name() string               { return d.e.Name }
func (d treeEntry) IsDir() bool                { return fileMode(d.e.Mode).IsDir() }
func (d treeEntry) Type() fs.FileMode          { return fileMode(d.e.Mode).Type() }
func (d treeEntry) Info() (fs.FileInfo, error) { return d.fs.info(d.e.Name, d.e) }
func (d treeEntry) String() string             { return fs.FormatDirEntry(d) }

// list is the content of a directory, sorted as io/fs wants it: by name alone,
// where git sorts directories as if they ended in a slash.
func (t *TreeFS) list(name string, e Entry) ([]fs.DirEntry, error) {
	if e.Mode == ModeModule {
		return nil, nil
	}
	if !e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fmt.Errorf("not a directory")}
	}
	entries, err := t.repo.Entries(t.ctx, e.ID)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	list := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		list[i] = treeEntry{t, e}
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}
