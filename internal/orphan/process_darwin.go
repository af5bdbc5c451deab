package orphan

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// space tells boots apart: macOS has one space of process ids.
func space() string {
	s, _ := unix.Sysctl("kern.bootsessionuuid")
	return s
}

func endWithParent(*syscall.SysProcAttr) {}

func startTime(pid int) string {
	k, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(k.Proc.P_pid) != pid {
		return ""
	}
	return fromKernel(k).start
}

const zombie = 5 // SZOMB

func fromKernel(k *unix.KinfoProc) process {
	return process{pid: int(k.Proc.P_pid), parent: int(k.Eproc.Ppid), group: int(k.Eproc.Pgid),
		start: fmt.Sprintf("%d.%06d", k.Proc.P_starttime.Sec, k.Proc.P_starttime.Usec)}
}

func processes() ([]process, error) {
	list, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil, err
	}
	var all []process
	for i := range list {
		if list[i].Proc.P_stat != zombie {
			all = append(all, fromKernel(&list[i]))
		}
	}
	return all, nil
}

// environment is the arguments and the environment of a process; the system
// tells neither of its own programs, which are known by their group.
func environment(pid int) []byte {
	data, _ := unix.SysctlRaw("kern.procargs2", pid)
	return data
}
