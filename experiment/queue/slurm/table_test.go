//go:build linux

package slurm_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
)

// TestTable prints what it costs to give 10,000 experiments to a real Slurm, which
// has no room to run them. REPRODL_LONG=1 asks for it, besides REPRODL_SLURM.
func TestTable(t *testing.T) {
	if os.Getenv("REPRODL_LONG") == "" {
		t.Skip("REPRODL_LONG is not set")
	}
	const n = 10000
	c, s, _ := realCluster(t, n+1)
	require.NoError(t, s.Command("scontrol", "update", "PartitionName=main", "State=DOWN").Run())
	ctx := t.Context()
	took := func(what string, f func() error) {
		t.Helper()
		began := time.Now()
		require.NoError(t, f())
		t.Logf("%-52s %8.2f s", what, time.Since(began).Seconds())
	}
	took("10,000 experiments are marked and queued", func() error {
		_, err := c.queue.Add(ctx, &experiment.RunOptions{Name: "t", Set: []string{"lr=range(0,10000)"}})
		return err
	})
	o := &slurm.SubmitOptions{Program: []string{c.self, "slurm-task"}, Jobs: 20}
	submit := func(want int) func() error {
		return func() error {
			got, err := c.slurm.Submit(ctx, o)
			assert.Equal(t, want, got)
			return err
		}
	}
	took("they are submitted, as one array", submit(n))
	out, err := s.Command("squeue", "--noheader", "--array", "--format=%i").Output()
	require.NoError(t, err)
	assert.Equal(t, n, strings.Count(string(out), "\n"))
	took("once more: Slurm has them", submit(0))
	took("the queue is told what has become of them", func() error { return c.slurm.Sync(ctx, c.queue) })
	took("they are cancelled", func() error { return c.slurm.Stop(ctx, true) })
	o.PerJob = 100
	require.Eventually(t, func() bool { out, _ := s.Command("squeue", "--noheader").Output(); return len(out) == 0 }, time.Minute, 100*time.Millisecond)
	took("they are submitted, 100 to a job", submit(n))
}
