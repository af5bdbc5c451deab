//go:build linux

package slurm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
	"github.com/reprodl/reprodl/internal/slurmtest"
)

// realCluster is a repository and a Slurm on this machine. The file that $MARK names
// gets a line for each run, and "hold" behind its name makes runs wait.
func realCluster(t *testing.T, maxArray int) (c *cluster, s *slurmtest.Cluster, mark string) {
	t.Helper()
	s = slurmtest.Start(t, maxArray)
	c = &cluster{Project: exptest.New(t, map[string]string{"dvc.yaml": flagStage})}
	var err error
	c.self, err = os.Executable()
	require.NoError(t, err)
	mark = filepath.Join(t.TempDir(), "mark")
	c.Env = append(append(c.Env, s.Env()...), "MARK="+mark)
	c.open()
	return c, s, mark
}

// TestRealSlurm goes through a life of a queue.
func TestRealSlurm(t *testing.T) {
	c, _, mark := realCluster(t, 4)
	ctx := t.Context()
	_, err := c.queue.Add(ctx, &experiment.RunOptions{Name: "s", Set: []string{"lr=range(0,10)"}})
	require.NoError(t, err)
	assert.Equal(t, 10, c.submit(slurm.SubmitOptions{Jobs: 4, Need: experiment.Resources{CPUs: 1, Time: 10 * time.Minute}}))
	assert.Equal(t, 0, c.submit(slurm.SubmitOptions{}), "Slurm has them")
	// MaxArraySize is 4 here, so three arrays; none runs twice.
	require.Eventually(t, func() bool {
		n := 0
		for _, task := range c.tasks() {
			require.NotEqual(t, queue.Failed, task.State, task.Error)
			if task.State == queue.Success {
				n++
			}
		}
		return n == 10
	}, 2*time.Minute, 200*time.Millisecond)
	for name, task := range c.tasks() {
		assert.Equal(t, 1, task.Attempts, name)
	}
	assert.Empty(t, c.Git("for-each-ref", "refs/reprodl/queue"))

	// One that runs is killed, one that is killed behind Slurm's back is run again.
	require.NoError(t, os.WriteFile(mark+".hold", nil, 0o666))
	_, err = c.queue.Add(ctx, &experiment.RunOptions{Name: "h", Set: []string{"lr=20,21"}})
	require.NoError(t, err)
	require.Equal(t, 2, c.submit(slurm.SubmitOptions{}))
	running := func(name string) bool { return c.tasks()[name].State == queue.Running }
	require.Eventually(t, func() bool { return running("h-1") && running("h-2") }, time.Minute, 100*time.Millisecond)
	assert.Contains(t, c.tasks()["h-1"].Lease.Worker, "node")
	require.NoError(t, c.slurm.Kill(ctx, c.tasks()["h-1"].ID))
	require.Eventually(t, func() bool { return c.tasks()["h-1"].State == queue.Failed }, time.Minute, 100*time.Millisecond)
	assert.Equal(t, "killed by the user", c.tasks()["h-1"].Error)
	require.NoError(t, os.Remove(mark+".hold"))
	id, _, _ := strings.Cut(c.tasks()["h-2"].Lease.Worker, " ")
	out, err := exec.Command("pgrep", "-f", c.self+" slurm-task").Output()
	require.NoError(t, err, id)
	for _, pid := range strings.Fields(string(out)) {
		require.NoError(t, exec.Command("kill", "-9", pid).Run())
	}
	require.Eventually(t, func() bool { return c.submit(slurm.SubmitOptions{}) == 1 }, time.Minute, 100*time.Millisecond)
	require.Eventually(t, func() bool { return c.tasks()["h-2"].State == queue.Success }, time.Minute, 100*time.Millisecond)
	assert.Equal(t, 2, c.tasks()["h-2"].Attempts)
	c.Fsck()
}
