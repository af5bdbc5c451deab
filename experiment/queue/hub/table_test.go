//go:build linux

package hub_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// TestFleetTable prints what a fleet on this machine does: REPRODL_FLEET=1 asks
// for it. It asserts nothing about time.
func TestFleetTable(t *testing.T) {
	if os.Getenv("REPRODL_FLEET") == "" {
		t.Skip("REPRODL_FLEET is not set")
	}
	t.Run("experiments", measureExperiments)
	t.Run("logs", measureLogs)
	t.Run("workers", measureWorkers)
	t.Run("share", measureShare)
}

// apart is a fleet whose hub is a process of its own.
func apart(t *testing.T, files map[string]string) (*fleet, *exec.Cmd) {
	t.Helper()
	f := &fleet{Project: exptest.New(t, files)}
	f.repo = f.Open()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(f.Env, "HUB_TEST_SERVE="+f.Dir, "HUB_TEST_LEASE=6s", "GOGC=20", "GOMEMLIMIT=256MiB") // as the command has them
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var local *hub.Token
	require.Eventually(t, func() bool { local, err = hub.Running(f.repo); return err == nil && local != nil }, time.Minute, 10*time.Millisecond)
	f.conn, err = hub.Dial(t.Context(), local, nil)
	require.NoError(t, err)
	t.Cleanup(f.conn.Close)
	f.queue = queue.Open(f.repo, &queue.Options{Store: f.conn})
	f.token, err = hub.NewToken(f.repo, hub.Worker, time.Hour)
	require.NoError(t, err)
	return f, cmd
}

// measureExperiments runs 200 experiments of a 0.1 s stage with four workers.
func measureExperiments(t *testing.T) {
	f, _ := apart(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cmd: cp", "cmd: sleep 0.1; cp", 1)})
	for range 4 {
		f.worker()
	}
	require.Eventually(t, func() bool { list, err := f.conn.Workers(t.Context()); return err == nil && len(list) == 4 }, time.Minute, 10*time.Millisecond)
	began := time.Now()
	ids := f.add("e", "lr=range(0,200)")
	queued := time.Since(began)
	done, err := f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	t.Logf("200 experiments of a 0.1 s stage, 4 workers: %.1f s (queued in %.1f s)", time.Since(began).Seconds(), queued.Seconds())
	require.Len(t, done, 200)

	attempts := filepath.Join(t.TempDir(), "attempts")
	g, _ := apart(t, map[string]string{"dvc.yaml": markedStage, "train.sh": markedScript})
	first := g.worker("ATTEMPTS=" + attempts)
	ids = g.add("t", "lr=1")
	require.Eventually(t, func() bool { return len(lines(attempts)) == 1 }, time.Minute, time.Millisecond)
	g.worker("ATTEMPTS=" + attempts)
	time.Sleep(3 * time.Second) // amid a lease
	first.Process.Kill()
	began = time.Now()
	require.Eventually(t, func() bool { return len(lines(attempts)) == 2 }, time.Minute, time.Millisecond)
	t.Logf("takeover after kill -9, lease 6 s: %.1f s", time.Since(began).Seconds())
	require.NoError(t, os.WriteFile(attempts+".go", nil, 0o666))
	_, err = g.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
}

// stamps notes when each line of a log arrived that has a time in it.
type stamps struct{ late []time.Duration }

var stamp = regexp.MustCompile(`(?m)^at (\d+)$`)

func (s *stamps) Write(p []byte) (int, error) {
	now := time.Now()
	for _, m := range stamp.FindAllSubmatch(p, -1) {
		n, _ := strconv.ParseInt(string(m[1]), 10, 64)
		s.late = append(s.late, now.Sub(time.Unix(0, n)))
	}
	return len(p), nil
}

// measureLogs times lines from the program to who follows the log.
func measureLogs(t *testing.T) {
	script := "for i in $(seq 200); do echo at $(date +%s%N); sleep 0.02; done\ncp params.yaml metrics.yaml; cat in params.yaml > model.txt\n"
	f, _ := apart(t, map[string]string{"dvc.yaml": markedStage, "train.sh": script})
	f.worker()
	f.add("l", "lr=1")
	s := &stamps{}
	require.NoError(t, f.queue.Log(t.Context(), "l", s, &queue.LogOptions{Follow: true}))
	require.NotEmpty(t, s.late)
	slices.Sort(s.late)
	t.Logf("log line from worker to reader, p50 / p99 of %d: %d / %d ms", len(s.late), s.late[len(s.late)/2].Milliseconds(), s.late[len(s.late)*99/100].Milliseconds())
}

// measureWorkers lets 1,000 workers empty a queue of 100,000, without git.
func measureWorkers(t *testing.T) {
	const workers, tasks = 1000, 100_000
	f, server := apart(t, nil)
	list := make([]queue.Task, tasks)
	for i := range list {
		id := fmt.Sprintf("%016x", i)
		list[i] = queue.Task{State: queue.Queued, Plan: experiment.Plan{ID: id, Name: "name-" + id, Baseline: fmt.Sprintf("%040d", 1), Commit: fmt.Sprintf("%040d", i),
			Created: time.Now(), Options: experiment.PlanOptions{Set: []string{"lr=0.1"}, Dir: "."}}}
	}
	began := time.Now()
	require.NoError(t, f.conn.Put(t.Context(), list...))
	t.Logf("%d tasks put in %.1f s", tasks, time.Since(began).Seconds())
	began = time.Now()
	conns := make([]*hub.Conn, workers)
	var wg sync.WaitGroup
	gate := make(chan struct{}, 16)
	for i := range conns {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			c, err := hub.Dial(t.Context(), f.token, &hub.DialOptions{Patience: -1, Worker: hub.WorkerInfo{ID: fmt.Sprint("w", i), Name: "w"}})
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(c.Close)
			conns[i] = c
		})
	}
	wg.Wait()
	require.False(t, t.Failed())
	t.Logf("%d workers joined in %.1f s", workers, time.Since(began).Seconds())
	began = time.Now()
	var mu sync.Mutex
	var claims []time.Duration
	for i, c := range conns {
		wg.Go(func() {
			for n := 0; ; n++ {
				token := fmt.Sprintf("%d-%d", i, n)
				at := time.Now()
				task, err := c.Claim(t.Context(), queue.Lease{Token: token, Worker: "w", Expires: time.Now().Add(time.Hour)})
				if err != nil {
					t.Error(err)
					return
				}
				if task == nil {
					return
				}
				mu.Lock()
				claims = append(claims, time.Since(at))
				mu.Unlock()
				if err := c.Update(t.Context(), task.ID, token, func(t *queue.Task) error { t.State = queue.Success; return nil }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	require.Len(t, claims, tasks, "each once")
	slices.Sort(claims)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	require.NoError(t, err)
	peak := regexp.MustCompile(`VmHWM:\s*(\d+) kB`).FindSubmatch(status)
	kb, _ := strconv.Atoi(string(peak[1]))
	t.Logf("%d workers, %d tasks: %.0f tasks/s, claim p50 / p99 %d / %d ms, hub at most %d MiB", workers, tasks, float64(tasks)/took.Seconds(),
		claims[len(claims)/2].Milliseconds(), claims[len(claims)*99/100].Milliseconds(), kb/1024)
}
