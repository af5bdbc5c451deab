//go:build unix

package git

import (
	"errors"
	"syscall"
)

// isNotDir recognises a path through what is now a file.
func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// apart puts git into a process group of its own: what kills ours lets it
// finish, or notice the end of its input, and clear its locks away.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
