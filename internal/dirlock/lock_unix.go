//go:build unix

package dirlock

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Lock locks the directory itself, so that no lock file appears among the
// logged files, and the system releases it when the process dies.
func Lock(dir string) (unlock func() error, err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f.Close, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		err = ErrLocked
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, unix.ENOLCK):
		// A network file system without locks: go on without one.
		return f.Close, nil
	}
	f.Close()
	return nil, err
}
