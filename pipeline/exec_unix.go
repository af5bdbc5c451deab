//go:build unix

package pipeline

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/reprodl/reprodl/internal/project"
)

func shellArgs(env []string) []string {
	path := project.Getenv(env, "SHELL")
	if path == "" {
		path = "/bin/sh"
	}
	return shellOptions(path)
}

// processGroup is a command and all it started.
type processGroup struct {
	cmd   *exec.Cmd
	alone bool // the command shares our group: it reads from our terminal
}

// newGroup gives the command a process group of its own, so that it can be
// stopped with its children. A command that reads from the terminal stays in
// ours, in the foreground, where the terminal's interrupt reaches all.
func newGroup(cmd *exec.Cmd) *processGroup {
	g := &processGroup{cmd: cmd, alone: isTerminal(cmd.Stdin)}
	if !g.alone {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	return g
}

// signal reaches all of the group. Signal 0 only asks whether any of it is left.
func (g *processGroup) signal(sig syscall.Signal) error {
	if g.alone {
		return g.cmd.Process.Signal(sig)
	}
	return syscall.Kill(-g.cmd.Process.Pid, sig)
}

// stop interrupts the group, waits until all of it is gone, and kills what is
// left after the grace. done is closed when the command itself has ended.
func (g *processGroup) stop(done <-chan struct{}, grace time.Duration) {
	// SIGINT as from a terminal: programs that train save a checkpoint on it.
	_ = g.signal(syscall.SIGINT)
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	ended := false
	for {
		select {
		case <-deadline.C:
			_ = g.signal(syscall.SIGKILL)
			return
		case <-done:
			ended, done = true, nil
		case <-poll.C:
		}
		// The command has ended, but its children may still write to the outputs.
		if ended && (g.alone || g.signal(0) != nil) {
			return
		}
	}
}

func exitCode(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return state.ExitCode()
}
