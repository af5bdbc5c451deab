//go:build unix

package host

import (
	"bytes"
	"errors"
	"os"
	"strconv"
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

// Alive reports whether a process of this machine exists and has not ended.
func Alive(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) && !ended(pid)
}

// ended reports whether a process is there only because nobody has asked what became of
// it: in a container whose first process is no init it stays so. Systems other than Linux
// do not tell.
func ended(pid int) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return false
	}
	_, state, ok := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
	return ok && (strings.HasPrefix(state, "Z") || strings.HasPrefix(state, "X"))
}

// Detached makes a child process outlive this one and its terminal.
func Detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
