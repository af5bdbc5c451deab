package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
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

// tinyParams is the course's file but for the number of filters.
var tinyParams = strings.Replace(courseParams, "base_filters: 32", "base_filters: 2", 1)

const courseParams = `train:
  data_path: "data/ESC-50"
  base_filters: 32
  n_classes: 50
  batch_size: 8
  gpus: 1
  max_epochs: 1
  seed: 42
`

// tinyData is a data set of ESC-50's layout with 50 short clips.
func tinyData(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, esc50.Synthesize(context.Background(), dir, &esc50.SynthOptions{ClipsPerFold: 1, Seconds: 0.5}))
	return dir
}

// newWorkspace is a directory whose params.yaml the user has already written.
func newWorkspace(t *testing.T, params string) string {
	dir := filepath.Join(t.TempDir(), "ws")
	require.NoError(t, os.Mkdir(dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(params), 0o666))
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

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}

// courseFiles are what the course's text names, in the order in which its steps
// make them.
var courseFiles = []struct{ step, file string }{
	{"Prerequisites", "data/ESC-50/meta/esc50.csv"},
	{"Step 0: create simulation folder.", "experiments-data"},
	{"Step 1: configure parameters.", "params.yaml"},
	{"Step 2: initialize dvc pipeline.", "dvc.yaml"},
	{"Step 2: initialize dvc pipeline.", "dvc.lock"},
	{"Step 3: configure metrics.", "summary.json"},
	{"Step 5: insert checkpoints.", "logs/train_loss.tsv"},
	{"Step 5: insert checkpoints.", "logs.json"},
	{"Step 5: insert checkpoints.", "logs.html"},
	{"Step 7: commit results.", "experiments-data.dvc"},
}

// courseCommands are those of the course's text, with our program for dvc and
// train.py.
var courseCommands = []string{
	"mkdir experiments-data",
	"vi params.yaml",
	"reprodl run --force -n train -d data/ESC-50 -d train -o model.bin -p train ./train",
	"reprodl dag",
	"reprodl exp run -n first_train",
	"reprodl repro",
	"reprodl exp show",
	"reprodl add experiments-data",
	"git add experiments-data.dvc",
	`git commit -m "Committing the first experiment."`,
}

// walkBits are the first bytes of the SHA-256 of results: everybody's walk over
// the tiny data leaves the same. CHANGELOG.md tells of every change.
var walkBits = map[string]string{
	"first_train/model.bin":           "b7ca7019e7aca807",
	"first_train/logs/train_loss.tsv": "f0df67a43bb0ce97",
	"more_epochs/model.bin":           "fbed0513b5b76636",
	"more_epochs/logs.json":           "37a79e77df0ca767",
	"half_the_filters/model.bin":      "fb18f0147f830002",
}

func TestWalk(t *testing.T) {
	dir, data := newWorkspace(t, tinyParams), tinyData(t)

	first := walked(t, dir, data)
	rest := first
	for _, s := range steps {
		_, after, found := strings.Cut(rest, "\n"+s.title+"\n")
		require.True(t, found, "%s in\n%s", s.title, rest)
		rest = after
	}
	rest = first
	for _, command := range courseCommands {
		_, after, found := strings.Cut(rest, "\n$ "+strings.ReplaceAll(command, "./train", workspace.Command)+"\n")
		require.True(t, found, "%s in\n%s", command, rest)
		rest = after
	}
	for _, f := range courseFiles {
		_, err := os.Stat(filepath.Join(dir, f.file))
		assert.NoError(t, err)
	}
	assert.Contains(t, first, "gpus is 1, but no accelerator is used here: the CPU trains.\n")
	assert.Contains(t, first, "n_classes is 50, but the data has 10: ")
	assert.Contains(t, first, "\treprodl exp apply more_epochs\n")
	// The first run warns, as DVC's does, of outputs that none has made yet.
	warned := regexp.MustCompile(`WARN: No file hash info found for '.*'\. It won't be created\.\n`)
	assert.NotRegexp(t, "WARN|ERROR|\tdvc ", warned.ReplaceAllString(first, ""))
	assert.Regexp(t, `^\{"stages": \{"train": \{"accuracy": [0-9.]+\}\}\}\n$`, read(t, dir, summaryFile))
	assert.Regexp(t, "^step\ttrain_loss\r\n0\t", read(t, dir, "logs/train_loss.tsv"))
	for _, name := range []string{"first_train", "more_epochs", "half_the_filters"} {
		for _, file := range append([]string{"logs/plots/images/clips/beeps.png"}, resultFiles...) {
			assert.True(t, workspace.Has(dir, "experiments-data/"+name+"/"+file), "%s of %s", file, name)
		}
	}
	assert.Equal(t, read(t, dir, modelFile), read(t, dir, "experiments-data/first_train/model.bin"))
	for name, want := range walkBits {
		sum := sha256.Sum256([]byte(read(t, dir, "experiments-data/"+name)))
		assert.Equal(t, want, hex.EncodeToString(sum[:8]), name)
	}
	assert.Equal(t, tinyParams, read(t, dir, paramsFile), "the user's file stays")
	inGit(t, dir, "data/ESC-50.dvc", "experiments-data.dvc", "params.yaml", "dvc.yaml", "dvc.lock", "logs.json", ".gitignore")

	t.Run("again", func(t *testing.T) {
		before := tree(t, dir)
		second := walked(t, dir, data)
		assert.Contains(t, second, "Stage 'train' didn't change, skipping\nData and pipelines are up to date.\n")
		assert.Contains(t, second, "Everything was done before: this run changed nothing.\n")
		assert.NotContains(t, second, "Running stage")
		same(t, before, tree(t, dir))
	})
	t.Run("from scratch", func(t *testing.T) {
		other := newWorkspace(t, tinyParams)
		walked(t, other, data)
		same(t, tree(t, dir), tree(t, other)) // no byte depends on time, place or chance
	})
	t.Run("changed parameter", func(t *testing.T) {
		changed := strings.Replace(tinyParams, "seed: 42", "seed: 43", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, paramsFile), []byte(changed), 0o666))
		out := walked(t, dir, data)
		assert.Contains(t, out, "train: {'seed': 42} -> {'seed': 43}")
		assert.Contains(t, out, "Running stage 'train':")
		assert.Regexp(t, `git commit -m "Committing [a-z-]+\."`, out)
		found, err := filepath.Glob(filepath.Join(dir, resultsDir, "*"))
		require.NoError(t, err)
		assert.Len(t, found, 4)
		assert.Equal(t, changed, read(t, dir, paramsFile))
		inGit(t, dir, "data/ESC-50.dvc", "experiments-data.dvc", "params.yaml")
	})
}

// inGit checks that git has these files, nothing of the data and results, and
// nothing left to commit.
func inGit(t *testing.T, dir string, want ...string) {
	t.Helper()
	tracked, err := workspace.Git(t.Context(), dir, "ls-files")
	require.NoError(t, err)
	assert.Subset(t, strings.Fields(tracked), want)
	assert.NotRegexp(t, `(?m)^(data/ESC-50/|experiments-data/|logs/|train)`, tracked)
	changed, err := workspace.Git(t.Context(), dir, "status", "--porcelain")
	require.NoError(t, err)
	assert.Empty(t, changed)
}

// tree is the content of all files that are about the trainings, by name.
func tree(t *testing.T, dir string) map[string]string {
	files := map[string]string{}
	for _, top := range append([]string{"dvc.lock", "dvc.yaml", resultsDir, resultsDir + ".dvc"}, resultFiles...) {
		err := filepath.WalkDir(filepath.Join(dir, top), func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(dir, name)
			files[filepath.ToSlash(rel)] = read(t, dir, rel)
			return err
		})
		require.NoError(t, err)
	}
	require.Greater(t, len(files), 60)
	return files
}

// same names the files that differ; some are megabytes.
func same(t *testing.T, want, got map[string]string) {
	t.Helper()
	assert.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(got)))
	for name, text := range want {
		if got[name] != text {
			at := 0
			for at < min(len(text), len(got[name])) && text[at] == got[name][at] {
				at++
			}
			t.Errorf("%s differs from byte %d: %.60q, %.60q", name, at, text[at:], got[name][at:])
		}
	}
}

// TestCourseParams: what the walk writes is the course's file to the letter.
func TestCourseParams(t *testing.T) {
	text, err := workspace.Text(templates, "workspace/params.yaml")
	require.NoError(t, err)
	assert.Equal(t, courseParams, text)
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

	out := walked(t, newWorkspace(t, tinyParams), part)
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
		{name: "unknown parameter", params: tinyParams + "  sede: 1\n", want: []string{"params.yaml:9", "sede"}},
		{name: "wrong type", params: strings.Replace(tinyParams, "8", "eight", 1), want: []string{"params.yaml:5", "batch_size"}},
		{name: "out of range", params: strings.Replace(tinyParams, "8", "-8", 1), want: []string{"params.yaml", "batch_size"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, data := newWorkspace(t, test.params), test.data
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
