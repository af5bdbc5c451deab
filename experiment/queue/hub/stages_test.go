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
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
	"github.com/reprodl/reprodl/pipeline"
)

// TestStagesOnTheFleet: three workers in processes and clones of their own, of which
// one is killed with its program, leave the files that one machine leaves, byte for
// byte.
func TestStagesOnTheFleet(t *testing.T) {
	for _, c := range []struct{ name, config string }{
		{"data through the hub", ""},
		{"data through the remote", "[core]\n    remote = r\n['remote \"r\"']\n    url = " + filepath.ToSlash(t.TempDir()) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, alone, mark := newStages(t, c.config)
			require.NoError(t, os.WriteFile(filepath.Join(mark, "hold-3"), nil, 0o666))
			workers := map[int]*exec.Cmd{}
			for range 3 {
				w := f.worker()
				workers[w.Process.Pid] = w
			}
			go func() {
				for range 600 {
					if _, err := os.Stat(filepath.Join(mark, "held-3")); err == nil {
						break
					}
					time.Sleep(100 * time.Millisecond)
				}
				tasks, _ := f.queue.Tasks(t.Context(), queue.Running)
				for _, task := range tasks {
					if w := workers[task.Lease.PID]; task.Options.Stage.Address == "train@3" && w != nil {
						w.Process.Kill()
					}
				}
			}()
			before := f.Git("status", "--porcelain", "--", "more.yaml", "prepare.sh")
			res, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 8})
			require.NoError(t, err, out)
			assert.Equal(t, alone, results(f.Project), out)
			assert.Equal(t, before, f.Git("status", "--porcelain", "--", "more.yaml", "prepare.sh"))
			assert.Len(t, res, 13)
			for _, r := range res {
				if r.Address != "raw.dvc" {
					assert.Equal(t, pipeline.Ran, r.Action, r.Address)
				}
			}
			assert.Contains(t, out, "train@2 | training 2\n")
			assert.Contains(t, out, "Stage 'here' runs on this machine: its output 'kept.txt' persists")
			f.nothingLeft()
			fi, err := os.Stat(filepath.Join(f.Dir, "model-3.sh"))
			require.NoError(t, err)
			assert.NotZero(t, fi.Mode()&0o100)

			// DVC agrees, and so does a second call, for which nobody is asked.
			res, out, err = f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 8})
			require.NoError(t, err)
			for _, r := range res {
				assert.Equal(t, pipeline.Skipped, r.Action, out)
			}
			if os.Getenv("REPRODL_DVC") != "" {
				assert.Contains(t, f.DVC("status"), "Data and pipelines are up to date.")
			}
		})
	}
}

// TestAStageFailsElsewhere: the error tells of it, and the others are as they were.
func TestAStageFailsElsewhere(t *testing.T) {
	f, alone, mark := newStages(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(mark, "fail-4"), nil, 0o666))
	f.worker("HUB_TEST_JOBS=2")
	_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 2, OnError: pipeline.KeepGoing})
	var failed *pipeline.StageError
	require.ErrorAs(t, err, &failed, out)
	assert.Equal(t, []string{"train@4"}, failed.Stages)
	assert.Contains(t, out, "train@4 | no good\n")
	host, _ := os.Hostname()
	assert.Regexp(t, `on worker `+host+`/[12] of `+host+`: failed to run: .*exited with 3; its log is .*\.log`, out)
	f.nothingLeft()
	require.NoError(t, os.Remove(filepath.Join(mark, "fail-4")))
	_, out, err = f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 2})
	require.NoError(t, err, out)
	again := results(f.Project)
	again["dvc.lock"] = alone["dvc.lock"] // where the late entry is the last one
	assert.Equal(t, alone, again)
}

// TestStagesAreCancelled: when ctx ends, programs on workers end too.
func TestStagesAreCancelled(t *testing.T) {
	f, _, mark := newStages(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(mark, "hold-1"), nil, 0o666))
	f.worker()
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("asked to")
	go func() {
		for range 600 {
			if _, err := os.Stat(filepath.Join(mark, "held-1")); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		cancel(why)
	}()
	_, out, err := f.repro(ctx, nil, pipeline.ReproOptions{Jobs: 8})
	require.ErrorIs(t, err, why, out)
	f.nothingLeft()
	assert.NotContains(t, f.Read("dvc.lock"), "train@1:")
}

// TestTheHubStartsAnewMeanwhile: whoever waits for stages, and their worker, wait for
// the hub too.
func TestTheHubStartsAnewMeanwhile(t *testing.T) {
	f, alone, mark := newStages(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(mark, "hold-1"), nil, 0o666))
	f.worker("HUB_TEST_JOBS=2")
	held := filepath.Join(mark, "held-1")
	queue, ended := f.queue, make(chan struct{})
	go func() {
		defer close(ended)
		for range 600 {
			if _, err := os.Stat(held); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		f.hub.Close()
		os.Remove(held)
		time.Sleep(500 * time.Millisecond) // the stage ends while there is no hub
		f.serve(&hub.Options{Lease: 3 * time.Second})
	}()
	var out lockedBuffer
	p, err := pipeline.Open(f.Dir, &pipeline.Options{Env: f.Env, Stdout: &out, Stderr: &out})
	require.NoError(t, err)
	_, err = p.Repro(t.Context(), &pipeline.ReproOptions{Jobs: 8, Executor: queue.Executor(nil)})
	require.NoError(t, err, out.String())
	<-ended
	assert.Equal(t, alone, results(f.Project))
	f.nothingLeft()
}

// TestAStageIsRemovedFromTheQueue by somebody while it waits there.
func TestAStageIsRemovedFromTheQueue(t *testing.T) {
	f, _, _ := newStages(t, "")
	go func() {
		for range 600 {
			if names, _ := f.queue.Remove(t.Context(), &queue.TaskFilter{Queued: true}); len(names) > 0 {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{}, "seed")
	require.ErrorContains(t, err, "failed to reproduce 'seed': its task was removed from the queue", out)
	f.nothingLeft()
}

// TestAStageInGoElsewhere is run by the worker's own program.
func TestAStageInGoElsewhere(t *testing.T) {
	f, program := newGoFleet(t)
	f.Write("bin/prog", string(program))
	require.NoError(t, os.Chmod(filepath.Join(f.Dir, "bin", "prog"), 0o755))
	f.worker()
	p, err := pipeline.Open(f.Dir, &pipeline.Options{Env: f.Env})
	require.NoError(t, err)
	stage := goStage
	stage.Run = func(context.Context) error { return errors.New("it runs here") }
	p, err = p.Define("bin/prog", stage)
	require.NoError(t, err)
	_, err = p.Repro(t.Context(), &pipeline.ReproOptions{Executor: f.queue.Executor(&queue.ExecutorOptions{Stages: []pipeline.Stage{goStage}, Program: "bin/prog"})})
	require.NoError(t, err)
	assert.Equal(t, "{\"score\": 0.1}\n", f.Read("score.json"))
	f.nothingLeft()
}

// TestWhatAKilledCallLeft is removed by the next one, and its tasks with it.
func TestWhatAKilledCallLeft(t *testing.T) {
	f, alone, _ := newStages(t, "")
	plan, err := f.repo.PlanStage(t.Context(), &pipeline.Job{Address: "seed"}, nil)
	require.NoError(t, err)
	require.NoError(t, f.queue.Clean(t.Context()))
	// As a process that is gone would have left it.
	child := exec.Command("true")
	require.NoError(t, child.Run())
	text := f.Git("cat-file", "commit", plan.Commit)
	text = strings.Replace(text, fmt.Sprintf(`"PID":%d`, os.Getpid()), fmt.Sprintf(`"PID":%d`, child.Process.Pid), 1)
	file := filepath.Join(t.TempDir(), "commit")
	require.NoError(t, os.WriteFile(file, []byte(text+"\n"), 0o666))
	f.Git("update-ref", "refs/reprodl/queue/"+plan.ID, strings.TrimSpace(f.Git("hash-object", "-t", "commit", "-w", file)))
	f.worker("HUB_TEST_JOBS=4")
	_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 8})
	require.NoError(t, err, out)
	assert.Equal(t, alone, results(f.Project))
	f.nothingLeft()
}

// TestAnotherInput: a stage that reads what it does not declare, or files that are
// edited while it runs elsewhere, never make a record of what did not happen.
func TestAnotherInput(t *testing.T) {
	f, _, mark := newStages(t, "")
	require.NoError(t, os.WriteFile(filepath.Join(mark, "hold-1"), nil, 0o666))
	f.worker()
	go func() {
		for range 600 {
			if _, err := os.Stat(filepath.Join(mark, "held-1")); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		os.WriteFile(filepath.Join(f.Dir, "params.yaml"), []byte("lr: 9\n"), 0o666)
		os.Remove(filepath.Join(mark, "held-1"))
	}()
	_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{}, "train@1")
	require.ErrorContains(t, err, "'params.yaml' differs between this machine and the one that ran the stage", out)
	assert.NotContains(t, f.Read("dvc.lock"), "train@1:")
	f.nothingLeft()
}

// TestTableOfStages prints what it costs to run stages of 0.1 s by four workers of
// this machine; REPRODL_LONG=1 asks for it.
func TestTableOfStages(t *testing.T) {
	if os.Getenv("REPRODL_LONG") == "" {
		t.Skip("REPRODL_LONG is not set")
	}
	const n = 60
	yaml := "stages:\n  s:\n    matrix: {n: ["
	for i := range n {
		yaml += fmt.Sprint(i, ", ")
	}
	yaml += "]}\n    cmd: sleep 0.1; echo ${item.n} > out-${item.n}; echo ${item.n} > m-${item.n}.json\n    params: [lr]\n    outs:\n    - out-${item.n}\n    metrics:\n    - m-${item.n}.json:\n        cache: false\n"
	f := newFleet(t, map[string]string{"dvc.yaml": yaml}, nil)
	for range 4 {
		f.worker()
	}
	require.Eventually(t, func() bool { w, _ := f.conn.Workers(t.Context()); return len(w) == 4 }, time.Minute, 10*time.Millisecond)
	began := time.Now()
	_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 100})
	require.NoError(t, err, out)
	t.Logf("%d stages by 4 workers: %.1f s", n, time.Since(began).Seconds())
}

// TestKilledWorkersOfStages kills workers at random while they run a pipeline, 15 of
// them, and starts others; REPRODL_LONG=1 asks for it. What is left is what one
// machine leaves.
func TestKilledWorkersOfStages(t *testing.T) {
	if os.Getenv("REPRODL_LONG") == "" {
		t.Skip("REPRODL_LONG is not set")
	}
	f, alone, _ := newStages(t, "")
	over, ended := make(chan struct{}), make(chan int)
	workers := []*exec.Cmd{f.worker(), f.worker(), f.worker()}
	go func() {
		kills := 0
		for ; kills < 15; kills++ {
			select {
			case <-over:
				ended <- kills
				return
			case <-time.After(time.Duration(200+rand.IntN(800)) * time.Millisecond):
			}
			i := rand.IntN(len(workers))
			workers[i].Process.Kill()
			workers[i] = f.worker()
		}
		<-over
		ended <- kills
	}()
	for _, more := range []string{"a", "b", "c", "new"} { // of which nothing is known
		f.Write("more.yaml", "more: "+more+"\n")
		_, out, err := f.repro(t.Context(), nil, pipeline.ReproOptions{Jobs: 8, Force: true})
		require.NoError(t, err, out)
	}
	close(over)
	t.Logf("%d workers were killed", <-ended)
	again := results(f.Project)
	for name := range again { // of the earlier rounds
		if alone[name] == "" || name == "kept.txt" {
			delete(again, name)
		}
	}
	again["kept.txt"] = alone["kept.txt"] // grew with each
	assert.Equal(t, withoutKept(alone), withoutKept(again))
	f.nothingLeft()
}
