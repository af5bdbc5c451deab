package live_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// dvc runs the real dvc in the working directory and returns its output.
func dvc(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(filepath.Join(filepath.Dir(peerPython(t)), "dvc"), args...)
	cmd.Env = peerEnv(t)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	require.NoError(t, err, "dvc %v: %s", args, &log)
	return out
}

func logThree(t *testing.T, l *live.Logger) {
	t.Helper()
	for range 3 {
		l.Log("train/loss", 1/float64(l.Step()+1))
		require.NoError(t, l.LogValue("count", l.Step(), nil))
		require.NoError(t, l.NextStep())
	}
	require.NoError(t, l.Close())
}

// TestRealDVCReads runs DVC's own commands on a directory that this package
// wrote.
func TestRealDVCReads(t *testing.T) {
	peerPython(t)
	work := t.TempDir()
	gitInit(t, work)
	t.Chdir(work)
	dvc(t, "init", "-q")
	l, err := live.Open("", quiet(live.Options{}))
	require.NoError(t, err)
	require.NoError(t, l.LogParams(ordered.New("lr", 0.1, "net", ordered.New("layers", []int{4, 2}))))
	require.NoError(t, l.LogPlot("curve", []*ordered.Map{ordered.New("x", 1, "y", 0.5)}, live.Plot{X: "x", Y: "y"}))
	require.NoError(t, l.LogSklearnPlot(live.ConfusionMatrix, []string{"a", "b"}, []string{"a", "a"}, nil))
	require.NoError(t, os.WriteFile("model.bin", []byte("weights"), 0o666))
	require.NoError(t, l.LogArtifact(t.Context(), "model.bin", &live.ArtifactOptions{Type: "model"}))
	logThree(t, l)

	var metrics map[string]struct {
		Data map[string]struct{ Data map[string]any }
	}
	require.NoError(t, json.Unmarshal(dvc(t, "metrics", "show", "--json"), &metrics))
	assert.Equal(t, map[string]any{"train": map[string]any{"loss": 1.0 / 3}, "count": 2.0, "step": 2.0},
		metrics[""].Data[filepath.Join("dvclive", "metrics.json")].Data)

	var plots struct{ Data map[string]any }
	require.NoError(t, json.Unmarshal(dvc(t, "plots", "show", "--json", "-o", "page"), &plots))
	text, err := json.Marshal(plots)
	require.NoError(t, err)
	for _, want := range []string{"train/loss.tsv", "count.tsv", "curve.json", "confusion_matrix.json"} {
		assert.Contains(t, string(text), want)
	}

	csv := string(dvc(t, "exp", "show", "--csv"))
	assert.Contains(t, csv, "train.loss")
	assert.Contains(t, csv, "0.1")

	assert.Equal(t, "Data and pipelines are up to date.\n", string(dvc(t, "status")))
	require.NoError(t, os.Remove("model.bin"))
	dvc(t, "checkout", "-q", "model.bin.dvc")
	data, err := os.ReadFile("model.bin")
	require.NoError(t, err)
	assert.Equal(t, "weights", string(data), "from the cache")
}

// TestResumeEachOther lets the real dvclive continue our run, and us its.
func TestResumeEachOther(t *testing.T) {
	python := peerPython(t)
	t.Chdir(t.TempDir())
	l, err := live.Open("", quiet(live.Options{}))
	require.NoError(t, err)
	require.NoError(t, l.LogParam("lr", 0.1))
	logThree(t, l)
	const theirs = `
from dvclive import Live
live = Live(resume=True, save_dvc_exp=False)
assert live.step == 3, live.step
live.log_param("theirs", True)
for _ in range(3):
    live.log_metric("train/loss", 1 / (live.step + 1))
    live.log_metric("count", live.step)
    live.next_step()
live.end()
`
	cmd := exec.Command(python, "-c", theirs)
	cmd.Env = peerEnv(t)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	l, err = live.Open("", quiet(live.Options{Resume: true}))
	require.NoError(t, err)
	require.Equal(t, 6, l.Step())
	require.NoError(t, l.LogParam("ours", nil))
	logThree(t, l)
	n := 0
	for p, err := range live.Points(os.DirFS("dvclive"), "train/loss") {
		require.NoError(t, err)
		assert.Equal(t, live.Point{Step: n, Value: 1 / float64(n+1), Text: p.Text}, p)
		n++
	}
	assert.Equal(t, 9, n)
	params, err := os.ReadFile("dvclive/params.yaml")
	require.NoError(t, err)
	assert.Equal(t, "lr: 0.1\ntheirs: true\nours:\n", string(params))
	summary, err := live.Summary(os.DirFS("dvclive"))
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"train": map[string]any{"loss": 1.0 / 9}, "count": int64(8), "step": int64(8)}, summary)
}

// TestSaveWithExperiment saves a run through package experiment and has the real
// dvc show it.
func TestSaveWithExperiment(t *testing.T) {
	peerPython(t)
	work := t.TempDir()
	gitInit(t, work)
	t.Chdir(work)
	l, err := live.Open("", quiet(live.Options{Save: saveExperiment, ExpName: "first-try", ExpMessage: "why"}))
	require.NoError(t, err)
	require.NoError(t, l.LogParam("lr", 0.25))
	logThree(t, l)
	ref := strings.TrimSpace(gitOutput(t, "for-each-ref", "--format=%(refname)", "refs/exps/*/*/first-try"))
	require.NotEmpty(t, ref)
	assert.Equal(t, "why\n", gitOutput(t, "log", "-1", "--format=%s", ref))
	files := gitOutput(t, "ls-tree", "-r", "--name-only", ref)
	for _, want := range []string{".dvc/config", ".dvc/.gitignore", ".dvcignore", "dvc.yaml", "dvclive/metrics.json", "dvclive/params.yaml", "dvclive/plots/metrics/train/loss.tsv"} {
		assert.Contains(t, files, want+"\n")
	}
	csv := string(dvc(t, "exp", "show", "--csv"))
	assert.Contains(t, csv, "first-try")
	assert.Contains(t, csv, "0.25")
}
