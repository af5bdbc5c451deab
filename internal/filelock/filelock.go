// Package filelock locks open files against whoever else opens them: other
// processes, and this one.
package filelock

import "errors"

// ErrLocked is the error of [Try] when somebody else holds the lock.
var ErrLocked = errors.New("file is locked")
