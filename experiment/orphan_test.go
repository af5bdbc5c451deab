//go:build unix

package experiment_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
)

// waitingStage waits in a child of its shell until $DIR/go exists, having said
// who it is, and goes on writing then.
const waitingStage = `stages:
  train:
    cmd: sh train.sh; true
    deps: [in, train.sh]
    params: [lr, model]
    outs: [model.txt]
    metrics:
    - metrics.yaml:
        cache: false
`

const waitingScript = `lr=$(cat params.yaml)
echo begin > model.txt
echo $$ >> "$DIR/pids"
while [ ! -e "$DIR/go" ]; do sleep 0.01; done
echo "$lr" >> model.txt
echo "$lr" > metrics.yaml
`

// TestKillLeavesNoProgram kills the process that runs a stage, but not its
// program: whoever comes next ends that before anything is looked at.
func TestKillLeavesNoProgram(t *testing.T) {
	next := map[string]func(*exptest.Project) error{
		"run": func(p *exptest.Project) error {
			_, err := p.Open().Run(p.Context(), &experiment.RunOptions{Name: "second", Set: []string{"lr=9"}})
			return err
		},
		"list": func(p *exptest.Project) error {
			_, err := p.Open().List(p.Context(), nil)
			return err
		},
		"repro": func(p *exptest.Project) error {
			r, err := p.Open().Pipeline()
			if err == nil {
				_, err = r.Repro(p.Context(), nil)
			}
			return err
		},
		"status": func(p *exptest.Project) error {
			r, err := p.Open().Pipeline()
			if err == nil {
				_, err = r.Status(p.Context(), nil)
			}
			return err
		},
		"work": func(p *exptest.Project) error { return queue.Open(p.Open(), nil).Work(p.Context(), nil) },
		"queue kill": func(p *exptest.Project) error {
			return queue.Open(p.Open(), nil).Stop(p.Context(), &queue.StopOptions{Kill: true})
		},
	}
	for _, c := range []struct {
		op, next string
		waits    bool // the next operation runs the stage as well
	}{
		{"run", "run", true}, {"run", "list", false}, {"run", "repro", true}, {"run", "status", false},
		{"temp", "list", false}, {"temp", "run", true},
		{"queue", "work", true}, {"queue", "queue kill", false}, {"queue", "list", false},
		{"repro", "repro", true}, {"repro", "run", true}, {"repro", "status", false},
	} {
		t.Run(c.op+", "+c.next, func(t *testing.T) {
			t.Parallel()
			p := exptest.New(t, map[string]string{"dvc.yaml": waitingStage, "train.sh": waitingScript})
			dir := t.TempDir()
			p.Env = append(p.Env, "DIR="+dir)
			cmd := child(p, c.op)
			require.NoError(t, cmd.Start())
			pid := waitForPID(t, dir, cmd)
			require.NoError(t, cmd.Process.Kill())
			cmd.Wait()
			require.True(t, lives(pid), "the program outlives its runner")

			done := make(chan error, 1)
			go func() { done <- next[c.next](p) }()
			if c.waits {
				require.Eventually(t, func() bool {
					data, _ := os.ReadFile(filepath.Join(dir, "pids"))
					return strings.Count(string(data), "\n") == 2
				}, time.Minute, time.Millisecond)
				assert.False(t, lives(pid), "ended before the next one begins")
				require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), nil, 0o666))
			}
			require.NoError(t, <-done)
			assert.False(t, lives(pid))
			if c.next == "run" {
				assert.Equal(t, "begin\n"+p.Read("params.yaml"), p.Read("model.txt"))
			}
			left, err := filepath.Glob(filepath.Join(p.Dir, ".dvc", "tmp", "reprodl-run-*"))
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// waitForPID returns the program that the child runs.
func waitForPID(t *testing.T, dir string, child *exec.Cmd) (pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		data, _ := os.ReadFile(filepath.Join(dir, "pids"))
		text, whole := strings.CutSuffix(string(data), "\n")
		pid, _ = strconv.Atoi(text)
		return whole
	}, time.Minute, time.Millisecond)
	t.Cleanup(func() {
		child.Process.Kill()
		if p, err := os.FindProcess(pid); err == nil && lives(pid) {
			p.Kill()
		}
	})
	return pid
}

// lives reports a process that is no zombie.
func lives(pid int) bool {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	s := strings.TrimSpace(string(out))
	return s != "" && !strings.HasPrefix(s, "Z")
}
