package orphan

import (
	"context"
	"log/slog"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The kernel ends the programs with their runner, so nothing is noted.
const supported = false

func space() string                                      { return "" }
func startTime(int) string                               { return "" }
func mark(env []string, _ string) []string               { return env }
func endOne(context.Context, string, *slog.Logger) error { return nil }

// tie is a job object: when its last handle is closed, by the death of this
// process at the latest, what is in it is killed. What a program starts before
// it is put in there, which is right after its own start, escapes.
type tie struct{ job windows.Handle }

func (t *tie) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	// Without a job the program runs all the same.
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil
	}
	t.job = job
	t.limit(windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)
	h, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid))
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(h)
	_ = windows.AssignProcessToJobObject(job, h)
	return nil
}

func (t *tie) limit(flags uint32) {
	var info windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION
	info.BasicLimitInformation.LimitFlags = flags
	_, _ = windows.SetInformationJobObject(t.job, windows.JobObjectExtendedLimitInformation, uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
}

// close lets what the program left running on purpose go on.
func (t *tie) close() {
	if t.job != 0 {
		t.limit(0)
		windows.CloseHandle(t.job)
		t.job = 0
	}
}
