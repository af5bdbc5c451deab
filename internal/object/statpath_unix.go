//go:build unix

package object

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// statPath describes the file at a path.
func statPath(path string, follow bool) (stat, error) {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var st unix.Stat_t
	for {
		err := unix.Fstatat(unix.AT_FDCWD, path, &st, flags)
		if err == nil {
			return makeStat(&st), nil
		}
		if err != unix.EINTR {
			return stat{}, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
	}
}

// sameDevice reports whether two directories are on one file system.
func sameDevice(a, b string) bool {
	var x, y unix.Stat_t
	return unix.Stat(a, &x) == nil && unix.Stat(b, &y) == nil && x.Dev == y.Dev
}

func isReadOnlyFS(err error) bool { return errors.Is(err, unix.EROFS) }

// link makes newname in to a hard link to name in d.
func (d *dir) link(name string, to *dir, newname string) error {
	if err := unix.Linkat(d.fd, name, to.fd, newname, 0); err != nil {
		return to.fail("link", newname, err)
	}
	return nil
}

// symlink makes name a symbolic link to target.
func (d *dir) symlink(target, name string) error {
	if err := unix.Symlinkat(target, d.fd, name); err != nil {
		return d.fail("symlink", name, err)
	}
	return nil
}
