package orphan

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// space is the name space of process ids: a container has its own.
func space() string {
	s, _ := os.Readlink("/proc/self/ns/pid")
	return s
}

// endWithParent reaches only the leader, and only if it does not change its
// user, so it replaces nothing.
func endWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }

// startTime is field 22 of stat, in clock ticks after the boot; "" without such
// a process.
func startTime(pid int) string {
	if p := readProcess(pid); p != nil {
		return p.start
	}
	return ""
}

// readProcess returns nil for zombies, too: they do nothing any more.
func readProcess(pid int) *process {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	// The name, in parentheses, may hold anything.
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // from field 3 on
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return nil
	}
	p := &process{pid: pid, start: fields[19]}
	p.parent, _ = strconv.Atoi(fields[1])
	p.group, _ = strconv.Atoi(fields[2])
	return p
}

func processes() ([]process, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p := readProcess(pid); p != nil {
			all = append(all, *p)
		}
	}
	return all, nil
}

// environment is what a process was started with; empty if it is another
// user's.
func environment(pid int) []byte {
	data, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	return data
}
