//go:build unix

package queue_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
)

// machineWith puts an nvidia-smi first on PATH that knows cards by these names, and
// returns the file of the processes that compute on them, one "UUID, PID" a line.
func machineWith(t *testing.T, cards ...string) (apps string) {
	t.Helper()
	dir := t.TempDir()
	apps = filepath.Join(dir, "apps")
	require.NoError(t, os.WriteFile(apps, nil, 0o666))
	var rows strings.Builder
	for i, name := range cards {
		rows.WriteString(string(rune('0'+i)) + ", GPU-" + name + ", NVIDIA " + name + "\n")
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cards"), []byte(rows.String()), 0o666))
	script := "#!/bin/sh\ncase $1 in --query-gpu=*) cat " + dir + "/cards;; --query-compute-apps=*) cat " + apps + ";; *) exit 2;; esac\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(script), 0o777))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	return apps
}

func TestCardsAreVisibleAsToCUDA(t *testing.T) {
	machineWith(t, "a0", "b1", "b2")
	for list, want := range map[string]int{"": 0, "-1": 0, "1": 1, "2,0": 2, "GPU-b1": 1, "GPU-b": 1, "0,7,1": 1, "none": 0} {
		assert.Equal(t, want, queue.FindCards(t.Context(), []string{"CUDA_VISIBLE_DEVICES=" + list}).Len(), list)
	}
	c := queue.FindCards(t.Context(), []string{"CUDA_VISIBLE_DEVICES=0", "CUDA_VISIBLE_DEVICES=2,0"})
	env, release, err := c.Take(t.Context(), 1)
	require.NoError(t, err)
	defer release()
	assert.Equal(t, []string{"CUDA_VISIBLE_DEVICES=2"}, env)
}

func TestNoCardIsTakenTwice(t *testing.T) {
	apps := machineWith(t, "a0", "a1", "a2")
	one, other := queue.FindCards(t.Context(), nil), queue.FindCards(t.Context(), nil)
	_, release, err := one.Take(t.Context(), 2)
	require.NoError(t, err)
	assert.Equal(t, 1, other.Free(t.Context()))
	_, _, err = other.Take(t.Context(), 2)
	require.ErrorIs(t, err, queue.ErrNoCards)
	assert.Equal(t, 1, other.Free(t.Context()), "what was taken of too few is free again")
	require.NoError(t, os.WriteFile(apps, []byte("GPU-a2, 4711\n"), 0o666))
	assert.Zero(t, other.Free(t.Context()), "another program computes on the third")
	release()
	env, release, err := other.Take(t.Context(), 2)
	require.NoError(t, err)
	defer release()
	assert.Equal(t, []string{"CUDA_VISIBLE_DEVICES=0,1"}, env)
}

func TestTasksShareNoCard(t *testing.T) {
	apps := machineWith(t, "a0", "a1", "a2")
	require.NoError(t, os.WriteFile(apps, []byte("GPU-a0, 4711\n"), 0o666))
	held := t.TempDir()
	stage := strings.Replace(exptest.StageYAML, "cat in",
		"mkdir "+held+"/$CUDA_VISIBLE_DEVICES && sleep 0.3 && rmdir "+held+"/$CUDA_VISIBLE_DEVICES && echo $CUDA_VISIBLE_DEVICES >> "+held+"/all && cat in", 1)
	p := exptest.New(t, map[string]string{"dvc.yaml": stage})
	q := queue.Open(p.Open(), nil)
	_, err := q.Add(t.Context(), &experiment.RunOptions{Set: []string{"lr=1,2,3,4"}, Resources: experiment.Resources{GPUs: 1, GPUType: "a0"}})
	require.NoError(t, err)
	failed, err := q.WorkAll(t.Context(), 3, nil)
	require.NoError(t, err)
	assert.Empty(t, failed)
	used, err := os.ReadFile(filepath.Join(held, "all"))
	require.NoError(t, err)
	assert.Len(t, strings.Fields(string(used)), 4)
	assert.NotContains(t, string(used), "0", "another program computes on it")
}

func TestRefusedIsWhatThisMachineLacks(t *testing.T) {
	p := exptest.New(t, nil)
	machineWith(t, "a0")
	// Without sbatch: Slurm may have other machines.
	bin := t.TempDir()
	for _, name := range []string{"git", "cat", "nvidia-smi"} {
		program, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(program, filepath.Join(bin, name)))
	}
	t.Setenv("PATH", bin)
	q := queue.Open(p.Open(), nil)
	add := func(need experiment.Resources) error {
		_, err := q.Add(t.Context(), &experiment.RunOptions{Resources: need})
		return err
	}
	assert.ErrorContains(t, add(experiment.Resources{GPUs: 2}), "this machine lacks 2 gpus")
	assert.ErrorContains(t, add(experiment.Resources{GPUs: 1, GPUType: "h100"}), "a gpu of type h100")
	assert.ErrorContains(t, add(experiment.Resources{CPUs: 100000}), "'queue serve' starts one")
	tasks, err := q.Tasks(t.Context())
	require.NoError(t, err)
	assert.Empty(t, tasks)
	assert.Empty(t, p.Git("for-each-ref", "refs/reprodl/queue"), "and nothing is left of them")
	assert.NoError(t, add(experiment.Resources{GPUs: 1, GPUType: "A0"}))
}
