package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline"
)

// TestMain lets the test binary be a program that runs Repro in its working
// directory, which a test can kill.
func TestMain(m *testing.M) {
	if os.Getenv("REPRODL_TEST_REPRO") != "" {
		os.Exit(helper())
	}
	os.Exit(m.Run())
}

func helper() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	jobs, _ := strconv.Atoi(os.Getenv("REPRODL_TEST_REPRO"))
	repo, err := pipeline.Open(".", &pipeline.Options{Stdout: os.Stdout, Stderr: os.Stderr})
	if err == nil {
		_, err = repo.Repro(ctx, &pipeline.ReproOptions{Jobs: jobs})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		return 1
	}
	return 0
}

// helperCommand is the helper, to be started in dir.
func helperCommand(dir string, jobs int) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Dir = dir
	cmd.Env = append(testEnv(filepath.Join(dir, ".dvc", "tmp")), fmt.Sprint("REPRODL_TEST_REPRO=", jobs))
	return cmd
}

// newRepo makes a repository without git of the given files.
func newRepo(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".dvc"), 0o777))
	write(t, dir, ".dvc/config", "[core]\n    no_scm = true\n")
	for name, text := range files {
		write(t, dir, name, text)
	}
	return dir
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}

// repoAt opens dir with the environment of tests.
func repoAt(t testing.TB, dir string) *pipeline.Repo {
	t.Helper()
	repo, err := pipeline.Open(dir, &pipeline.Options{Env: testEnv(filepath.Join(dir, ".dvc", "tmp"))})
	require.NoError(t, err)
	return repo
}
