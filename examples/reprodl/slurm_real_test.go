//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/slurmtest"
)

// slurmRepo is a repository in a cluster. Jobs run the program by its file alone, so
// what makes the test binary one is in a script.
func slurmRepo(t *testing.T, r *fleetRepo) *slurmtest.Cluster {
	t.Helper()
	s := slurmtest.Start(t, 1001)
	r.env = append(r.env, s.Env()...)
	return s
}

// TestQueueOnSlurm is the life of a queue, by the commands, with a Slurm of its own.
func TestQueueOnSlurm(t *testing.T) {
	r := newFleetRepo(t)
	slurmRepo(t, r)
	beside := filepath.Dir(r.dir)
	r.env = append(r.env, "BESIDE="+beside)
	r.write("dvc.yaml", `stages:
  train:
    cmd: "echo trained; if grep -q 'lr: 9' params.yaml; then while test -e $BESIDE/hold; do sleep 0.1; done; fi; test ! -e $BESIDE/bad && cp params.yaml out"
    params: [lr]
    outs: [out]
    meta: {resources: {cpus: 1, time: 10m}}
`)
	r.run("git", "commit", "-qam", "slow")
	until := func(pattern string) {
		t.Helper()
		var last string
		for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			if last = r.dvc("queue", "status"); regexp.MustCompile(pattern).MatchString(last) {
				return
			}
			require.Less(t, time.Now(), end, "%s\n%s", pattern, last)
		}
	}
	r.dvc("exp", "run", "--queue", "-n", "e", "-S", "lr=range(0,6)")
	assert.Contains(t, r.dvc("queue", "start", "--on", "slurm", "-j", "3", "--per-job", "2", "--sbatch", "--partition=main"), "Submitted 6 experiments to Slurm.")
	assert.Contains(t, r.dvc("queue", "start", "--on", "slurm"), "Submitted 0 experiments to Slurm.")
	until(`(?s)(Success.*){6}`)
	for _, name := range []string{"e-1", "e-6"} {
		assert.Contains(t, r.dvc("queue", "logs", name), "trained\n")
	}
	table := r.dvc("exp", "show", "--csv")
	for _, lr := range []string{"e-1", "e-6"} {
		assert.Contains(t, table, lr)
	}

	// Kill, failure, retry, and an option that Slurm refuses.
	require.NoError(t, os.WriteFile(filepath.Join(beside, "hold"), nil, 0o666))
	r.dvc("exp", "run", "--queue", "-n", "k", "-S", "lr=9")
	out, err := r.command(r.self, "queue", "start", "--on", "slurm", "--sbatch", "--partition=none").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "invalid partition specified: none")
	r.dvc("queue", "start", "--on", "slurm")
	until(`k\s+\S.*Running`)
	r.dvc("queue", "kill", "k")
	until(`k\s+\S.*Failed`)
	require.NoError(t, os.Remove(filepath.Join(beside, "hold")))
	assert.Contains(t, r.dvc("queue", "retry", "k"), "Queued experiment 'k'")
	require.NoError(t, os.WriteFile(filepath.Join(beside, "bad"), nil, 0o666))
	r.dvc("queue", "start", "--on", "slurm")
	until(`k\s+\S.*Failed`)
	require.NoError(t, os.Remove(filepath.Join(beside, "bad")))
	r.dvc("queue", "retry")
	r.dvc("queue", "start", "--on", "slurm")
	until(`k\s+\S.*Success`)
	assert.Contains(t, r.dvc("queue", "remove", "--all"), "e-1")

	// Stopped with what waits and what runs; and started again.
	require.NoError(t, os.WriteFile(filepath.Join(beside, "hold"), nil, 0o666))
	r.dvc("exp", "run", "--queue", "-n", "s", "-S", "lr=91,10")
	r.dvc("queue", "start", "--on", "slurm")
	until(`s-1\s+\S.*Running`)
	r.dvc("queue", "stop", "--kill")
	until(`s-1\s+\S.*Failed`)
	require.NoError(t, os.Remove(filepath.Join(beside, "hold")))
	r.dvc("queue", "retry")
	r.dvc("queue", "start", "--on", "slurm")
	until(`(?s)(Success.*){2}`)
	assert.Empty(t, r.run("git", "for-each-ref", "refs/reprodl/queue"))
}

// TestReproOnSlurm: stages of one pipeline as jobs.
func TestReproOnSlurm(t *testing.T) {
	r, lock := newStageRepo(t)
	s := slurmRepo(t, r)
	beside := filepath.Dir(r.dir)

	out, err := r.command(r.self, "repro", "--on", "slurm", "--sbatch", "--partition=none").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "invalid partition specified: none")
	require.NoError(t, os.WriteFile(filepath.Join(beside, "bad"), nil, 0o666))
	out, err = r.command(r.self, "repro", "--on", "slurm", "b").CombinedOutput()
	require.Error(t, err)
	assert.Regexp(t, `ERROR: failed to reproduce 'b': on worker \d+_\d+ on node\d of slurm: failed to run: .*exited with 7; its log is \S+\.log`, string(out))
	require.NoError(t, os.Remove(filepath.Join(beside, "bad")))

	// Ctrl-C ends the jobs.
	os.Remove(filepath.Join(beside, "begun"))
	require.NoError(t, os.WriteFile(filepath.Join(beside, "hold"), nil, 0o666))
	cmd := r.command(r.self, "repro", "--on", "slurm")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	begun := func() bool { _, err := os.Stat(filepath.Join(beside, "begun")); return err == nil }
	require.NoError(t, cmd.Start())
	require.Eventually(t, begun, time.Minute, 10*time.Millisecond, "%s", &text)
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return len(s.Jobs("")) == 0 }, time.Minute, 100*time.Millisecond)
	assert.Empty(t, r.run("git", "for-each-ref", "refs/reprodl"), text.String())

	// A job is killed, which Slurm does not repeat: this does.
	require.NoError(t, os.Remove(filepath.Join(beside, "begun")))
	cmd = exec.Command(cmd.Path, append(cmd.Args[1:], "-j", "4", "--need", "cpus=1,time=5m")...)
	cmd.Dir, cmd.Env = r.dir, r.env
	text.Reset()
	cmd.Stdout, cmd.Stderr = &text, &text
	require.NoError(t, cmd.Start())
	require.Eventually(t, begun, time.Minute, 10*time.Millisecond, "%s", &text)
	require.True(t, s.KillJob())
	require.NoError(t, os.Remove(filepath.Join(beside, "hold")))
	require.NoError(t, cmd.Wait(), text.String())
	assert.Equal(t, lock, readFile(t, filepath.Join(r.dir, "dvc.lock")))
	assert.Contains(t, text.String(), "b | from b\n")
	assert.Contains(t, r.dvc("status"), "up to date")
	assert.Empty(t, strings.TrimSpace(r.run("git", "for-each-ref", "refs/reprodl", "refs/exps")))
	if dvc := os.Getenv("REPRODL_DVC"); dvc != "" {
		assert.Contains(t, r.run(dvc, "status"), "Data and pipelines are up to date.")
	}
}
