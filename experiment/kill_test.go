//go:build unix

package experiment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
)

// TestMain is also the child process of TestKill: it does one operation in the
// directory it is given.
func TestMain(m *testing.M) {
	op := os.Getenv("REPRODL_TEST_OP")
	if op == "" {
		os.Exit(m.Run())
	}
	if err := operate(op); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func operate(op string) error {
	r, err := experiment.Open(".", nil)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx := context.Background()
	switch op {
	case "run":
		_, err = r.Run(ctx, &experiment.RunOptions{Set: []string{"lr=2"}})
	case "temp":
		_, err = r.Run(ctx, &experiment.RunOptions{Set: []string{"lr=3"}, Temp: true})
	case "save":
		_, err = r.Save(ctx, nil)
	case "apply":
		err = r.Apply(ctx, "target")
	case "queue":
		if _, err = r.Queue().Add(ctx, &experiment.RunOptions{Set: []string{"lr=4,5"}}); err == nil {
			err = r.Queue().Work(ctx, nil)
		}
	}
	return err
}

// TestKill kills processes at random moments. After the next command that
// looks at experiments, every file is as before or as after the operation, git
// finds nothing wrong, and the queue can be finished.
func TestKill(t *testing.T) {
	rounds := 10
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 200
	}
	p := newProject(t, nil)
	p.mustRun("base")
	p.git("add", "-A")
	p.git("commit", "-qm", "with lock")
	_, err := p.open().Run(t.Context(), &experiment.RunOptions{Name: "target", Set: []string{"lr=7"}, Temp: true})
	require.NoError(t, err)
	p.write("notes.txt", "edited\n")
	p.write("untracked.txt", "mine\n")
	before := p.state()

	after := map[string]string{"temp": before, "save": before, "queue": before}
	took := map[string]time.Duration{}
	reset := func() {
		require.NoError(t, p.open().Apply(t.Context(), "HEAD"))
		p.write("notes.txt", "edited\n")
		require.Equal(t, before, p.state())
	}
	for _, op := range []string{"run", "apply", "temp", "save", "queue"} {
		began := time.Now()
		require.NoError(t, p.child(op).Run(), op)
		took[op] = time.Since(began)
		if op == "run" || op == "apply" {
			after[op] = p.state()
			reset()
		}
	}
	ops := []string{"run", "apply", "run", "save", "temp", "queue"}
	for i := range rounds {
		op := ops[i%len(ops)]
		cmd := p.child(op)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(rand.Int64N(int64(took[op]) + 1)))
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		_, err := p.open().List(t.Context(), &experiment.Selection{All: true})
		require.NoError(t, err)
		now := p.state()
		if now != before && now != after[op] {
			assert.Equal(t, before, now, "round %d: %s, killed with %s", i, op, stderr.String())
			assert.Equal(t, after[op], now, "round %d: %s", i, op)
			return
		}
		if now != before {
			reset()
		}
		if i%10 == 0 {
			p.fsck()
		}
	}
	p.fsck()
	q := p.open().Queue()
	failed, err := q.WorkAll(t.Context(), 1, nil)
	require.NoError(t, err)
	assert.Empty(t, failed)
	tasks, err := q.Tasks(t.Context())
	require.NoError(t, err)
	for _, task := range tasks {
		assert.Equal(t, experiment.Success, task.State, task.Name)
		e, err := p.open().Find(t.Context(), task.Name)
		require.NoError(t, err)
		assert.Equal(t, task.Result, e.Rev)
	}
	require.NoError(t, p.open().Clean(t.Context()))
	assert.Empty(t, p.git("for-each-ref", "refs/reprodl/queue"))
	p.fsck()
}

// child prepares an operation in a process group of its own.
func (p *project) child(op string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(p, err)
	cmd := exec.Command(self)
	cmd.Dir, cmd.Env = p.dir, append(p.env, "REPRODL_TEST_OP="+op)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
