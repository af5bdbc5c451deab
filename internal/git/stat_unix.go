//go:build unix

package git

import (
	"errors"
	"syscall"
)

// isNotDir recognises a path through what is now a file.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }
