package git

import "syscall"

// isNotDir never holds: Windows says that the file does not exist.
func isNotDir(error) bool { return false }

// apart puts git into a process group of its own.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
