package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/examples/internal/dvctest"
)

// agreements are the commands whose answers are compared at the end of a step,
// and what is in them: what both got wrong in the same way would go unnoticed.
// The columns State and Executor tell of our queue, which DVC doesn't know.
var agreements = map[string][]struct{ args, want string }{
	"Prerequisites": {
		{"status", "Data and pipelines are up to date."}, {"dag", "data/ESC-50.dvc"},
	},
	"Step 0: create simulation folder.": {
		{"status", "Data and pipelines are up to date."},
	},
	"Step 1: configure parameters.": {
		{"params diff", ""},
	},
	"Step 2: initialize dvc pipeline.": {
		{"status", "Data and pipelines are up to date."}, {"dag", "| train |"}, {"repro", "Stage 'train' didn't change, skipping"},
	},
	"Step 3: configure metrics.": {
		{"status", "train:"}, {"dag", "| train |"}, {"repro --dry", "> ./train"}, {"metrics show", "stages.train.accuracy"},
	},
	"Step 5: insert checkpoints.": {
		{"status", "train:"}, {"repro --dry", "> ./train"}, {"metrics show", "train_loss"},
	},
	"Step 6: do experiments.": {
		{"status", "Data and pipelines are up to date."}, {"repro", "Stage 'train' didn't change, skipping"},
		{"metrics show", "val_acc"}, {"exp show --csv --drop ^(State|Executor)$", "half_the_filters"}, {"exp list --name-only", "first_train"},
	},
	"Step 7: commit results.": {
		{"status", "Data and pipelines are up to date."}, {"repro", "Stage 'train' didn't change, skipping"},
		{"dag", "experiments-data.dvc"}, {"metrics show", "val_acc"}, {"exp show --csv --all-commits --drop ^(State|Executor)$", "more_epochs"},
		{"exp list --all-commits --name-only", "first_train"},
	},
}

// TestRealDVCAgreesAfterEachStep: wherever a reader stops, DVC and our program
// say the same of the workspace.
func TestRealDVCAgreesAfterEachStep(t *testing.T) {
	dvc, reprodl := dvctest.Find(t), filepath.Join(t.TempDir(), "reprodl.exe")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", reprodl, "../reprodl")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("DVC_NO_ANALYTICS", "1")
	t.Setenv("DVC_SITE_CACHE_DIR", t.TempDir())

	dir := newWorkspace(t, tinyParams)
	answer := func(program, args string) string {
		cmd := exec.CommandContext(t.Context(), program, strings.Fields(args)...)
		cmd.Dir = dir
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		require.NoError(t, err, "%s %s: %s", program, args, stderr.String())
		return comparable(string(text), strings.HasPrefix(args, "exp list"))
	}
	var printed bytes.Buffer
	seen := 0
	w := &walk{dir: dir, data: tinyData(t), out: &printed, after: func(step string) error {
		seen++
		for _, a := range agreements[step] {
			theirs := answer(dvc, a.args)
			assert.Contains(t, theirs, a.want, "%s: dvc %s", step, a.args)
			assert.Equal(t, theirs, answer(reprodl, a.args), "%s: %s", step, a.args)
		}
		return nil
	}}
	require.NoError(t, w.run(t.Context()), printed.String())
	assert.Len(t, agreements, seen)

	page := filepath.Join(t.TempDir(), "plots")
	answer(dvc, "plots show -o "+page)
	html, err := os.ReadFile(filepath.Join(page, "index.html"))
	require.NoError(t, err)
	for _, plot := range []string{"train_loss", "val_acc", "Confusion matrix", "Recall by class", "clips/beeps.png"} {
		assert.Contains(t, strings.ReplaceAll(string(html), "_clips_", "/clips/"), plot)
	}
}

// comparable leaves out blanks that only fill lines, and the order of those
// that have none.
func comparable(text string, unordered bool) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \r\n"))
	}
	if unordered {
		slices.Sort(lines)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
