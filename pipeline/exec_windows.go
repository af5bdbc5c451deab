package pipeline

import (
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/reprodl/reprodl/internal/project"
)

// shellArgs is what Python's shell=True uses, which DVC relies on.
func shellArgs(env []string) []string {
	path := project.Getenv(env, "COMSPEC")
	if path == "" {
		path = "cmd.exe"
	}
	return []string{path, "/c"}
}

// processGroup is a command in a console group of its own.
type processGroup struct{ cmd *exec.Cmd }

func newGroup(cmd *exec.Cmd) *processGroup {
	attr := &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	if n := len(cmd.Args); n == 3 && cmd.Args[1] == "/c" {
		// cmd.exe wants its line as it is, without the usual quoting.
		attr.CmdLine = cmd.Args[0] + ` /c "` + cmd.Args[2] + `"`
	}
	cmd.SysProcAttr = attr
	return &processGroup{cmd}
}

// stop gives the command the grace to end, which a console's own interrupt has
// told it to do, and kills it.
func (g *processGroup) stop(done <-chan struct{}, grace time.Duration) {
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	select {
	case <-done:
	case <-deadline.C:
		_ = g.cmd.Process.Kill()
	}
}

func exitCode(state *os.ProcessState) int { return state.ExitCode() }
