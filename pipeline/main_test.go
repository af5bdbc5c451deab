package pipeline_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

// userProgram is what README's program does: the test binary is it where
// REPRODL_TEST_MAIN is set.
func userProgram(args []string) error {
	repo, err := pipeline.Open(".", nil)
	if err != nil {
		return err
	}
	repo, err = repo.Define(os.Getenv("REPRODL_TEST_MAIN"), pipeline.Stage{
		Name: "train", Outs: []pipeline.Out{{Path: "model"}}, Params: []pipeline.Params{{Keys: []string{"lr"}}},
		Run: func(context.Context) error { return os.WriteFile("model", []byte("weights"), 0o666) },
	})
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "write" {
		return repo.WriteProject(context.Background())
	}
	return repo.Main(context.Background(), args)
}

// TestMainInBothRoles runs a program with stages of its own as its user does,
// and by the dvc.yaml that it wrote, with this package and with DVC.
func TestMainInBothRoles(t *testing.T) {
	dir := repotest.New(t, map[string]string{"params.yaml": "lr: 1\n"})
	self := os.Args[0] + " -test.run=^$"
	program := func(env []string, args ...string) error {
		cmd := exec.Command(os.Args[0], append([]string{"-test.run=^$"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(append(repotest.Env(filepath.Join(dir, ".dvc", "tmp")), "REPRODL_TEST_MAIN="+self), env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	require.NoError(t, program(nil))
	assert.Equal(t, "weights", repotest.Read(t, dir, "model"))
	lock := repotest.Read(t, dir, "dvc.lock")
	require.NoError(t, program(nil, "write"))

	// The stage as a command of this package: the same lock.
	require.NoError(t, os.Remove(filepath.Join(dir, "dvc.lock")))
	repo, err := pipeline.Open(dir, &pipeline.Options{Env: append(repotest.Env(filepath.Join(dir, ".dvc", "tmp")), "REPRODL_TEST_MAIN="+self)})
	require.NoError(t, err)
	results, err := repo.Repro(t.Context(), &pipeline.ReproOptions{Force: true})
	require.NoError(t, err)
	assert.Equal(t, pipeline.Ran, results[0].Action)
	assert.Equal(t, lock, repotest.Read(t, dir, "dvc.lock"))

	inStage := []string{"DVC_STAGE=train", "DVC_ROOT=" + dir}
	assert.ErrorContains(t, program(inStage), "expected the name of a stage")
	assert.ErrorContains(t, program(inStage, "nope"), "Stage 'nope' not found")

	if dvc := dvcCommand(); dvc != "" {
		cmd := exec.Command(dvc, "repro", "-f")
		cmd.Dir, cmd.Env = dir, append(repotest.Env(filepath.Join(dir, ".dvc", "tmp")), "REPRODL_TEST_MAIN="+self)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		assert.Equal(t, lock, repotest.Read(t, dir, "dvc.lock"))
	}
}

// TestReproInsideAStage calls Repro from a stage that it would have to run: from
// its function, and from the process of its command.
func TestReproInsideAStage(t *testing.T) {
	dir := repotest.New(t, map[string]string{"params.yaml": "lr: 1\n"})
	stage := pipeline.Stage{Name: "train", Params: []pipeline.Params{{Keys: []string{"lr"}}}, Outs: []pipeline.Out{{Path: "model"}}}
	var repo *pipeline.Repo
	stage.Run = func(ctx context.Context) error {
		_, err := repo.Repro(ctx, nil)
		return err
	}
	repo, err := repoAt(t, dir).Define("prog", stage)
	require.NoError(t, err)
	_, err = repo.Repro(t.Context(), nil)
	var nested *pipeline.NestedError
	require.ErrorAs(t, err, &nested)
	assert.Equal(t, "train", nested.Stage)

	env := append(repotest.Env(dir), "DVC_STAGE=train", "DVC_ROOT="+dir)
	inner, err := pipeline.Open(dir, &pipeline.Options{Env: env})
	require.NoError(t, err)
	inner, err = inner.Define("prog", stage)
	require.NoError(t, err)
	_, err = inner.Repro(t.Context(), nil)
	require.ErrorAs(t, err, &nested)
	assert.ErrorContains(t, err, "Repo.Main")
	// Other stages may be asked for, and stages of other repositories.
	env[len(env)-1] = "DVC_ROOT=" + t.TempDir()
	other, err := pipeline.Open(dir, &pipeline.Options{Env: env})
	require.NoError(t, err)
	stage.Run = func(context.Context) error { return os.WriteFile(filepath.Join(dir, "model"), nil, 0o666) }
	other, err = other.Define("prog", stage)
	require.NoError(t, err)
	_, err = other.Repro(t.Context(), nil)
	require.NoError(t, err)
}
