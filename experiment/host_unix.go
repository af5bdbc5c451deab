//go:build unix

package experiment

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// bootID tells one boot of this machine from another, where the system says.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// processAlive reports whether a process of this machine exists.
func processAlive(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// detached makes a child process outlive this one and its terminal.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
