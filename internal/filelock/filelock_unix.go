//go:build unix

package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Try makes one attempt. flock belongs to the open file, not to the process, so
// two files of one process exclude each other as well. Closing the file gives the
// lock up, and so does the end of the process.
func Try(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrLocked
		default:
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// Release gives the lock up and leaves the file open.
func Release(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }
