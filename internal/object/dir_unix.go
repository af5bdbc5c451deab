//go:build unix

package object

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// dir is an open directory. Its methods take names below it, relative to the
// descriptor, which spares the kernel the walk from the root for every file.
// fd is f's, which keeps it open; path is for messages only, and for the calls that
// have no form relative to a descriptor.
type dir struct {
	f    *os.File
	fd   int
	path string
}

func openDir(path string) (*dir, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &dir{f, int(f.Fd()), path}, nil
}

func (d *dir) close() { d.f.Close() }

// entries lists the directory in no particular order.
func (d *dir) entries() ([]fs.DirEntry, error) { return d.f.ReadDir(-1) }

// fail names the whole path, which the system call did not see.
func (d *dir) fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: filepath.Join(d.path, name), Err: err}
}

// stat describes a file; the last element of name is followed if it is a
// symbolic link and follow is set.
func (d *dir) stat(name string, follow bool) (stat, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var st unix.Stat_t
	for {
		err := unix.Fstatat(d.fd, name, &st, flags)
		if err == nil {
			return makeStat(&st), nil
		}
		if err != unix.EINTR {
			return stat{}, d.fail("stat", name, err)
		}
	}
}

func (d *dir) openat(name string, flags int, perm uint32) (file, error) {
	for {
		fd, err := unix.Openat(d.fd, name, flags|unix.O_CLOEXEC, perm)
		if err == nil {
			return file{fd}, nil
		}
		if err != unix.EINTR {
			return file{-1}, d.fail("open", name, err)
		}
	}
}

// open opens a file for reading. O_NONBLOCK keeps a pipe that has taken the
// place of a file from blocking us; it means nothing for regular files.
func (d *dir) open(name string) (file, error) {
	return d.openat(name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
}

// create makes a file that must not exist. It can be written even if perm
// lacks the right to do so.
func (d *dir) create(name string, perm fs.FileMode) (file, error) {
	return d.openat(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, uint32(perm))
}

// rename moves name in d to newname in to, replacing what is there.
// Both sides are on one file system; whoever opens newname sees the old file or the
// new one, whole.
func (d *dir) rename(name string, to *dir, newname string) error {
	if err := unix.Renameat(d.fd, name, to.fd, newname); err != nil {
		return &os.LinkError{Op: "rename", Old: filepath.Join(d.path, name), New: filepath.Join(to.path, newname), Err: err}
	}
	return nil
}

func (d *dir) remove(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil {
		return d.fail("remove", name, err)
	}
	return nil
}

func (d *dir) mkdir(name string, perm fs.FileMode) error {
	if err := unix.Mkdirat(d.fd, name, uint32(perm)); err != nil {
		return d.fail("mkdir", name, err)
	}
	return nil
}

// chmod follows a link.
func (d *dir) chmod(name string, perm fs.FileMode) error {
	if err := unix.Fchmodat(d.fd, name, uint32(perm), 0); err != nil {
		return d.fail("chmod", name, err)
	}
	return nil
}

// file is an open file without os.File's finalizer, poller and locks, which
// cost as much as the system calls on small files.
type file struct{ fd int }

func (f file) Read(p []byte) (int, error)  { return retry(unix.Read, f.fd, p) }
func (f file) Write(p []byte) (int, error) { return writeAll(f.fd, p) }
func (f file) Close() error                { return unix.Close(f.fd) }

func (f file) stat() (stat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(f.fd, &st); err != nil {
		return stat{}, err
	}
	return makeStat(&st), nil
}

func (f file) chmod(perm fs.FileMode) error { return unix.Fchmod(f.fd, uint32(perm)) }

// read returns 0, nil at the end of the file.
func retry(op func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := op(fd, p)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// writeAll writes p in as many calls as it takes, as the system may take less.
func writeAll(fd int, p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := retry(unix.Write, fd, p[done:])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// makeStat keeps what tells a change, and what a checkout must know.
func makeStat(st *unix.Stat_t) stat {
	return stat{
		key: statKey{
			ino:   uint64(st.Ino),
			size:  st.Size,
			mtime: st.Mtim.Nano(),
			ctime: st.Ctim.Nano(),
		},
		mode:  uint32(st.Mode),
		nlink: uint64(st.Nlink),
	}
}

func (s *stat) isDir() bool     { return s.mode&unix.S_IFMT == unix.S_IFDIR }
func (s *stat) isRegular() bool { return s.mode&unix.S_IFMT == unix.S_IFREG }
func (s *stat) isSymlink() bool { return s.mode&unix.S_IFMT == unix.S_IFLNK }
func (s *stat) isExec() bool    { return s.mode&0o111 != 0 }

// perm returns the permission bits, set-id and sticky bits left out.
func (s *stat) perm() fs.FileMode { return fs.FileMode(s.mode & 0o777) }
