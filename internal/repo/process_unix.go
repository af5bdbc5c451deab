//go:build unix

package repo

import (
	"errors"

	"golang.org/x/sys/unix"
)

// processExists reports whether there is a process with this id.
func processExists(pid int) bool {
	// Signal 0 tests and sends nothing; EPERM says that there is a process, of
	// another user.
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}
