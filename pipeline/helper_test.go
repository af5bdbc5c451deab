package pipeline_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

// TestMain lets the test binary be a program that runs Repro in its working
// directory, which a test can kill.
func TestMain(m *testing.M) {
	if os.Getenv("REPRODL_TEST_REPRO") != "" {
		os.Exit(helper())
	}
	if os.Getenv("REPRODL_TEST_MAIN") != "" {
		flag.Parse()
		if err := userProgram(flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
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
	cmd.Env = append(repotest.Env(filepath.Join(dir, ".dvc", "tmp")), fmt.Sprint("REPRODL_TEST_REPRO=", jobs))
	return cmd
}

// repoAt opens dir with the environment of tests.
func repoAt(t testing.TB, dir string) *pipeline.Repo {
	t.Helper()
	repo, err := pipeline.Open(dir, &pipeline.Options{Env: repotest.Env(filepath.Join(dir, ".dvc", "tmp"))})
	require.NoError(t, err)
	return repo
}
