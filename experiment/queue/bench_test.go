package queue_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// BenchmarkStore times what a worker does for each task, while many others
// wait or are done.
func BenchmarkStore(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		ctx := b.Context()
		s := queue.NewFileStore(filepath.Join(b.TempDir(), "queue.db"), nil)
		tasks := make([]queue.Task, n)
		for i := range tasks {
			id := fmt.Sprintf("%016x", i*2654435761)
			tasks[i] = queue.Task{State: queue.Queued, Log: "/a/path/of/usual/length/.dvc/tmp/exps/reprodl/logs/" + id + ".log",
				Plan: experiment.Plan{ID: id, Name: "name-" + id, Baseline: fmt.Sprintf("%040d", 1), Commit: fmt.Sprintf("%040d", i), Created: time.Now(),
					Options: experiment.PlanOptions{Set: []string{"train.lr=0.1", fmt.Sprint("seed=", i)}, Dir: "."}}}
			if i%2 == 0 {
				tasks[i].State = queue.Success
			}
		}
		require.NoError(b, s.Put(ctx, tasks...))
		lease := func() queue.Lease {
			host, _ := os.Hostname()
			return queue.Lease{Token: "t", Worker: "w", Host: host, PID: os.Getpid(), Expires: time.Now().Add(time.Hour)}
		}
		run := func(name string, op func(b *testing.B)) {
			b.Run(fmt.Sprintf("%s/tasks=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					op(b)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "ms/op")
			})
		}
		t, err := s.Claim(ctx, lease())
		require.NoError(b, err)
		run("Get", func(b *testing.B) { _, err := s.Get(ctx, t.ID); require.NoError(b, err) })
		run("Renew", func(b *testing.B) {
			_, err := s.Renew(ctx, t.ID, "t", time.Now().Add(time.Hour))
			require.NoError(b, err)
		})
		run("ClaimAndUpdate", func(b *testing.B) {
			t, err := s.Claim(ctx, lease())
			require.NoError(b, err)
			require.NoError(b, s.Update(ctx, t.ID, "t", func(t *queue.Task) error { t.State = queue.Success; return nil }))
		})
		run("ListRunning", func(b *testing.B) { _, err := s.List(ctx, queue.Running); require.NoError(b, err) })
	}
}
