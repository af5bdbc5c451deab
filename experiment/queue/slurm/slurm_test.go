//go:build unix

package slurm_test

import (
	"bytes"
	"fmt"
	"os"
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
)

func TestAnArrayRunsWhatIsMarked(t *testing.T) {
	c := newCluster(t, map[string]string{"dvc.yaml": exptest.StageYAML + "    meta: {resources: {cpus: 4, gpus: 1, gpu_type: a100, mem: 16G, time: 90m}}\n"})
	ctx := t.Context()
	_, err := c.queue.Add(ctx, &experiment.RunOptions{Name: "s", Set: []string{"lr=range(0,6)"}})
	require.NoError(t, err)
	assert.Equal(t, 6, c.submit(slurm.SubmitOptions{Jobs: 2, Args: []string{"--partition=gpu"}}))
	// This site takes arrays of four.
	assert.Equal(t, []string{"100_0", "100_1", "100_2", "100_3", "101_0", "101_1"}, c.waiting())
	args := c.args(0)
	for _, want := range []string{"--array=0-3%2", "--cpus-per-task=4", "--gres=gpu:a100:1", "--mem=16384M", "--time=90", "--requeue", "--partition=gpu"} {
		assert.Contains(t, args, want)
	}
	assert.Equal(t, 0, c.submit(slurm.SubmitOptions{}), "Slurm has them")
	assert.Equal(t, "Slurm: Priority", c.tasks()["s-1"].Error)

	for _, job := range c.waiting() {
		require.NoError(t, c.start(job).Wait())
		c.end(job)
	}
	for name, task := range c.tasks() {
		assert.Equal(t, queue.Success, task.State, name)
		assert.Equal(t, 1, task.Attempts)
		head := c.Git("rev-parse", "HEAD")
		assert.Equal(t, task.Result, c.Git("rev-parse", "refs/exps/"+head[:2]+"/"+head[2:]+"/"+name))
	}
	assert.Empty(t, c.outcomes(), "they were told")
	assert.Empty(t, c.Git("for-each-ref", "refs/reprodl/queue"))
	var log strings.Builder
	require.NoError(t, c.queue.Log(ctx, "s-5", &log, nil))
	assert.Contains(t, log.String(), "Running stage 'train'")
	c.Fsck()
}

func TestSeveralTasksInAJob(t *testing.T) {
	c := newCluster(t, nil)
	_, err := c.queue.Add(t.Context(), &experiment.RunOptions{Name: "s", Set: []string{"lr=range(0,7)"}})
	require.NoError(t, err)
	assert.Equal(t, 7, c.submit(slurm.SubmitOptions{PerJob: 3, Need: experiment.Resources{Time: 10 * time.Minute}}))
	assert.Equal(t, []string{"100_0", "100_1", "100_2"}, c.waiting())
	assert.Contains(t, c.args(0), "--time=30")
	for _, job := range c.waiting() {
		require.NoError(t, c.start(job).Wait())
		c.end(job)
	}
	assert.Empty(t, c.Git("for-each-ref", "refs/reprodl/queue"))
}

// TestLimits: what a site does not take waits for the next time.
func TestLimits(t *testing.T) {
	c := newCluster(t, nil)
	c.Env = append(c.Env, "FAKE_LIMIT=3")
	c.open()
	_, err := c.queue.Add(t.Context(), &experiment.RunOptions{Name: "s", Set: []string{"lr=range(0,5)"}})
	require.NoError(t, err)
	assert.Equal(t, 3, c.submit(slurm.SubmitOptions{}))
	_, err = c.slurm.Submit(t.Context(), &slurm.SubmitOptions{Program: []string{"x"}})
	assert.ErrorContains(t, err, "AssocMaxSubmitJobLimit")
	for _, job := range c.waiting() {
		require.NoError(t, c.start(job).Wait())
		c.end(job)
	}
	assert.Equal(t, 2, c.submit(slurm.SubmitOptions{}))
}

const flagStage = `stages:
  train:
    cmd: echo x >> "$MARK"; test ! -e "$MARK.hold" || sleep 60; test ! -e "$MARK.fail" && cp params.yaml metrics.yaml && cat in params.yaml > model.txt
    deps: [in]
    params: [lr]
    outs: [model.txt]
    metrics: [{metrics.yaml: {cache: false}}]
`

// TestAJobThatIsGone kills a run, which Slurm does not repeat: the next start
// does. One that Slurm requeues is run by that.
func TestAJobThatIsGone(t *testing.T) {
	c := newCluster(t, map[string]string{"dvc.yaml": flagStage})
	mark := filepath.Join(t.TempDir(), "mark")
	_, err := c.queue.Add(t.Context(), &experiment.RunOptions{Name: "s"})
	require.NoError(t, err)
	require.Equal(t, 1, c.submit(slurm.SubmitOptions{}))
	begun := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool { data, _ := os.ReadFile(mark); return strings.Count(string(data), "x") == n }, time.Minute, 10*time.Millisecond)
	}
	require.NoError(t, os.WriteFile(mark+".hold", nil, 0o666))
	run := c.start("100_0", "MARK="+mark)
	begun(1)
	assert.Equal(t, queue.Running, c.tasks()["s"].State)
	assert.Equal(t, "100_0 on node1", c.tasks()["s"].Lease.Worker)
	// Node lost: Slurm requeues, and runs the same again.
	run.Process.Kill()
	run.Wait()
	run = c.start("100_0", "MARK="+mark)
	begun(2)
	run.Process.Kill()
	run.Wait()
	c.end("100_0")
	assert.Contains(t, c.tasks()["s"].Error, "gone without a result")
	assert.Equal(t, queue.Queued, c.tasks()["s"].State)
	require.Equal(t, 1, c.submit(slurm.SubmitOptions{}))
	require.NoError(t, os.Remove(mark+".hold"))
	require.NoError(t, c.start("101_0", "MARK="+mark).Wait())
	c.end("101_0")
	done := c.tasks()["s"]
	assert.Equal(t, queue.Success, done.State)
	assert.Equal(t, 3, done.Attempts)
	assert.Equal(t, 0, c.submit(slurm.SubmitOptions{}))
}

func TestFailureKillAndRetry(t *testing.T) {
	c := newCluster(t, map[string]string{"dvc.yaml": flagStage})
	mark := filepath.Join(t.TempDir(), "mark")
	_, err := c.queue.Add(t.Context(), &experiment.RunOptions{Name: "s"})
	require.NoError(t, err)
	c.submit(slurm.SubmitOptions{})
	require.NoError(t, os.WriteFile(mark+".fail", nil, 0o666))
	require.NoError(t, c.start("100_0", "MARK="+mark).Wait())
	ending := filepath.Join(c.dir, "job", "100_0")
	line, err := os.ReadFile(ending)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(ending, bytes.Replace(line, []byte("RUNNING"), []byte("COMPLETING"), 1), 0o666))
	failed := c.tasks()["s"]
	assert.Equal(t, queue.Failed, failed.State)
	assert.Contains(t, failed.Error, "train")
	assert.Equal(t, 0, c.submit(slurm.SubmitOptions{}), "a failure is not repeated by itself")
	assert.Len(t, c.outcomes(), 1)

	require.NoError(t, c.slurm.Retry(failed.ID))
	_, err = c.queue.Retry(t.Context())
	require.NoError(t, err)
	time.AfterFunc(300*time.Millisecond, func() { c.end("100_0") })
	require.Equal(t, 1, c.submit(slurm.SubmitOptions{}), "when Slurm has ended the job of before")
	assert.Equal(t, queue.Queued, c.tasks()["s"].State)
	require.NoError(t, c.slurm.Stop(t.Context(), false))
	assert.Empty(t, c.waiting(), "what waits is taken back")
	assert.Equal(t, queue.Queued, c.tasks()["s"].State, fmt.Sprint(c.tasks()["s"]))
	_, err = c.queue.Remove(t.Context(), &queue.TaskFilter{Queued: true})
	require.NoError(t, err)
	c.tasks()
	assert.Empty(t, c.outcomes(), "nobody has the task")
}

// outcomes are the files of what came of tasks.
func (c *cluster) outcomes() []string {
	files, _ := filepath.Glob(filepath.Join(c.Dir, ".dvc", "tmp", "exps", "reprodl", "slurm", "task", "*"))
	return files
}
