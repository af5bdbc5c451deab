package object

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dir is a directory by its path: Windows has no calls relative to a handle
// that Go's os package would offer for all we need.
type dir struct{ path string }

func openDir(path string) (*dir, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOTDIR}
	}
	return &dir{path}, nil
}

func (d *dir) close() {}

func (d *dir) at(name string) string { return filepath.Join(d.path, name) }

func (d *dir) entries() ([]fs.DirEntry, error) { return os.ReadDir(d.path) }

func (d *dir) stat(name string, follow bool) (stat, error) {
	call := os.Lstat
	if follow {
		call = os.Stat
	}
	fi, err := call(d.at(name))
	if err != nil {
		return stat{}, err
	}
	return makeStat(fi), nil
}

func (d *dir) open(name string) (file, error) {
	f, err := os.Open(d.at(name))
	return file{f}, err
}

// create leaves the file writable: with the read-only mark it could not be written.
func (d *dir) create(name string, perm fs.FileMode) (file, error) {
	f, err := os.OpenFile(d.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm|0o200)
	return file{f}, err
}

// rename replaces a read-only destination as well, as Unix does.
func (d *dir) rename(name string, to *dir, newname string) error {
	dest := to.at(newname)
	err := os.Rename(d.at(name), dest)
	if err != nil {
		if os.Chmod(dest, 0o666) == nil {
			err = os.Rename(d.at(name), dest)
		}
	}
	return err
}

// remove takes the read-only mark away first if it must: Windows deletes no such file.
func (d *dir) remove(name string) error {
	err := os.Remove(d.at(name))
	if err != nil && os.Chmod(d.at(name), 0o666) == nil {
		err = os.Remove(d.at(name))
	}
	return err
}

func (d *dir) mkdir(name string, perm fs.FileMode) error { return os.Mkdir(d.at(name), perm) }
func (d *dir) chmod(name string, perm fs.FileMode) error { return os.Chmod(d.at(name), perm) }

// file is an open file.
type file struct{ f *os.File }

// Read returns 0, nil at the end of the file, as the system call does.
func (f file) Read(p []byte) (int, error) {
	n, err := f.f.Read(p)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func (f file) Write(p []byte) (int, error)  { return f.f.Write(p) }
func (f file) Close() error                 { return f.f.Close() }
func (f file) chmod(perm fs.FileMode) error { return os.Chmod(f.f.Name(), perm) }

func (f file) stat() (stat, error) {
	fi, err := f.f.Stat()
	if err != nil {
		return stat{}, err
	}
	return makeStat(fi), nil
}

// makeStat has no inode; the creation time stands in for ctime.
func makeStat(fi fs.FileInfo) stat {
	s := stat{mode: uint32(fi.Mode()), nlink: 1}
	s.key.size = fi.Size()
	s.key.mtime = fi.ModTime().UnixNano()
	if data, ok := fi.Sys().(*syscall.Win32FileAttributeData); ok {
		s.key.ctime = data.CreationTime.Nanoseconds()
	}
	return s
}

func (s *stat) isDir() bool       { return fs.FileMode(s.mode).IsDir() }
func (s *stat) isRegular() bool   { return fs.FileMode(s.mode).IsRegular() }
func (s *stat) isSymlink() bool   { return fs.FileMode(s.mode)&fs.ModeSymlink != 0 }
func (s *stat) isExec() bool      { return false }
func (s *stat) perm() fs.FileMode { return fs.FileMode(s.mode).Perm() }

// statPath describes the file at a path.
func statPath(path string, follow bool) (stat, error) {
	call := os.Lstat
	if follow {
		call = os.Stat
	}
	fi, err := call(path)
	if err != nil {
		return stat{}, err
	}
	return makeStat(fi), nil
}

// sameDevice reports whether two directories are on one volume.
func sameDevice(a, b string) bool {
	return strings.EqualFold(filepath.VolumeName(a), filepath.VolumeName(b))
}

func isReadOnlyFS(error) bool { return false }

// link makes newname in to a hard link to name in d.
func (d *dir) link(name string, to *dir, newname string) error {
	return os.Link(d.at(name), to.at(newname))
}

// symlink makes name a symbolic link to target.
func (d *dir) symlink(target, name string) error { return os.Symlink(target, d.at(name)) }

func (d *dir) fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: d.at(name), Err: err}
}
