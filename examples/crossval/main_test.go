package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/dvctest"
	"github.com/reprodl/reprodl/examples/internal/workspace"
)

// TestMain lets the test binary be the program of the stages.
func TestMain(m *testing.M) {
	if workspace.Installed(os.Args[0]) {
		main()
		return
	}
	os.Exit(m.Run())
}

func validated(t *testing.T, args ...string) string {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	var out strings.Builder
	require.NoError(t, run(context.Background(), append([]string{"crossval"}, args...), &out), out.String())
	return out.String()
}

func TestCrossValidation(t *testing.T) {
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "ws")
	require.NoError(t, esc50.Synthesize(context.Background(), data, &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.5}))
	args := []string{"-data", data, "-dir", dir, "-recipe", "improved", "-S", "train.base_filters=1", "-S", "train.max_epochs=1"}

	first := validated(t, append(args, "-folds", "2,5", "-seeds", "1")...)
	assert.Contains(t, first, "Running stage 'fold@1-5'")
	assert.Contains(t, first, "mean over 2 trainings")
	assert.Contains(t, first, "[improved]")

	second := validated(t, append(args, "-folds", "2,5", "-seeds", "1")...)
	assert.Contains(t, second, "improved is there already")
	assert.NotContains(t, second, "Running stage")

	third := validated(t, append(args, "-folds", "2,5", "-seeds", "1,2", "-name", "more")...)
	assert.NotContains(t, third, "Running stage 'fold@1-", "they come from the run cache")
	assert.Contains(t, third, "Running stage 'fold@2-5'")
	assert.Contains(t, third, "mean over 4 trainings")

	// What the experiment holds is in git, for everybody.
	text, err := workspace.Git(t.Context(), dir, "show", refOf(t, dir, "more")+":crossval.json")
	require.NoError(t, err)
	var metrics map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &metrics))
	assert.Contains(t, metrics, "last_five")
	assert.Contains(t, metrics["seed2"], "fold5")

	t.Run("real DVC", func(t *testing.T) {
		dvc := dvctest.Find(t)
		cmd := exec.Command(dvc, "exp", "show", "--json")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+t.TempDir())
		out, err := cmd.Output()
		require.NoError(t, err)
		assert.Contains(t, string(out), `"last_five"`)
	})
}

// canceller cancels when it is written the text.
type canceller struct {
	strings.Builder
	text   string
	cancel context.CancelFunc
}

func (c *canceller) Write(p []byte) (int, error) {
	n, err := c.Builder.Write(p)
	if strings.Contains(c.String(), c.text) {
		c.cancel()
	}
	return n, err
}

func TestInterruptedCrossValidationContinues(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	data, dir := t.TempDir(), filepath.Join(t.TempDir(), "ws")
	require.NoError(t, esc50.Synthesize(context.Background(), data, &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.5}))
	args := []string{"-data", data, "-dir", dir, "-folds", "1,2", "-jobs", "1", "-S", "train.base_filters=1", "-S", "train.max_epochs=1"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	out := &canceller{text: "Running stage 'fold@42-2'", cancel: cancel}
	require.ErrorIs(t, run(ctx, append([]string{"crossval"}, args...), out), context.Canceled, out.String())

	again := validated(t, args...)
	assert.NotContains(t, again, "Running stage 'fold@42-1'", "it was finished before")
	assert.Contains(t, again, "Running stage 'fold@42-2'")
	assert.Contains(t, again, "mean over 2 trainings")
}

// refOf is the reference of an experiment.
func refOf(t *testing.T, dir, name string) string {
	refs, err := workspace.Git(t.Context(), dir, "for-each-ref", "--format=%(refname)", "refs/exps")
	require.NoError(t, err)
	for ref := range strings.FieldsSeq(refs) {
		if strings.HasSuffix(ref, "/"+name) {
			return ref
		}
	}
	t.Fatalf("no experiment %s in %s", name, refs)
	return ""
}

func TestRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"not a complete ESC-50 data set": {"-data", t.TempDir()},
		"course or improved":             {"-recipe", "best"},
		"not defined":                    {"-no-such-flag"},
	} {
		args = append([]string{"crossval", "-dir", t.TempDir()}, args...)
		assert.ErrorContains(t, run(context.Background(), args, new(strings.Builder)), want)
	}
}

func TestStageRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("params.yaml", []byte("folds: [1]\n"), 0o666))
	for want, args := range map[string][]string{
		"usage:":        {},
		"parsing \"x\"": {"fold", "1", "x"},
		"seed9-fold1":   {"summary"},
		"features.bin":  {"fold", "1", "1"},
		"data/ESC-50":   {"features"},
	} {
		if want == "seed9-fold1" {
			require.NoError(t, os.WriteFile("params.yaml", []byte("seeds: [9]\nfolds: [1]\n"), 0o666))
		}
		assert.ErrorContains(t, runStage(t.Context(), args, new(strings.Builder)), want)
	}
}
