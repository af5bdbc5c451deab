package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Error is a git command that did not succeed.
type Error struct {
	Args   []string // without "git"
	Stderr string   // what it wrote there, trimmed
	Err    error    // how it ended
}

// Error gives the command and git's own words.
func (e *Error) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("git %s: %v", strings.Join(e.Args, " "), e.Err)
	}
	return fmt.Sprintf("git %s: %s", strings.Join(e.Args, " "), e.Stderr)
}

// Unwrap returns how the command ended.
func (e *Error) Unwrap() error { return e.Err }

// ErrMissing says that the git command is not installed.
var ErrMissing = errors.New("the git command was not found in PATH; install git 2.29 or newer")

// Cmd is a git command with more than arguments.
type Cmd struct {
	Args  []string
	Stdin io.Reader // nil: empty
	Dir   string    // "" is the top of the working tree, or the git directory
	Env   []string  // added to the cleaned environment
}

// Run runs git with args at the top of the working tree and returns its
// standard output. A failure is an [*Error].
func (r *Repo) Run(ctx context.Context, args ...string) ([]byte, error) {
	return r.Do(ctx, Cmd{Args: args})
}

// Do runs c and returns its standard output. A failure is an [*Error].
func (r *Repo) Do(ctx context.Context, c Cmd) ([]byte, error) {
	cmd := r.command(ctx, c)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.Bytes(), nil
	}
	// How git ended is of no interest when it was told to.
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return stdout.Bytes(), newError(c.Args, stderr.String(), err)
}

// newError is an Error from what git wrote and how it ended.
func newError(args []string, stderr string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		err = ErrMissing
	}
	stderr = strings.TrimSpace(stderr)
	if s := oldGitHint(stderr); s != "" {
		stderr += "\n" + s
	}
	return &Error{Args: args, Stderr: stderr, Err: err}
}

// oldGitHint recognises the complaints of a git that lacks what we ask for.
func oldGitHint(stderr string) string {
	for _, s := range []string{"unknown option", "unknown switch", "is not a git command", "unknown repository extension"} {
		if strings.Contains(stderr, s) {
			return "hint: this git may be too old; 2.29 or newer is needed"
		}
	}
	return ""
}

// command prepares a git command: its directory, a clean environment, and how
// it ends with ctx.
func (r *Repo) command(ctx context.Context, c Cmd) *exec.Cmd {
	dir := c.Dir
	if dir == "" {
		dir = r.root
	}
	if dir == "" {
		dir = r.gitDir
	}
	cmd := exec.CommandContext(ctx, "git", c.Args...)
	cmd.Dir = dir
	env := r.Env
	if env == nil {
		env = os.Environ()
	}
	cmd.Env = append(cleanEnv(env), c.Env...)
	// An interrupt lets git remove its lock files; Windows has none to send.
	cmd.Cancel = func() error {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			return cmd.Process.Kill()
		}
		return nil
	}
	cmd.SysProcAttr = apart()
	// After that long it is killed, and its pipes are closed even if a child of
	// its holds them.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// cleanEnv drops what would point git at another repository or index, as in a
// hook, and pins the language of its messages and its terminal habits.
func cleanEnv(env []string) []string {
	out := make([]string, 0, len(env)+4)
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch strings.ToUpper(name) {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
			"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_INTERNAL_SUPER_PREFIX",
			"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "LC_ALL", "LANGUAGE":
			continue
		}
		out = append(out, kv)
	}
	// GIT_OPTIONAL_LOCKS=0 keeps commands that only read from refreshing, and
	// so locking, the user's index.
	return append(out, "LC_ALL=C.UTF-8", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0")
}
