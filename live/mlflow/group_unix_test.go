//go:build unix

package mlflow_test

import (
	"os/exec"
	"syscall"
)

// endGroup starts a program in a process group of its own: mlflow server starts
// others, which outlive it.
func endGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
