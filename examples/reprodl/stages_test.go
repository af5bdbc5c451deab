//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stagesYAML is a pipeline whose first stages can run at the same time. A file
// "hold" beside the repository makes stage b wait, and "bad" makes it fail.
const stagesYAML = `stages:
  a: {cmd: cp params.yaml a.txt, params: [lr], outs: [a.txt]}
  b:
    cmd: "echo from b; test ! -e $BESIDE/bad || exit 7; touch $BESIDE/begun; while test -e $BESIDE/hold; do sleep 0.1; done; echo 1 > b.json"
    deps: [in]
    metrics: [{b.json: {cache: false}}]
  c: {cmd: cat a.txt b.json > c.txt, deps: [a.txt, b.json], outs: [c.txt]}
`

// newStageRepo is a repository with stagesYAML, and its dvc.lock after all of it
// ran on one machine.
func newStageRepo(t *testing.T) (r *fleetRepo, lock string) {
	t.Helper()
	r = newFleetRepo(t)
	r.env = append(r.env, "BESIDE="+filepath.Dir(r.dir))
	r.write("dvc.yaml", stagesYAML)
	r.write("in", "in\n")
	r.run("git", "add", "-A")
	r.run("git", "commit", "-qm", "stages")
	r.dvc("repro")
	lock = readFile(t, filepath.Join(r.dir, "dvc.lock"))
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, ".dvc", "cache")))
	r.run("git", "clean", "-qfdx", "-e", ".dvc/tmp")
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(r.dir), "begun")))
	return r, lock
}

// join starts a worker.
func (r *fleetRepo) join(token string, args ...string) {
	r.Helper()
	cmd := r.command(r.self, append([]string{"queue", "join", "-", "--name", "far"}, args...)...)
	cmd.Stdin = strings.NewReader(token + "\n")
	require.NoError(r, cmd.Start())
	r.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

func TestReproOnHub(t *testing.T) {
	r, lock := newStageRepo(t)
	out, err := r.command(r.self, "repro", "--on", "hub").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "queue serve")
	out, err = r.command(r.self, "repro", "--on", "moon").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--on moon: it is hub, slurm, or ssh:HOST,HOST")
	token, _ := r.serve()
	r.join(token, "-j", "2")

	// It fails there.
	beside := filepath.Dir(r.dir)
	require.NoError(t, os.WriteFile(filepath.Join(beside, "bad"), nil, 0o666))
	out, err = r.command(r.self, "repro", "--on", "hub", "b").CombinedOutput()
	require.Error(t, err)
	assert.Regexp(t, `ERROR: failed to reproduce 'b': on worker far/[12] of \S+: failed to run: .*, exited with 7; its log is \S+\.log`, string(out))
	require.NoError(t, os.Remove(filepath.Join(beside, "bad")))

	// It is interrupted here, and ends there.
	require.NoError(t, os.WriteFile(filepath.Join(beside, "hold"), nil, 0o666))
	cmd := r.command(r.self, "repro", "--on", "hub")
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	require.NoError(t, cmd.Start())
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(beside, "begun")); return err == nil }, time.Minute, 10*time.Millisecond)
	assert.Contains(t, r.dvc("queue", "status"), "stage/b")
	assert.NotContains(t, r.dvc("exp", "show", "--no-pager"), "stage/b", "it is no experiment")
	require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
	require.Error(t, cmd.Wait())
	assert.NotContains(t, r.dvc("queue", "status"), "stage/b", text.String())
	require.NoError(t, os.Remove(filepath.Join(beside, "hold")))

	// A change that is not committed, and then what was committed.
	r.write("params.yaml", "lr: 5\n")
	said := r.dvc("repro", "--on", "hub", "--need", "cpus=1")
	assert.Contains(t, said, "b | from b\n")
	assert.Equal(t, "lr: 5\n1\n", readFile(t, filepath.Join(r.dir, "c.txt")))
	r.write("params.yaml", "lr: 1\n")
	r.dvc("repro", "--on", "hub", "-j", "2")
	assert.Equal(t, lock, readFile(t, filepath.Join(r.dir, "dvc.lock")))
	assert.Contains(t, r.dvc("status"), "up to date")
	assert.Empty(t, r.run("git", "for-each-ref", "refs/reprodl", "refs/exps"))
}
