// Package dirlock locks directories against other processes and against the
// same one, for as long as the process lives.
package dirlock

import "errors"

// ErrLocked is the error of [Lock] when somebody else holds the lock.
var ErrLocked = errors.New("directory is locked")
