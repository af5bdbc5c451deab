//go:build linux

package slurm_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/slurm"
	"github.com/reprodl/reprodl/internal/slurmtest"
)

// slowStage leaves time for kills.
const slowStage = `stages:
  train:
    cmd: sleep 0.5; cp params.yaml metrics.yaml; cat in params.yaml > model.txt
    deps: [in]
    params: [lr]
    outs: [model.txt]
    metrics: [{metrics.yaml: {cache: false}}]
`

// TestKilledSlurm kills, at random, the controller, nodes with all that they run,
// the daemons of nodes alone, and jobs; it cancels jobs behind our back, and takes
// nodes away as preemption does. Every experiment is recorded, once. Ten kills, or
// 60 with REPRODL_LONG=1.
func TestKilledSlurm(t *testing.T) {
	kills := 10
	if os.Getenv("REPRODL_LONG") != "" {
		kills = 60
	}
	c, s, _ := realCluster(t, 1001)
	c.Write("dvc.yaml", slowStage)
	began, n := time.Now(), 0
	done := map[string]int{}
	deadline := began.Add(15 * time.Minute)
	for {
		require.Less(t, time.Now(), deadline, "%v", done)
		left := c.work(s)
		switch {
		case kills > 0 && left < 8: // so that there is something to kill
			_, err := c.queue.Add(t.Context(), &experiment.RunOptions{Name: fmt.Sprintf("k%d", n), Set: []string{fmt.Sprintf("lr=range(%d,%d)", n, n+8)}})
			require.NoError(t, err)
			n += 8
		case kills > 0 && len(s.Jobs("")) > 0:
			kills--
			done[hurt(s)]++
		}
		if kills == 0 && left == 0 {
			break
		}
		time.Sleep(time.Duration(rand.IntN(500)) * time.Millisecond)
	}
	t.Logf("%d experiments in %.1f s: %v", n, time.Since(began).Seconds(), done)
	head := c.Git("rev-parse", "HEAD")
	refs := strings.Fields(c.Git("for-each-ref", "--format=%(refname)", "refs/exps"))
	assert.Len(t, refs, n)
	for i := range n {
		ref := fmt.Sprintf("refs/exps/%s/%s/k%d-%d", head[:2], head[2:], i/8*8, i%8+1)
		assert.Contains(t, refs, ref)
		assert.Contains(t, c.Git("show", ref+":metrics.yaml"), fmt.Sprintf("lr: %d\n", i))
	}
	assert.Empty(t, c.Git("for-each-ref", "refs/reprodl/queue"))
	c.Fsck()
}

// work does what a user would, who starts the queue again and again, and returns how
// many experiments are not there yet. An error is that of a controller that is away.
func (c *cluster) work(s *slurmtest.Cluster) (left int) {
	c.Helper()
	s.Running()
	if err := c.slurm.Sync(c.Context(), c.queue); err != nil {
		c.Log(err)
	}
	tasks, err := c.queue.Tasks(c.Context())
	require.NoError(c, err)
	for _, t := range tasks {
		if t.State != queue.Success {
			left++
		}
		if t.State == queue.Failed {
			// So many kills look like a program that kills its machine.
			require.Contains(c, t.Error, "times without a result")
			require.NoError(c, c.slurm.Retry(t.ID))
			_, err := c.queue.Retry(c.Context(), t.ID)
			require.NoError(c, err)
		}
	}
	if _, err := c.slurm.Submit(c.Context(), &slurm.SubmitOptions{Program: []string{c.self, "slurm-task"}}); err != nil {
		c.Log(err)
	}
	return left
}

// hurt does something bad to a cluster, and says what.
func hurt(s *slurmtest.Cluster) string {
	node := slurmtest.Nodes[rand.IntN(len(slurmtest.Nodes))]
	pause := func() { time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond) }
	running := s.Running()
	one := rand.IntN(6)
	if len(running) == 0 {
		one %= 3
	}
	switch one {
	case 0:
		s.Kill(slurmtest.Controller)
		pause()
		s.Run(slurmtest.Controller)
		return "kill -9 of slurmctld"
	case 1:
		s.Kill(node)
		pause()
		s.Run(node)
		return "kill -9 of slurmd"
	case 2:
		s.KillNode(node)
		pause()
		s.Run(node)
		return "kill -9 of a node"
	case 3:
		s.KillJob()
		return "kill -9 of a job"
	case 4:
		s.Command("scancel", running[rand.IntN(len(running))]).Run()
		return "scancel"
	}
	s.Command("scontrol", "requeue", running[rand.IntN(len(running))]).Run()
	return "requeue"
}
