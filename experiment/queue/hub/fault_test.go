//go:build unix

package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// shortLease is the lease of these tests.
const shortLease = 2 * time.Second

// serveForever is a hub in a process of its own, which can be killed.
func serveForever(dir string) {
	err := func() error {
		r, err := experiment.Open(dir, nil)
		if err != nil {
			return err
		}
		lease := shortLease
		if d, err := time.ParseDuration(os.Getenv("HUB_TEST_LEASE")); err == nil {
			lease = d
		}
		h, err := hub.Serve(context.Background(), r, hub.WithTerm(hub.Options{Lease: lease, Losses: 1000, URL: os.Getenv("HUB_TEST_URL"), DataHere: true}))
		if err != nil {
			return err
		}
		<-h.Done()
		return h.Err()
	}()
	fmt.Fprintln(os.Stderr, "ERROR:", err)
	os.Exit(1)
}

// markedStage notes each attempt in $ATTEMPTS, and ends when $ATTEMPTS.go is there.
const markedStage = `stages:
  train:
    cmd: sh train.sh
    deps: [in, train.sh]
    params: [lr, model]
    outs: [model.txt]
    metrics:
    - metrics.yaml:
        cache: false
`

const markedScript = `echo $$ >> "$ATTEMPTS"
while [ ! -e "$ATTEMPTS.go" ]; do sleep 0.02; done
cp params.yaml metrics.yaml; cat in params.yaml > model.txt
`

func lines(file string) []string {
	data, _ := os.ReadFile(file)
	return strings.Fields(string(data))
}

// TestTakeover kills a worker, but not its program: the next worker of the
// machine ends that and runs the task again.
func TestTakeover(t *testing.T) {
	f := newFleet(t, map[string]string{"dvc.yaml": markedStage, "train.sh": markedScript}, &hub.Options{Lease: shortLease})
	attempts, dir := filepath.Join(t.TempDir(), "attempts"), t.TempDir()
	first := f.worker("ATTEMPTS="+attempts, "HUB_TEST_DIR="+dir)
	tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "one"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 1 }, time.Minute, 10*time.Millisecond)
	pid, err := strconv.Atoi(lines(attempts)[0])
	require.NoError(t, err)
	f.worker("ATTEMPTS="+attempts, "HUB_TEST_DIR="+dir)
	require.NoError(t, first.Process.Kill())
	first.Wait()
	require.Eventually(t, func() bool { return len(lines(attempts)) == 2 }, time.Minute, 10*time.Millisecond)
	assert.NotContains(t, state(pid), "S", "the first program has been ended")
	require.NoError(t, os.WriteFile(attempts+".go", nil, 0o666))
	done, err := f.queue.Wait(t.Context(), tasks[0].ID)
	require.NoError(t, err)
	assert.Equal(t, 2, done[0].Attempts)
	assert.Equal(t, done[0].Result, f.Git("rev-parse", f.ref("one")))
}

// state is how ps calls a process: "" if there is none.
func state(pid int) string {
	out, _ := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return strings.TrimSpace(string(out))
}

// TestAWorkerThatWasCutOffFindsTheWinner stops a worker for longer than its
// lease, with its program, and lets it go on when another one has the result.
func TestAWorkerThatWasCutOffFindsTheWinner(t *testing.T) {
	f := newFleet(t, map[string]string{"dvc.yaml": markedStage, "train.sh": markedScript}, &hub.Options{Lease: shortLease})
	attempts := filepath.Join(t.TempDir(), "attempts")
	first := f.worker("ATTEMPTS=" + attempts)
	tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "one"})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 1 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, first.Process.Signal(syscall.SIGSTOP))
	f.worker("ATTEMPTS=" + attempts)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 2 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(attempts+".go", nil, 0o666))
	done, err := f.queue.Wait(t.Context(), tasks[0].ID)
	require.NoError(t, err)
	require.NoError(t, first.Process.Signal(syscall.SIGCONT))
	// It takes the next task: it is alive, and has nothing more to do with the first.
	more, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "two", Set: []string{"lr=1,2,3"}})
	require.NoError(t, err)
	var ids []string
	for _, m := range more {
		ids = append(ids, m.ID)
	}
	_, err = f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	now, err := f.conn.Get(t.Context(), tasks[0].ID)
	require.NoError(t, err)
	assert.Equal(t, queue.Success, now.State)
	assert.Equal(t, done[0].Result, now.Result)
	assert.Len(t, strings.Fields(f.Git("for-each-ref", "--format=%(refname)", "refs/exps/")), 4)
}

// TestKills kills workers and the hub at random. Each experiment is recorded
// once, and none is lost. REPRODL_LONG makes it longer.
func TestKills(t *testing.T) { testKills(t, "", nil) }

// TestKillsOverACluster has the queue on three servers of the site's, one of which dies
// too. Another hub takes the place of one that was killed.
func TestKillsOverACluster(t *testing.T) {
	servers, url := hub.SiteCluster(t)
	testKills(t, url, func() {
		for _, s := range servers {
			if s.JetStreamIsLeader() {
				s.Shutdown()
				s.WaitForShutdown()
				return
			}
		}
	})
}

// testKills runs one more fault at the second kill.
func testKills(t *testing.T, url string, also func()) {
	n, kills := 12, 6
	if os.Getenv("REPRODL_LONG") != "" {
		n, kills = 200, 100
	}
	f := &fleet{Project: exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cmd: cp", "cmd: sleep 0.1; cp", 1)})}
	f.repo = f.Open()
	self, err := os.Executable()
	require.NoError(t, err)
	serve := func() *exec.Cmd {
		cmd := exec.Command(self)
		cmd.Env = append(f.Env, "HUB_TEST_SERVE="+f.Dir, "HUB_TEST_URL="+url)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	server := serve()
	require.Eventually(t, func() bool { token, err := hub.Running(f.repo); return err == nil && token != nil }, time.Minute, 10*time.Millisecond)
	local, err := hub.Running(f.repo)
	require.NoError(t, err)
	f.conn, err = hub.Dial(t.Context(), local, &hub.DialOptions{Patience: -1})
	require.NoError(t, err)
	t.Cleanup(f.conn.Close)
	f.queue = queue.Open(f.repo, &queue.Options{Store: f.conn})
	f.token, err = hub.NewToken(f.repo, hub.Worker, time.Hour)
	require.NoError(t, err)
	dir := t.TempDir()
	var workers []*exec.Cmd
	for range 3 {
		workers = append(workers, f.worker("HUB_TEST_DIR="+dir))
	}
	tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "k", Set: []string{fmt.Sprintf("lr=range(0,%d)", n)}})
	require.NoError(t, err)
	var ids []string
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	finished := make(chan error, 1)
	go func() { _, err := f.queue.Wait(t.Context(), ids...); finished <- err }()
	rng := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for open := true; open; {
		select {
		case err := <-finished:
			require.NoError(t, err)
			open = false
		case <-time.After(time.Duration(100+rng.IntN(500)) * time.Millisecond):
			if killed == kills {
				continue
			}
			if killed++; killed == 2 && also != nil {
				also()
			}
			if i := rng.IntN(4); i < len(workers) {
				workers[i].Process.Kill()
				workers[i].Wait()
				workers[i] = f.worker("HUB_TEST_DIR=" + dir)
			} else {
				server.Process.Kill()
				server.Wait()
				server = serve()
			}
		}
	}
	t.Logf("%d kills", killed)
	assert.Empty(t, f.Git("for-each-ref", "refs/reprodl/queue"), "all are done")
	assert.Len(t, strings.Fields(f.Git("for-each-ref", "--format=%(refname)", "refs/exps/")), n, "each of them once")
	for i := range n {
		assert.Contains(t, f.Git("show", f.ref(fmt.Sprintf("k-%d", i+1))+":metrics.yaml"), fmt.Sprintf("lr: %d\n", i))
	}
	f.Fsck()
}

// TestALostHubIsRebuiltFromTheMarks deletes what the hub has written.
func TestALostHubIsRebuiltFromTheMarks(t *testing.T) {
	f := newFleet(t, nil, nil)
	ctx := t.Context()
	_, err := f.queue.Add(ctx, &experiment.RunOptions{Name: "x", Set: []string{"lr=1,2"}})
	require.NoError(t, err)
	f.hub.Close()
	token, err := hub.Running(f.repo)
	require.NoError(t, err)
	assert.Nil(t, token)
	base := filepath.Join(f.Dir, ".dvc", "tmp", "exps", "reprodl")
	require.NoError(t, os.RemoveAll(filepath.Join(base, "hub", "stream")))
	require.NoError(t, os.Remove(filepath.Join(base, "queue.db")))
	// And what somebody marked while no hub ran.
	_, err = f.repo.Plan(ctx, &experiment.RunOptions{Name: "y"}, nil)
	require.NoError(t, err)
	f.serve(nil)
	f.worker()
	done, err := f.queue.Wait(ctx)
	require.NoError(t, err)
	require.Len(t, done, 3)
	// The queue of one machine knows what happened.
	f.hub.Close()
	for _, task := range done {
		now, err := queue.Open(f.repo, nil).Find(ctx, task.Name)
		require.NoError(t, err)
		assert.Equal(t, queue.Success, now.State)
	}
}

// TestWhatFailsIsToldAndRetried, and what is killed ends, also if it ignores an
// interrupt.
func TestWhatFailsIsToldAndRetried(t *testing.T) {
	f := newFleet(t, map[string]string{"dvc.yaml": markedStage, "train.sh": "trap '' INT\n" + `test -e "$ATTEMPTS.fail" && exit 3` + "\n" + markedScript}, nil)
	ctx := t.Context()
	attempts := filepath.Join(t.TempDir(), "attempts")
	require.NoError(t, os.WriteFile(attempts+".fail", nil, 0o666))
	f.worker("ATTEMPTS=" + attempts)
	tasks, err := f.queue.Add(ctx, &experiment.RunOptions{Name: "one"})
	require.NoError(t, err)
	_, err = f.queue.Wait(ctx, tasks[0].ID)
	var failed *queue.TaskError
	require.ErrorAs(t, err, &failed)
	assert.ErrorContains(t, failed, "train")
	var log strings.Builder
	require.NoError(t, f.queue.Log(ctx, "one", &log, &queue.LogOptions{Follow: true}))
	assert.Contains(t, log.String(), "ERROR")

	require.NoError(t, os.Remove(attempts+".fail"))
	_, err = f.queue.Retry(ctx)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 1 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, f.queue.Kill(ctx, nil, "one"))
	done, err := f.queue.Wait(ctx, tasks[0].ID)
	require.True(t, errors.As(err, &failed))
	assert.Equal(t, "killed by the user", done[0].Error)
	pid, err := strconv.Atoi(lines(attempts)[0])
	require.NoError(t, err)
	assert.NotContains(t, state(pid), "S")
	names, err := f.queue.Remove(ctx, &queue.TaskFilter{Names: []string{"one"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"one"}, names)
	assert.Empty(t, f.Git("for-each-ref", "refs/reprodl/queue"))
}

// TestLiveMetrics shows what a task has written before it ends.
func TestLiveMetrics(t *testing.T) {
	script := "echo 'acc: 0.5' > metrics.yaml\n" + strings.Replace(markedScript, "cp params.yaml metrics.yaml; ", "", 1)
	f := newFleet(t, map[string]string{"dvc.yaml": markedStage, "train.sh": script}, nil)
	attempts := filepath.Join(t.TempDir(), "attempts")
	f.worker("ATTEMPTS=" + attempts)
	tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "one"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		states, err := compare.Show(t.Context(), f.repo, &compare.ShowOptions{Activities: f.queue.Activities})
		require.NoError(t, err)
		list := states[1].Experiments
		return len(list) == 1 && list[0].Executor.State == "running" && len(list[0].State.Data.Metrics()) == 1 &&
			strings.Contains(fmt.Sprint(list[0].State.Data.Metrics()[0].Value), "0.5")
	}, time.Minute, 50*time.Millisecond)
	// So it is in a clone on another machine, which is told what runs and will run, too.
	f.add("two", "lr=7")
	there := *f.Project
	there.Dir = filepath.Join(t.TempDir(), "clone")
	f.Git("clone", "-q", "file://"+filepath.ToSlash(f.Dir), there.Dir)
	token, err := f.hub.Token(hub.Client, time.Hour)
	require.NoError(t, err)
	repo := there.Open()
	conn, err := hub.Dial(t.Context(), token, &hub.DialOptions{Clone: repo})
	require.NoError(t, err)
	defer conn.Close()
	states, err := compare.Show(t.Context(), repo, &compare.ShowOptions{Activities: queue.Open(repo, &queue.Options{Store: conn}).Activities})
	require.NoError(t, err)
	require.Len(t, states[1].Experiments, 2)
	next, row := states[1].Experiments[1], states[1].Experiments[0]
	assert.Equal(t, "queued", next.Executor.State)
	require.NotNil(t, next.State.Data)
	require.Len(t, next.State.Data.Params(), 1)
	assert.Contains(t, fmt.Sprint(next.State.Data.Params()[0].Value), "lr 7")
	require.Len(t, row.State.Data.Params(), 1)
	assert.Equal(t, "one", row.Name)
	assert.Equal(t, "running", row.Executor.State)
	require.NotNil(t, row.State.Data)
	require.Len(t, row.State.Data.Metrics(), 1)
	assert.Contains(t, fmt.Sprint(row.State.Data.Metrics()[0].Value), "0.5")
	require.NoError(t, os.WriteFile(attempts+".go", nil, 0o666))
	_, err = f.queue.Wait(t.Context(), tasks[0].ID)
	require.NoError(t, err)
}

// TestARefusedWorkerEnds does not try for ever.
func TestARefusedWorkerEnds(t *testing.T) {
	f := newFleet(t, nil, nil)
	cmd := f.worker()
	require.Eventually(t, func() bool { list, err := f.conn.Workers(t.Context()); return err == nil && len(list) == 1 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, hub.Revoke(f.repo, f.token.ID))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	assert.Contains(t, fmt.Sprint(cmd.Stderr), "does not accept the token")

	var err error
	f.token, err = f.hub.Token(hub.Worker, time.Hour)
	require.NoError(t, err)
	cmd = f.worker()
	require.Eventually(t, func() bool { list, err := f.conn.Workers(t.Context()); return err == nil && len(list) == 2 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, f.conn.Dismiss(t.Context()))
	require.NoError(t, cmd.Wait(), "it was asked to end")

	given, err := f.hub.Token(hub.Client, time.Hour)
	require.NoError(t, err)
	require.NoError(t, hub.Revoke(f.repo, "all"))
	for _, token := range []*hub.Token{f.token, given} {
		_, err := hub.Dial(t.Context(), token, nil)
		require.ErrorIs(t, err, hub.ErrRefused)
	}
	own, err := hub.Running(f.repo)
	require.NoError(t, err)
	c, err := hub.Dial(t.Context(), own, nil)
	require.NoError(t, err, "commands of the hub's machine go on")
	c.Close()
	f.hub.Close()
	_, err = hub.Dial(t.Context(), own, nil)
	require.ErrorContains(t, err, "nobody answers there")
}
