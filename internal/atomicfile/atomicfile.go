// Package atomicfile replaces files so that a reader, or a crash, sees the old
// content or the new one and never a mixture.
//
// Atomic is not durable: without [Options.Sync] a power failure may bring the
// old content back. Lock files and .dvc files ask for Sync; cache objects,
// which are verified when read, do not.
package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// TempPrefix begins the name of every temporary file this package makes, so
// that a sweep can recognise what a killed process left behind.
const TempPrefix = ".reprodl-tmp-"

// Options change how a file is replaced. The zero value keeps the permission
// bits of a file that exists and gives a new one 0666 less the umask.
type Options struct {
	Perm fs.FileMode // exact permission bits of the result; 0 means as described above
	Sync bool        // fsync the file before, and its directory after, the rename
	// Later leaves the directory to a call of SyncDir, which serves for many
	// renames: a power failure before it may bring back older content, whole.
	Later bool
	// Temp is the directory of the temporary file, where nobody minds what a
	// killed process leaves behind. It is made if need be. Empty, or on another
	// file system than the destination: the directory of the destination.
	Temp string
}

// WriteFile replaces the content of the file at path. A symbolic link at path
// is followed, as os.WriteFile does.
func WriteFile(path string, data []byte, opts *Options) error {
	f, err := Create(path, opts)
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// WriteFileIfChanged is WriteFile, except that a file that already has this
// content is left alone, its modification time included. It reports whether
// it wrote.
func WriteFileIfChanged(path string, data []byte, opts *Options) (bool, error) {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return false, nil
	}
	return true, WriteFile(path, data, opts)
}

// File is a temporary file that Commit renames to its final name.
type File struct {
	*os.File
	dest string
	opts Options
	done bool
}

var _ io.Writer = (*File)(nil)

// Create makes a temporary file, in the directory of path unless Temp is set. The caller defers
// Cleanup, writes, and calls Commit.
func Create(path string, opts *Options) (*File, error) {
	if opts == nil {
		opts = new(Options)
	}
	dest, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		dest, err = path, nil
	}
	if err != nil {
		return nil, err
	}
	perm := opts.Perm
	if perm == 0 {
		perm = 0o666
		if fi, err := os.Stat(dest); err == nil {
			perm = fi.Mode().Perm()
		}
	}
	dir := filepath.Dir(dest)
	if opts.Temp != "" && os.MkdirAll(opts.Temp, 0o777) == nil && sameDevice(opts.Temp, dir) {
		dir = opts.Temp
	}
	f, err := createTemp(dir, perm)
	if err != nil {
		return nil, err
	}
	return &File{File: f, dest: dest, opts: *opts}, nil
}

// Commit closes the temporary file and renames it over the destination.
func (f *File) Commit() error {
	if f.done {
		return fs.ErrClosed
	}
	if f.opts.Perm != 0 {
		if err := f.Chmod(f.opts.Perm); err != nil {
			return err
		}
	}
	if f.opts.Sync {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), f.dest); err != nil {
		return err
	}
	f.done = true
	if f.opts.Sync && !f.opts.Later {
		return SyncDir(filepath.Dir(f.dest))
	}
	return nil
}

// Cleanup removes the temporary file. After a successful Commit it does nothing.
func (f *File) Cleanup() {
	if f.done {
		return
	}
	f.done = true
	f.Close()
	os.Remove(f.Name())
}
