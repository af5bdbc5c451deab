package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/orphan"
)

// killGrace is how long an interrupted command has to end by itself.
const killGrace = 5 * time.Second

// A CommandError says that a command of a stage failed.
type CommandError struct {
	Cmd  string // the script given to the shell
	Code int    // exit code; minus the number of the signal that killed it
	Err  error  // why it could not be started, else nil
}

func (e *CommandError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("failed to run: %s: %v", e.Cmd, e.Err)
	}
	return fmt.Sprintf("failed to run: %s, exited with %d", e.Cmd, e.Code)
}

func (e *CommandError) Unwrap() error { return e.Err }

// shell runs the commands of one stage.
type shell struct {
	argv           []string // the shell with its options; the script follows
	dir            string
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
	grace          time.Duration
	runner         *orphan.Runner
}

// newShell chooses the shell as DVC does: $SHELL, kept from reading the user's
// start-up files.
func newShell(env []string, runner *orphan.Runner) *shell {
	return &shell{argv: shellArgs(env), env: env, grace: killGrace, runner: runner}
}

// shellOptions keep a shell from reading files that would make a command
// depend on the user's account.
func shellOptions(path string) []string {
	switch strings.ToLower(filepath.Base(path)) {
	case "bash":
		return []string{path, "--noprofile", "--norc", "-c"}
	case "zsh":
		return []string{path, "--no-rcs", "-c"}
	case "fish":
		return []string{path, "--no-config", "-c"}
	}
	return []string{path, "-c"}
}

// run runs one script. When ctx ends, the script and the processes it started
// are interrupted, and killed if they go on for longer than the grace; the
// error is then the cause of ctx.
func (s *shell) run(ctx context.Context, script string) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	cmd := exec.Command(s.argv[0], append(s.argv[1:len(s.argv):len(s.argv)], script)...)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.stdin, s.stdout, s.stderr
	// What a command leaves running in the background may keep our pipe open.
	cmd.WaitDelay = s.grace
	group := newGroup(cmd)
	program, err := s.runner.Start(cmd, script)
	if err != nil {
		return &CommandError{Cmd: script, Err: err}
	}
	defer program.Ended()
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-done:
		case <-ctx.Done():
			group.stop(done, s.grace)
		}
	}()
	err = cmd.Wait()
	close(done)
	<-stopped
	var exit *exec.ExitError
	switch {
	// How the command ended doesn't matter then, not even if it ended well.
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &exit):
		return &CommandError{Cmd: script, Code: exitCode(exit.ProcessState)}
	}
	return &CommandError{Cmd: script, Err: err}
}

// setenv returns env with a variable set, leaving env as it is.
func setenv(env []string, name, value string) []string {
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if k, _, _ := strings.Cut(kv, "="); k != name {
			out = append(out, kv)
		}
	}
	return append(out, name+"="+value)
}

// isTerminal reports whether commands read from the user's terminal, which has
// its own way of interrupting them.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}
