// Package filelock locks open files against whoever else opens them: other
// processes, and this one.
package filelock

import (
	"errors"
	"os"
)

// ErrLocked is the error of [Try] when somebody else holds the lock.
var ErrLocked = errors.New("file is locked")

// TryNamed is Try for a file that whoever had the lock before may have removed or
// renamed: it is an error if the file is no longer the one of its name.
func TryNamed(f *os.File) error {
	if err := Try(f); err != nil {
		return err
	}
	ours, err := f.Stat()
	if err != nil {
		return err
	}
	now, err := os.Lstat(f.Name())
	if err == nil && !os.SameFile(ours, now) {
		err = &os.PathError{Op: "lock", Path: f.Name(), Err: os.ErrNotExist}
	}
	return err
}
