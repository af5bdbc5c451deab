package experiment

import (
	"os"
	"syscall"
)

// bootID is not known here; leases end by expiry.
func bootID() string { return "" }

// processAlive reports whether a process of this machine exists.
func processAlive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	p.Release()
	return true
}

// detached makes a child process outlive this one and its console.
func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: 0x00000208} // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
}
