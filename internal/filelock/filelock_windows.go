package filelock

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// Try makes one attempt. It locks the first byte, as Python's msvcrt.locking does for
// DVC; other handles can neither read nor write that byte then. Closing the file gives
// the lock up, and so does the end of the process.
func Try(f *os.File) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return err
}

// Release gives the lock up and leaves the file open.
func Release(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, new(windows.Overlapped))
}
