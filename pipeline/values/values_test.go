package values_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/values"
)

// metricsFiles declares metrics in every way.
var metricsFiles = map[string]string{
	"dvc.yaml": "stages:\n  s:\n    cmd: 'true'\n    params: [lr, model.depth]\n    metrics:\n    - m.json: {cache: false}\n    - cached.json\n" +
		"metrics: [more, gone.json]\n",
	"params.yaml":    "lr: 0.1\nmodel: {depth: 3, width: [1, 2]}\n",
	"m.json":         `{"acc": 0.5, "n": {"t": true, "z": null, "l": [1]}, "empty": {}}`,
	"cached.json":    `{"loss": 1}`,
	"more/a.yaml":    "x: 1\n",
	"more/broken.js": "",
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := pyjson.Marshal(v, pyjson.Style{})
	require.NoError(t, err)
	return string(out)
}

func shown(t *testing.T, files []values.FileValues) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, f := range files {
		if f.Err != nil {
			m[f.Path] = f.Err.Type + ": " + f.Err.Msg
		} else {
			m[f.Path] = text(t, f.Data)
		}
	}
	return m
}

func TestMetrics(t *testing.T) {
	ctx := context.Background()
	dir := repotest.NewGit(t, metricsFiles)
	repo := repoAt(t, dir)
	all, err := values.Metrics(ctx, repo, nil)
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Empty(t, all[0].Rev)
	assert.Equal(t, map[string]string{
		"m.json": `{"acc": 0.5, "n": {"t": true}}`, "cached.json": `{"loss": 1}`, "more/a.yaml": `{"x": 1}`, "more/broken.js": "{}",
		"gone.json": "FileNotFoundError: [Errno 2] No such file or directory: 'gone.json'",
	}, shown(t, all[0].Files))

	one, err := values.Metrics(ctx, repo, &values.ShowOptions{Targets: []string{"more/a.yaml"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"more/a.yaml": `{"x": 1}`}, shown(t, one[0].Files))

	repotest.Write(t, dir, "m.json", `{"acc": 0.75}`)
	revs, err := values.Metrics(ctx, repo, &values.ShowOptions{Revisions: values.Revisions{AllBranches: true}})
	require.NoError(t, err)
	require.Len(t, revs, 2)
	assert.Equal(t, []string{"workspace", "main"}, []string{revs[0].Rev, revs[1].Rev})
	assert.Equal(t, `{"acc": 0.75}`, shown(t, revs[0].Files)["m.json"])
	assert.Equal(t, `{"acc": 0.5, "n": {"t": true}}`, shown(t, revs[1].Files)["m.json"])
}

func TestMetricsOfTheCurrentBranchHideTheWorkspace(t *testing.T) {
	dir := repotest.NewGit(t, map[string]string{"dvc.yaml": "metrics: [m.json]\n", "m.json": `{"a": 1}`})
	all, err := values.Metrics(context.Background(), repoAt(t, dir), &values.ShowOptions{Revisions: values.Revisions{AllBranches: true}})
	require.NoError(t, err)
	require.Len(t, all, 1)
	assert.Equal(t, "main", all[0].Rev)
}

func TestMetricsFromTheCache(t *testing.T) {
	ctx := context.Background()
	dir := repotest.New(t, map[string]string{
		"dvc.yaml": "stages:\n  s:\n    cmd: mkdir d && echo '{\"a\":1}' > d/m.json && echo '{\"b\":2}' > m.json\n    metrics: [d, m.json]\n"})
	runner, err := pipeline.Open(dir, &pipeline.Options{Env: repotest.Env(dir)})
	require.NoError(t, err)
	_, err = runner.Repro(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "d")))
	require.NoError(t, os.Remove(filepath.Join(dir, "m.json")))
	all, err := values.Metrics(ctx, repoAt(t, dir), nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"d/m.json": `{"a": 1}`, "m.json": `{"b": 2}`}, shown(t, all[0].Files))
}

func TestMetricsOfBrokenRevisions(t *testing.T) {
	dir := repotest.NewGit(t, map[string]string{"dvc.yaml": "foo: 1\n"})
	repotest.Write(t, dir, "dvc.yaml", "metrics: [m.json]\n")
	repotest.Write(t, dir, "m.json", "{broken")
	all, err := values.Metrics(context.Background(), repoAt(t, dir), &values.ShowOptions{Revisions: values.Revisions{AllCommits: true}})
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "JSONFileCorruptedError", all[0].Files[0].Err.Type)
	assert.ErrorContains(t, all[1].Err, "validation failed")
	_, err = values.Metrics(context.Background(), repoAt(t, dir), &values.ShowOptions{Revisions: values.Revisions{Revs: []string{"nope"}}})
	assert.EqualError(t, err, "unknown Git revision 'nope'")
}

func TestMetricsDiff(t *testing.T) {
	dir := repotest.NewGit(t, metricsFiles)
	repotest.Write(t, dir, "m.json", `{"acc": 0.75, "n": {"t": false}, "new": "x"}`)
	repotest.Write(t, dir, "more/a.yaml", "7\n")
	d, err := values.MetricsDiff(context.Background(), repoAt(t, dir), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"HEAD", "workspace"}, d.Errors)
	assert.Equal(t, []values.FileDiff{
		{Path: "m.json", Changes: []params.Change{{Key: "acc", Old: 0.5, New: 0.75}, {Key: "n.t", Old: true, New: false}, {Key: "new", New: "x"}}},
		{Path: "more/a.yaml", Changes: []params.Change{{Key: "x", Old: int64(1)}}},
	}, d.Files)
}

func TestParamsDiff(t *testing.T) {
	ctx := context.Background()
	files := map[string]string{
		"dvc.yaml": "vars: [v.yaml, {x: 1}]\nparams: [top.json]\nstages:\n  s:\n    cmd: echo ${w.a} ${x}\n" +
			"    params: [lr, {other.yaml: [m.l.1, m.k]}]\n",
		"params.yaml": "lr: 1\nfree: [1]\n", "v.yaml": "w: {a: 1, b: 2}\n", "top.json": `{"t": 1}`, "other.yaml": "m: {l: [1, 2], k: 3, hidden: 4}\n",
	}
	dir := repotest.NewGit(t, files)
	repotest.Write(t, dir, "params.yaml", "lr: 2\nfree: [1, 2]\n")
	repotest.Write(t, dir, "v.yaml", "w: {a: 5, b: 6}\n")
	repotest.Write(t, dir, "top.json", `{"t": 2}`)
	repotest.Write(t, dir, "other.yaml", "m: {l: [1, 9], k: 3, hidden: 5}\n")
	repo := repoAt(t, dir)
	d, err := values.ParamsDiff(ctx, repo, nil)
	require.NoError(t, err)
	assert.Equal(t, []values.FileDiff{
		{Path: "params.yaml", Changes: []params.Change{{Key: "free", Old: "[1]", New: "[1, 2]"}, {Key: "lr", Old: int64(1), New: int64(2)}}},
		{Path: "other.yaml", Changes: []params.Change{{Key: "m.l", Old: "[None, 2]", New: "[None, 9]"}}},
		{Path: "top.json", Changes: []params.Change{{Key: "t", Old: int64(1), New: int64(2)}}},
		{Path: "v.yaml", Changes: []params.Change{{Key: "w.a", Old: int64(1), New: int64(5)}}},
	}, d.Files)
	d, err = values.ParamsDiff(ctx, repo, &values.DiffOptions{DepsOnly: true, Targets: nil})
	require.NoError(t, err)
	require.NotEmpty(t, d.Files)
	assert.Equal(t, []params.Change{{Key: "lr", Old: int64(1), New: int64(2)}}, d.Files[0].Changes)
	d, err = values.ParamsDiff(ctx, repo, &values.DiffOptions{Old: "HEAD", New: "HEAD", Unchanged: true, Targets: []string{"top.json"}})
	require.NoError(t, err)
	assert.Equal(t, []values.FileDiff{{Path: "top.json", Changes: []params.Change{{Key: "t", Old: int64(1), New: int64(1)}}}}, d.Files)
}

func TestDiffWithoutGit(t *testing.T) {
	_, err := values.ParamsDiff(context.Background(), repoAt(t, repotest.New(t, nil)), nil)
	assert.ErrorContains(t, err, "Only supported for Git repositories")
}

// repoAt opens dir with the environment of tests.
func repoAt(t testing.TB, dir string) *data.Repo {
	t.Helper()
	repo, err := data.Open(dir, &data.Options{Env: repotest.Env(filepath.Join(dir, ".dvc", "tmp"))})
	require.NoError(t, err)
	return repo
}

// The stages of a program that never wrote a dvc.yaml have metrics, too.
func TestMetricsOfStagesInGo(t *testing.T) {
	dir := repotest.New(t, nil)
	repo, err := pipeline.Open(dir, &pipeline.Options{Env: repotest.Env(dir)})
	require.NoError(t, err)
	repo, err = repo.Define("prog", pipeline.Stage{
		Name: "train", Outs: []pipeline.Out{{Path: "m.json", Kind: pipeline.Metric}},
		Run: func(context.Context) error {
			return os.WriteFile(filepath.Join(dir, "m.json"), []byte(`{"acc": 1}`), 0o666)
		},
	})
	require.NoError(t, err)
	_, err = repo.Repro(t.Context(), nil)
	require.NoError(t, err)
	all, err := values.Metrics(t.Context(), repo.Repo, nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"m.json": `{"acc": 1}`}, shown(t, all[0].Files))
}
