//go:build unix

package experiment_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/internal/repotest"
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
	case "repro":
		p, err := r.Pipeline()
		if err == nil {
			_, err = p.Repro(ctx, nil)
		}
		return err
	case "save":
		_, err = r.Save(ctx, nil)
	case "apply":
		err = r.Apply(ctx, "target")
	case "push":
		err = pushAll(ctx, r)
	case "pull":
		err = pullAll(ctx, r)
	case "queue":
		q := queue.Open(r, nil)
		if _, err = q.Add(ctx, &experiment.RunOptions{Set: []string{"lr=4,5"}}); err == nil {
			err = q.Work(ctx, nil)
		}
	}
	return err
}

// TestKill kills processes at random moments. After the next command that
// looks at experiments, every file is as before or as after the operation, git
// finds nothing wrong, and the queue can be finished.
func TestKill(t *testing.T) {
	rounds := 12
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 200
	}
	p := exptest.New(t, nil)
	p.MustRun("base")
	p.Git("add", "-A")
	p.Git("commit", "-qm", "with lock")
	_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Name: "target", Set: []string{"lr=7"}, Temp: true})
	require.NoError(t, err)
	p.Write("notes.txt", "edited\n")
	p.Write("untracked.txt", "mine\n")
	before := p.State()

	after := map[string]string{"temp": before, "save": before, "queue": before}
	took := map[string]time.Duration{}
	reset := func() {
		require.NoError(t, p.Open().Apply(t.Context(), "HEAD"))
		p.Write("notes.txt", "edited\n")
		require.Equal(t, before, p.State())
	}
	for _, op := range []string{"run", "apply", "temp", "save", "queue"} {
		began := time.Now()
		require.NoError(t, child(p, op).Run(), op)
		took[op] = time.Since(began)
		if op == "run" || op == "apply" {
			after[op] = p.State()
			reset()
		}
	}
	ops := []string{"run", "apply", "run", "save", "temp", "queue"}
	for i := range rounds {
		op := ops[i%len(ops)]
		cmd := child(p, op)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(rand.Int64N(int64(took[op]) + 1)))
		// In turn with its programs and without, which whoever comes next ends.
		if i/len(ops)%2 == 0 {
			repotest.KillTree(t, cmd.Process.Pid)
		} else {
			syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
		}
		cmd.Wait()
		_, err := p.Open().List(t.Context(), &experiment.Selection{All: true})
		require.NoError(t, err)
		now := p.State()
		if now != before && now != after[op] {
			assert.Equal(t, before, now, "round %d: %s, killed with %s", i, op, stderr.String())
			assert.Equal(t, after[op], now, "round %d: %s", i, op)
			return
		}
		if now != before {
			reset()
		}
		if i%10 == 0 {
			p.Fsck()
		}
	}
	p.Fsck()
	q := queue.Open(p.Open(), nil)
	require.NoError(t, p.Open().Clean(t.Context()))
	require.NoError(t, q.Clean(t.Context()))
	failed, err := q.WorkAll(t.Context(), 1, nil)
	require.NoError(t, err)
	assert.Empty(t, failed)
	tasks, err := q.Tasks(t.Context())
	require.NoError(t, err)
	for _, task := range tasks {
		assert.Equal(t, queue.Success, task.State, task.Name)
		e, err := p.Open().Find(t.Context(), task.Name)
		require.NoError(t, err)
		assert.Equal(t, task.Result, e.Rev)
	}
	assert.Empty(t, p.Git("for-each-ref", "refs/reprodl/queue"))
	for _, dir := range []string{"standalone", "reprodl/work"} {
		left, _ := os.ReadDir(filepath.Join(p.Dir, ".dvc", "tmp", "exps", filepath.FromSlash(dir)))
		assert.Empty(t, left, "copies of killed runs are deleted")
	}
	p.Fsck()
}

// child prepares an operation in a process group of its own.
func child(p *exptest.Project, op string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(p, err)
	cmd := exec.Command(self)
	cmd.Dir, cmd.Env = p.Dir, append(p.Env, "REPRODL_TEST_OP="+op)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}
