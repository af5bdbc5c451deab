//go:build unix

package pipeline

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/orphan"
)

func testShell(t *testing.T) (*shell, *bytes.Buffer) {
	var out bytes.Buffer
	sh := newShell([]string{"SHELL=/bin/sh", "PATH=" + os.Getenv("PATH")}, orphan.NewRunner(t.TempDir()))
	t.Cleanup(func() { assert.NoError(t, sh.runner.Close()) })
	sh.dir, sh.stdout, sh.stderr = t.TempDir(), &out, &out
	return sh, &out
}

func TestShell(t *testing.T) {
	sh, out := testShell(t)
	require.NoError(t, sh.run(t.Context(), "echo $0 out; echo err >&2"))
	assert.Contains(t, out.String(), "out\n")
	assert.Contains(t, out.String(), "err\n")

	tests := []struct {
		script string
		want   string
	}{
		{"exit 3", "failed to run: exit 3, exited with 3"},
		{"kill -9 $$", "failed to run: kill -9 $$, exited with -9"},
		{"missing-command-xyz", "failed to run: missing-command-xyz, exited with 127"},
	}
	for _, tt := range tests {
		var e *CommandError
		require.ErrorAs(t, sh.run(t.Context(), tt.script), &e)
		assert.Equal(t, tt.want, e.Error())
	}
	sh.dir = filepath.Join(sh.dir, "missing")
	assert.ErrorContains(t, sh.run(t.Context(), "true"), "no such file or directory")
}

func TestShellChoice(t *testing.T) {
	tests := map[string][]string{
		"/bin/sh":           {"/bin/sh", "-c"},
		"/usr/bin/bash":     {"/usr/bin/bash", "--noprofile", "--norc", "-c"},
		"/opt/zsh":          {"/opt/zsh", "--no-rcs", "-c"},
		"/usr/bin/fish":     {"/usr/bin/fish", "--no-config", "-c"},
		"/bin/bash-is-not.": {"/bin/bash-is-not.", "-c"},
	}
	for path, want := range tests {
		assert.Equal(t, want, shellArgs([]string{"SHELL=" + path}))
	}
	assert.Equal(t, []string{"/bin/sh", "-c"}, shellArgs(nil))
}

// TestKillAfterGrace: what ignores the interrupt is killed, with its children.
func TestKillAfterGrace(t *testing.T) {
	sh, _ := testShell(t)
	sh.grace = 50 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	pids := filepath.Join(sh.dir, "pids")
	go func() {
		for {
			if data, err := os.ReadFile(pids); err == nil && strings.Count(string(data), "\n") == 2 {
				cancel()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	err := sh.run(ctx, `trap '' INT; echo $$ >> pids; sh -c 'echo $$ >> pids; while true; do sleep 1; done'; wait`)
	require.ErrorIs(t, err, context.Canceled)
	data, err := os.ReadFile(pids)
	require.NoError(t, err)
	for _, line := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(line)
		require.NoError(t, err)
		assert.Eventually(t, func() bool { return !running(pid) }, 5*time.Second, time.Millisecond)
	}
}

// running reports a process that is there and no zombie.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// TestBackground: a process that a command leaves behind holds nothing up.
func TestBackground(t *testing.T) {
	sh, out := testShell(t)
	sh.grace = 20 * time.Millisecond
	require.NoError(t, sh.run(t.Context(), "sleep 60 & echo $! > pid; echo done"))
	assert.Equal(t, "done\n", out.String())
	data, err := os.ReadFile(filepath.Join(sh.dir, "pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestPrefixer(t *testing.T) {
	var lock sync.Mutex
	var out bytes.Buffer
	w := newPrefixer(&lock, &out, "train")
	for _, part := range []string{"one\ntw", "o\n", "", "thr", "ee"} {
		n, err := w.Write([]byte(part))
		require.NoError(t, err)
		assert.Equal(t, len(part), n)
	}
	w.flush()
	w.flush()
	assert.Equal(t, "train | one\ntrain | two\ntrain | three\n", out.String())
}
