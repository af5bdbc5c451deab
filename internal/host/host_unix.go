//go:build unix

package host

import (
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
)

// Boot tells one boot of this machine from another, where the system says.
func Boot() string { return bootID() }

var bootID = sync.OnceValue(func() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
})

// Alive reports whether a process of this machine exists.
func Alive(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// Detached makes a child process outlive this one and its terminal.
func Detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
