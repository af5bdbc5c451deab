package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

// chainOf makes a chain of n stages that are Go functions, each of which copies
// the file of the one before, so that what is measured is not the shell.
func chainOf(b *testing.B, n int) (dir string, repo *pipeline.Repo) {
	dir = repotest.New(b, map[string]string{"f0": "x\n"})
	stages := make([]pipeline.Stage, n)
	for i := range stages {
		from, to := fmt.Sprintf("f%d", i), fmt.Sprintf("f%d", i+1)
		stages[i] = pipeline.Stage{
			Name: fmt.Sprintf("s%d", i), Cmd: []string{"cat " + from + " > " + to},
			Deps: []string{from}, Outs: []pipeline.Out{{Path: to}},
			Run: func(context.Context) error {
				data, err := os.ReadFile(filepath.Join(dir, from))
				if err != nil {
					return err
				}
				return os.WriteFile(filepath.Join(dir, to), data, 0o666)
			},
		}
	}
	repo, err := repoAt(b, dir).Define("", stages...)
	require.NoError(b, err)
	return dir, repo
}

// BenchmarkFirstRun runs a chain of 500 stages that never ran.
func BenchmarkFirstRun(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		_, repo := chainOf(b, 500)
		b.StartTimer()
		_, err := repo.Repro(b.Context(), nil)
		require.NoError(b, err)
	}
}

// BenchmarkNoop finds a chain of 500 stages up to date.
func BenchmarkNoop(b *testing.B) {
	dir, repo := chainOf(b, 500)
	_, err := repo.Repro(b.Context(), nil)
	require.NoError(b, err)
	require.NoError(b, repo.WriteProject(b.Context()))
	for b.Loop() {
		_, err := repoAt(b, dir).Repro(b.Context(), nil)
		require.NoError(b, err)
	}
}

// BenchmarkStatus is the same for Status.
func BenchmarkStatus(b *testing.B) {
	dir, repo := chainOf(b, 500)
	_, err := repo.Repro(b.Context(), nil)
	require.NoError(b, err)
	require.NoError(b, repo.WriteProject(b.Context()))
	for b.Loop() {
		list, err := repoAt(b, dir).Status(b.Context(), nil)
		require.NoError(b, err)
		require.Empty(b, list)
	}
}
