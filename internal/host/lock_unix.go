//go:build unix

package host

import (
	"os"

	"golang.org/x/sys/unix"
)

// TryLock takes an exclusive lock that ends with the process; false means that
// another process holds it.
func TryLock(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == unix.EWOULDBLOCK {
		return false, nil
	}
	return err == nil, err
}

// Unlock gives a lock back before the file is closed, as is needed where a
// mapping of the file outlives its descriptor and keeps the lock.
func Unlock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }
