package main

import (
	"bytes"
	"context"
	"io/fs"
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

// TestMain lets the test binary be the training program that the walk installs.
func TestMain(m *testing.M) {
	if workspace.Installed(os.Args[0]) {
		main()
		return
	}
	os.Exit(m.Run())
}

const tinyParams = `# small enough for a test
train:
  data_path: experiments-data
  base_filters: 2
  n_classes: 10
  batch_size: 8
  gpus: 0
  max_epochs: 2
  seed: 42
`

// tinyData is a data set of ESC-50's layout with 50 short clips.
func tinyData(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, esc50.Synthesize(context.Background(), dir, &esc50.SynthOptions{ClipsPerFold: 1, Seconds: 0.5}))
	return dir
}

// newWorkspace is a directory whose params.yaml the user has already written.
func newWorkspace(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "ws")
	require.NoError(t, os.Mkdir(dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(tinyParams), 0o666))
	return dir
}

// walked runs the program on the workspace and returns what it printed.
func walked(t *testing.T, dir, data string) string {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	var out bytes.Buffer
	err := run(context.Background(), []string{"esc50", "-dir", dir, "-data", data}, &out)
	require.NoError(t, err, out.String())
	return out.String()
}

func TestWalk(t *testing.T) {
	dir, data := newWorkspace(t), tinyData(t)

	first := walked(t, dir, data)
	assert.Contains(t, first, "Running stage 'train':\n> ./train\n")
	assert.Contains(t, first, "[first_train]")
	assert.Contains(t, first, "[half_the_filters]")
	assert.FileExists(t, filepath.Join(dir, reportFile))
	assert.Regexp(t, `^\{"stages":\{"train":\{"accuracy":[0-9.]+\}\}\}\n$`, read(t, dir, summaryFile))
	assert.Regexp(t, `^step\ttrain_loss\n0\t`, read(t, dir, "dvclive/plots/metrics/train_loss.tsv"))
	tracked, err := workspace.Git(context.Background(), dir, "ls-files")
	require.NoError(t, err)
	assert.Subset(t, strings.Fields(tracked), []string{"experiments-data.dvc", "params.yaml", "dvc.yaml", ".gitignore"})
	assert.NotContains(t, tracked, "experiments-data/")

	t.Run("again", func(t *testing.T) {
		before := read(t, dir, "dvc.lock")
		second := walked(t, dir, data)
		assert.Contains(t, second, "Stage 'train' didn't change, skipping")
		assert.NotContains(t, second, "Running stage")
		assert.Equal(t, before, read(t, dir, "dvc.lock"))
		assert.Equal(t, tinyParams, read(t, dir, paramsFile), "the user's file stays")
	})
	t.Run("from scratch", func(t *testing.T) {
		other := newWorkspace(t)
		walked(t, other, data)
		for _, name := range results(t, dir) {
			assert.Equal(t, read(t, dir, name), read(t, other, name), name)
		}
	})
	t.Run("real DVC", func(t *testing.T) { agreesWithDVC(t, dir) })
	t.Run("changed parameter", func(t *testing.T) {
		changed := strings.Replace(tinyParams, "seed: 42", "seed: 43", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(changed), 0o666))
		out := walked(t, dir, data)
		assert.Contains(t, out, "train: {'seed': 42} -> {'seed': 43}")
		assert.Contains(t, out, "Running stage 'train':")
	})
}

// results lists what a training makes, less the report, which names paths.
func results(t *testing.T, dir string) []string {
	names := []string{modelFile, summaryFile, "dvc.lock"}
	root := os.DirFS(dir)
	require.NoError(t, fs.WalkDir(root, liveDir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != reportFile {
			names = append(names, name)
		}
		return err
	}))
	require.Greater(t, len(names), 6)
	return names
}

func agreesWithDVC(t *testing.T, dir string) {
	dvc := dvctest.Find(t)
	for _, check := range []struct{ args, want string }{
		{"status", "Data and pipelines are up to date.\n"},
		{"repro", "Stage 'train' didn't change, skipping"},
		{"exp show --md", "[first_train]"},
		{"dag", "| train |"},
		{"metrics show", "dvclive/metrics.json"},
		{"plots show", "index.html"},
	} {
		cmd := exec.Command(dvc, strings.Fields(check.args)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+t.TempDir())
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, "dvc %s: %s", check.args, stderr.String())
		assert.Contains(t, string(out), check.want, "dvc %s", check.args)
	}
}

func TestWalkOnPartOfESC10(t *testing.T) {
	d, err := esc50.OpenPath("../../../shared/esc10")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("no real clips here: ", err)
	}
	defer d.Close()
	count := map[[2]int]int{}
	part := t.TempDir()
	require.NoError(t, d.Subset(func(c esc50.Clip) bool { // one of each class and fold
		key := [2]int{c.Fold, c.Target}
		count[key]++
		return count[key] == 1
	}).Copy(context.Background(), part, nil))

	dir := newWorkspace(t)
	params := strings.Replace(tinyParams, "n_classes: 10", "n_classes: 50", 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(params), 0o666))
	out := walked(t, dir, part)
	assert.Contains(t, out, "[first_train]")
	assert.Contains(t, out, "copying clips: 50 done")
}

func TestWalkErrors(t *testing.T) {
	for _, test := range []struct {
		name, params, data string
		damage             func(t *testing.T, data string)
		want               []string
	}{
		{name: "no such data", params: tinyParams, data: "nowhere", want: []string{"nowhere", "get ESC-50"}},
		{name: "a clip is missing", params: tinyParams, damage: func(t *testing.T, data string) {
			require.NoError(t, os.Remove(filepath.Join(data, "audio/1-100000-A-0.wav")))
		}, want: []string{"1-100000-A-0.wav", "get ESC-50"}},
		{name: "unknown parameter", params: tinyParams + "  sede: 1\n", want: []string{"params.yaml:10", "sede"}},
		{name: "wrong type", params: strings.Replace(tinyParams, "8", "eight", 1), want: []string{"params.yaml:6", "batch_size"}},
		{name: "out of range", params: strings.Replace(tinyParams, "8", "-8", 1), want: []string{"params.yaml", "batch_size"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := newWorkspace(t)
			require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(test.params), 0o666))
			data := test.data
			if data == "" {
				data = tinyData(t)
			}
			if test.damage != nil {
				test.damage(t, data)
			}
			err := run(context.Background(), []string{"esc50", "-dir", dir, "-data", data}, &bytes.Buffer{})
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestTrainWithoutParams(t *testing.T) {
	t.Chdir(t.TempDir())
	err := train(context.Background(), &bytes.Buffer{})
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, paramsFile)
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}
