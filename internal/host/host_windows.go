package host

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// Boot is not known here; leases end by expiry.
func Boot() string { return "" }

// Alive reports whether a process of this machine exists and has not ended.
func Alive(pid int) bool {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return errors.Is(err, windows.ERROR_ACCESS_DENIED)
	}
	defer windows.CloseHandle(h)
	var code uint32
	const stillActive = 259
	return windows.GetExitCodeProcess(h, &code) != nil || code == stillActive
}

// Detached makes a child process outlive this one and its console.
func Detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: 0x00000208} // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
}
