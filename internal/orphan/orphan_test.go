//go:build linux || darwin

package orphan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/orphan"
)

// TestMain is also a runner: it runs a script in a process group of its own,
// noted in a directory.
func TestMain(m *testing.M) {
	script := os.Getenv("ORPHAN_TEST_SCRIPT")
	if script == "" {
		orphan.Grace(time.Second)
		os.Exit(m.Run())
	}
	r := orphan.NewRunner(os.Getenv("ORPHAN_TEST_DIR"))
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p, err := r.Start(cmd, script)
	if err == nil {
		_ = cmd.Wait()
		p.Ended()
		err = r.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// program runs a script under a runner; it writes as many lines into the file
// pids as there are processes of it.
type program struct {
	t      *testing.T
	dir    string
	runner *exec.Cmd
	pids   []int
}

func start(t *testing.T, script string, processes int) *program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	p := &program{t: t, dir: t.TempDir()}
	p.runner = exec.Command(self)
	p.runner.Dir = p.dir
	p.runner.Env = append(os.Environ(), "ORPHAN_TEST_SCRIPT="+script, "ORPHAN_TEST_DIR="+p.dir)
	require.NoError(t, p.runner.Start())
	require.Eventually(t, func() bool {
		data, _ := os.ReadFile(filepath.Join(p.dir, "pids"))
		return strings.Count(string(data), "\n") == processes
	}, time.Minute, time.Millisecond)
	data, err := os.ReadFile(filepath.Join(p.dir, "pids"))
	require.NoError(t, err)
	for _, text := range strings.Fields(string(data)) {
		pid, err := strconv.Atoi(text)
		require.NoError(t, err)
		p.pids = append(p.pids, pid)
	}
	t.Cleanup(func() {
		p.runner.Process.Kill()
		p.runner.Wait()
		for _, pid := range p.pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return p
}

func (p *program) kill() {
	p.t.Helper()
	require.NoError(p.t, p.runner.Process.Kill())
	p.runner.Wait()
}

func (p *program) end() (messages string, err error) {
	var b bytes.Buffer
	err = orphan.End(p.t.Context(), p.dir, slog.New(slog.NewTextHandler(&b, nil)))
	return b.String(), err
}

func (p *program) notes() []string {
	p.t.Helper()
	names, err := filepath.Glob(filepath.Join(p.dir, "reprodl-run-*"))
	require.NoError(p.t, err)
	return names
}

// alive counts processes that are no zombies.
func (p *program) alive() (n int) {
	for _, pid := range p.pids {
		out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
		if s := strings.TrimSpace(string(out)); s != "" && !strings.HasPrefix(s, "Z") {
			n++
		}
	}
	return n
}

func TestEnd(t *testing.T) {
	for name, c := range map[string]struct {
		script    string
		processes int
	}{
		"a program":           {`echo $$ >> pids; exec sleep 600`, 1},
		"its children":        {`echo $$ >> pids; sh -c 'echo $$ >> pids; sleep 600' & wait`, 2},
		"without a leader":    {`sh -c 'echo $$ >> pids; exec sleep 600' &`, 1},
		"another environment": {`trap '' TERM; echo $$ >> pids; env -i sh -c 'echo $$ >> pids; exec sleep 600' & wait`, 2},
		"what ignores TERM":   {`trap '' TERM; echo $$ >> pids; while :; do sleep 1; done`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "leader") {
				// The runner waits for what it started, so this one is told apart
				// by the kill only.
				c.script += " echo $$ >> pids; sleep 600"
				c.processes++
			}
			p := start(t, c.script, c.processes)
			p.kill()
			_, err := p.end()
			require.NoError(t, err)
			assert.Zero(t, p.alive())
			assert.Empty(t, p.notes())
		})
	}
}

// TestEndInASessionOfItsOwn: a program that has left the group is known by its
// environment.
func TestEndInASessionOfItsOwn(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("no setsid")
	}
	p := start(t, `setsid sh -c 'echo $$ >> pids; trap "" HUP; exec sleep 600' & echo $$ >> pids; wait`, 2)
	p.kill()
	said, err := p.end()
	require.NoError(t, err)
	assert.Zero(t, p.alive())
	assert.Contains(t, said, "which an interrupted run left behind")
}

// TestEndLeavesTheLiving: programs whose runner lives, and what a program that
// has ended left running on purpose.
func TestEndLeavesTheLiving(t *testing.T) {
	p := start(t, `sh -c 'echo $$ >> pids; exec sleep 600' >/dev/null 2>&1 & while [ ! -e go ]; do sleep 0.01; done`, 1)
	said, err := p.end()
	require.NoError(t, err)
	assert.Empty(t, said)
	assert.Equal(t, 1, p.alive())
	require.Len(t, p.notes(), 1)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "go"), nil, 0o666))
	require.NoError(t, p.runner.Wait())
	assert.Empty(t, p.notes())
	said, err = p.end()
	require.NoError(t, err)
	assert.Empty(t, said)
	assert.Equal(t, 1, p.alive())
}

// TestEndKnowsStrangers: an id that is used again, another machine, another
// boot, and a note that makes no sense.
func TestEndKnowsStrangers(t *testing.T) {
	other := exec.Command("sleep", "600")
	require.NoError(t, other.Start())
	t.Cleanup(func() { other.Process.Kill(); other.Wait() })
	pid := other.Process.Pid
	p := start(t, `echo $$ >> pids; exec sleep 600`, 1)
	var note struct {
		Host     string
		Programs []struct {
			PID   int
			Start string
		}
	}
	var text string
	require.Eventually(t, func() bool {
		data, err := os.ReadFile(p.notes()[0])
		text = string(data)
		return err == nil && json.Unmarshal(data, &note) == nil && note.Programs[0].PID != 0
	}, time.Minute, time.Millisecond)
	p.kill()
	_, err := p.end()
	require.NoError(t, err)
	of := func(pid int, start string) string { return fmt.Sprintf(`"pid":%d,"start":"%s"`, pid, start) }
	was := of(note.Programs[0].PID, note.Programs[0].Start)
	require.Contains(t, text, was)

	for name, c := range map[string]struct {
		note string
		left int
	}{
		"used again": {strings.Replace(text, was, of(pid, "1"), 1), 0},
		"machine":    {strings.Replace(text, `"host":"`+note.Host, `"host":"not-`+note.Host, 1), 1},
		"broken":     {"{", 0},
		"empty":      {"", 0},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, "reprodl-run-X.json"), []byte(c.note), 0o666))
		said, err := p.end()
		require.NoError(t, err, name)
		assert.Empty(t, said, name)
		assert.Len(t, p.notes(), c.left, name)
		assert.NoError(t, other.Process.Signal(syscall.Signal(0)), name)
		os.Remove(filepath.Join(p.dir, "reprodl-run-X.json"))
	}
}

// TestEndTogether: several that come next at once all return when it is over.
func TestEndTogether(t *testing.T) {
	p := start(t, `trap '' TERM; echo $$ >> pids; while :; do sleep 0.01; done`, 1)
	p.kill()
	left := make(chan int, 4)
	for range 4 {
		go func() {
			_ = orphan.End(context.Background(), p.dir, slog.New(slog.DiscardHandler))
			left <- p.alive()
		}()
	}
	for range 4 {
		assert.Zero(t, <-left)
	}
}
