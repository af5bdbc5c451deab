package host

import (
	"os"
	"syscall"
)

// Boot is not known here; leases end by expiry.
func Boot() string { return "" }

// Alive reports whether a process of this machine exists.
func Alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	p.Release()
	return true
}

// Detached makes a child process outlive this one and its console.
func Detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: 0x00000208} // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
}
