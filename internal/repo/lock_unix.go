//go:build unix

package repo

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock makes one attempt. flock belongs to the open file, not to the
// process, so two files of one process exclude each other as well.
func tryLock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			return errBusy
		default:
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}

// release gives the lock up; closing the file would, too.
func release(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }

// processExists reports whether there is a process with this id.
func processExists(pid int) bool {
	// Signal 0 tests and sends nothing; EPERM says that there is a process, of
	// another user.
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}
