package queue_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
)

func TestQueueRunsASweep(t *testing.T) {
	p := exptest.New(t, nil)
	p.Dirty()
	before := p.State()
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	tasks, err := q.Add(ctx, &experiment.RunOptions{Name: "s", Set: []string{"lr=1,2", "seed=range(0,2)"}})
	require.NoError(t, err)
	var sets [][]string
	for _, task := range tasks {
		sets = append(sets, task.Options.Set)
	}
	assert.Equal(t, [][]string{{"lr=1", "seed=0"}, {"lr=1", "seed=1"}, {"lr=2", "seed=0"}, {"lr=2", "seed=1"}}, sets)

	states, err := compare.Show(ctx, p.Open(), nil)
	require.NoError(t, err)
	require.Len(t, states[1].Experiments, 4)
	assert.Equal(t, "queued", states[1].Experiments[0].Executor.State)
	assert.Empty(t, states[1].Experiments[0].State.Data.Metrics())

	failed, err := q.WorkAll(ctx, 2, nil)
	require.NoError(t, err)
	assert.Empty(t, failed)
	assert.Equal(t, before, p.State(), "the workspace takes no part")
	list, err := p.Open().List(ctx, nil)
	require.NoError(t, err)
	assert.Len(t, list, 4)
	assert.Empty(t, p.Git("for-each-ref", "refs/reprodl/queue"))
	var log strings.Builder
	require.NoError(t, q.Log(ctx, "s-3", &log, &queue.LogOptions{Follow: true}))
	assert.Contains(t, log.String(), "Running stage 'train'")
	names, err := q.Remove(ctx, &queue.TaskFilter{Success: true})
	require.NoError(t, err)
	assert.Len(t, names, 4)
	p.Fsck()
}

func TestFailedTasksAreKeptAndRetried(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "test -e $FLAG || exit 1; cat in", 1)})
	flag := filepath.Join(t.TempDir(), "flag")
	p.Env = append(p.Env, "FLAG="+flag)
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	_, err := q.Add(ctx, &experiment.RunOptions{Name: "f"})
	require.NoError(t, err)
	failed, err := q.WorkAll(ctx, 1, nil)
	var first *queue.TaskError
	require.ErrorAs(t, err, &first)
	require.Len(t, failed, 1)
	assert.Equal(t, "f", first.Name)
	assert.ErrorContains(t, first, "train")
	task, err := q.Find(ctx, "f")
	require.NoError(t, err)
	assert.Equal(t, queue.Failed, task.State)
	assert.Contains(t, task.Error, "train")
	states, err := compare.Show(ctx, p.Open(), &compare.ShowOptions{Activities: q.Activities})
	require.NoError(t, err)
	assert.Equal(t, "Experiment run failed", states[1].Experiments[0].State.Err.Msg)

	require.NoError(t, os.WriteFile(flag, nil, 0o666))
	names, err := q.Retry(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"f"}, names)
	failed, err = q.WorkAll(ctx, 1, nil)
	require.NoError(t, err)
	assert.Empty(t, failed)
}

func TestKilledTaskFails(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "touch $FLAG; sleep 60; cat in", 1)})
	flag := filepath.Join(t.TempDir(), "flag")
	p.Env = append(p.Env, "FLAG="+flag)
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	_, err := q.Add(ctx, &experiment.RunOptions{Name: "k"})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- q.Work(ctx, nil) }()
	require.Eventually(t, func() bool { _, err := os.Stat(flag); return err == nil }, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, q.Kill(ctx, nil, "k"))
	require.NoError(t, <-done)
	task, err := q.Find(ctx, "k")
	require.NoError(t, err)
	assert.Equal(t, queue.Failed, task.State)
	assert.Equal(t, "killed by the user", task.Error)
}

func TestInterruptedWorkerGivesTheTaskBack(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "test -e $FLAG || { touch $FLAG; sleep 60; }; cat in", 1)})
	flag := filepath.Join(t.TempDir(), "flag")
	p.Env = append(p.Env, "FLAG="+flag)
	q := queue.Open(p.Open(), nil)
	_, err := q.Add(t.Context(), &experiment.RunOptions{Name: "back"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- q.Work(ctx, nil) }()
	require.Eventually(t, func() bool { _, err := os.Stat(flag); return err == nil }, 20*time.Second, 10*time.Millisecond)
	cancel()
	<-done
	task, err := q.Find(t.Context(), "back")
	require.NoError(t, err)
	assert.Equal(t, queue.Queued, task.State)
	require.NoError(t, q.Work(t.Context(), nil))
	task, err = q.Find(t.Context(), "back")
	require.NoError(t, err)
	assert.Equal(t, queue.Success, task.State)
	assert.Equal(t, 2, task.Attempts)
	p.Fsck()
}

func TestWorkersTellStagesHowManyCPUs(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cp params.yaml metrics.yaml", "echo $GOMAXPROCS > metrics.yaml", 1)})
	q := queue.Open(p.Open(), nil)
	_, err := q.Add(t.Context(), &experiment.RunOptions{Name: "c"})
	require.NoError(t, err)
	require.NoError(t, q.Work(t.Context(), &queue.WorkOptions{CPUs: 3}))
	e, err := p.Open().Find(t.Context(), "c")
	require.NoError(t, err)
	assert.Equal(t, "3", p.Git("show", e.Rev+":metrics.yaml"))
}

func TestWaitGathersWhatWorkersDid(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "grep -q lr..1 params.yaml || exit 1; cat in", 1)})
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	tasks, err := q.Add(ctx, &experiment.RunOptions{Name: "w", Set: []string{"lr=1,2"}})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { _, err := q.WorkAll(ctx, 1, nil); done <- err }()
	got, err := q.Wait(ctx, tasks[1].ID, tasks[0].ID)
	require.Error(t, <-done)
	var failed *queue.TaskError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "w-2", failed.Name)
	require.Len(t, got, 2)
	assert.Equal(t, queue.Failed, got[0].State)
	assert.Equal(t, queue.Success, got[1].State)
	assert.NotEmpty(t, got[1].Result)
	_, err = q.Wait(ctx, "unknown")
	assert.ErrorIs(t, err, experiment.ErrNotFound)
}

// TestALostQueueIsRebuiltFromGit loses the file that a worker is about to read.
func TestALostQueueIsRebuiltFromGit(t *testing.T) {
	for _, how := range []string{"gone", "empty"} {
		t.Run(how, func(t *testing.T) {
			p := exptest.New(t, nil)
			q := queue.Open(p.Open(), nil)
			ctx := t.Context()
			added, err := q.Add(ctx, &experiment.RunOptions{Name: "lost", Set: []string{"lr=1,2,3"}, Targets: []string{"train"}, Message: "mine"})
			require.NoError(t, err)
			file := filepath.Join(p.Dir, ".dvc", "tmp", "exps", "reprodl", "queue.db")
			require.NoError(t, os.Remove(file))
			if how == "empty" {
				require.NoError(t, os.WriteFile(file, nil, 0o666))
			}
			tasks, err := q.Tasks(ctx)
			require.NoError(t, err)
			require.Len(t, tasks, 3)
			for i := range tasks {
				assert.True(t, tasks[i].Created.Equal(added[i].Created))
				tasks[i].Created = added[i].Created
			}
			assert.Equal(t, added, tasks)
			_, err = q.WorkAll(ctx, 1, nil)
			require.NoError(t, err)
			e, err := p.Open().Find(ctx, "lost-3")
			require.NoError(t, err)
			assert.Equal(t, "mine", strings.TrimSpace(e.Message))
			p.Fsck()
		})
	}
}

// TestNamesOfTasks gives each command each kind of name, and names that mean nothing.
func TestNamesOfTasks(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "exit 1; cat in", 1)})
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()
	tasks, err := q.Add(ctx, &experiment.RunOptions{Name: "f", Set: []string{"lr=1,2"}})
	require.NoError(t, err)
	_, err = q.WorkAll(ctx, 1, nil)
	require.Error(t, err)
	_, err = q.Retry(ctx, "f-1", "nope")
	require.EqualError(t, err, "'nope' is not a valid failed experiment name")
	failed, err := q.Tasks(ctx, queue.Failed)
	require.NoError(t, err)
	assert.Len(t, failed, 2, "none, as one name is wrong")
	names, err := q.Retry(ctx, tasks[0].Commit[:7], tasks[1].ID[:5])
	require.NoError(t, err)
	assert.Equal(t, []string{"f-1", "f-2"}, names)

	running, err := queue.StoreOf(q).Claim(ctx, queue.Lease{Token: "mine", Worker: "w", Host: "elsewhere", Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	_, err = q.Remove(ctx, &queue.TaskFilter{Names: []string{"f-2", "f-1"}})
	require.EqualError(t, err, "experiment 'f-1' is running; end it first, with 'queue kill'")
	require.EqualError(t, q.Kill(ctx, nil, "f-2", running.Commit[:7]), "'f-2' is not a valid running experiment name")
	running, err = queue.StoreOf(q).Get(ctx, running.ID)
	require.NoError(t, err)
	assert.Equal(t, "interrupt", running.Kill, "by the commit that tables show")
	names, err = q.Remove(ctx, &queue.TaskFilter{Names: []string{"f-2"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"f-2"}, names)
}
