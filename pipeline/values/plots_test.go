package values_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/values"
)

var plotFiles = map[string]string{
	"logs/loss.tsv": "step\tloss\n0\t1\n1\t0.5\n",
	"classes.csv":   "actual,predicted\ncat,dog\n",
	"t.json":        `{"train": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]}`,
	"t2.json":       `{"test": [{"a": 1, "b": 2.5}, {"a": 2, "b": 3.5}]}`,
	"nohead.csv":    "a,b\n1,2\n",
	"pic.png":       "not really",
	"dvc.yaml": `stages:
  s:
    cmd: "true"
    plots:
    - logs: {cache: false}
    - classes.csv: {cache: false, template: confusion, x: actual, y: predicted, title: Conf}
    - nohead.csv: {cache: false, header: false}
    - pic.png: {cache: false}
plots:
- t.json
- both: {x: a, y: {t.json: b, t2.json: b}, x_label: X}
- two: {x: a, y: {t.json: [a, b]}}
- missing.csv
- bad: {y: {t.json: zz}}
`}

func plotsOf(t *testing.T, dir string, opts *values.PlotsOptions) (*values.PlotSet, map[string]values.Plot) {
	t.Helper()
	plots, err := values.Plots(context.Background(), repoAt(t, dir), opts)
	require.NoError(t, err)
	m := map[string]values.Plot{}
	for _, p := range plots.Plots {
		m[p.ID] = p
	}
	return plots, m
}

// rows is the data in a specification.
func rows(t *testing.T, p values.Plot) string {
	t.Helper()
	require.NotNil(t, p.Spec, p.ID)
	data, _ := p.Spec.Get("data")
	values, _ := data.(*params.Map).Get("values")
	return text(t, values)
}

func TestPlots(t *testing.T) {
	plots, m := plotsOf(t, repotest.New(t, plotFiles), nil)
	assert.Equal(t, `[{"a": 1, "b": 2, "step": 0, "rev": "workspace"}, {"a": 2, "b": 3, "step": 1, "rev": "workspace"}]`, rows(t, m["t.json"]))
	assert.Equal(t, `[{"step": 0, "loss": "1", "rev": "workspace"}, {"step": 1, "loss": "0.5", "rev": "workspace"}]`, rows(t, m["logs/loss.tsv"]))
	assert.Equal(t, `[{"0": "a", "1": "b", "step": 0, "rev": "workspace"}, {"0": "1", "1": "2", "step": 1, "rev": "workspace"}]`, rows(t, m["nohead.csv"]))
	assert.Contains(t, rows(t, m["both"]), `{"a": 1, "b": 2.5, "rev": "workspace", "filename": "t2.json"}`)
	assert.Contains(t, rows(t, m["two"]), `{"a": 2, "b": 3, "dvc_inferred_y_value": 3, "rev": "workspace", "field": "b"}`)
	assert.Equal(t, "X", m["both"].XLabel)
	assert.Equal(t, "Conf", m["classes.csv"].Title)
	assert.Equal(t, "confusion", m["classes.csv"].Template)
	assert.Equal(t, []byte("not really"), m["pic.png"].Images[0].Data)
	assert.Nil(t, m["missing.csv"].Spec)
	require.Len(t, plots.Errors, 2)
	assert.Equal(t, "missing.csv", plots.Errors[0].Source)
	assert.EqualError(t, plots.Errors[1].Err, "Could not find provided field ('zz') in data fields ('a, b').")
}

func TestPlotsTargetsAndProps(t *testing.T) {
	dir := repotest.New(t, plotFiles)
	props := &params.Map{}
	props.Set("x", "b")
	props.Set("y", "a")
	props.Set("template", "scatter")
	_, m := plotsOf(t, dir, &values.PlotsOptions{Targets: []string{"t.json"}, Props: props, Split: true})
	require.Len(t, m, 2) // as declared, and as a file
	p := m["t.json"]
	assert.Equal(t, []string{"b", "a", "scatter"}, []string{p.X, p.Y, p.Template})
	color, ok := p.Anchors.Get("<DVC_METRIC_COLOR>")
	require.True(t, ok)
	assert.Contains(t, text(t, color), `"domain": ["workspace"]`)
	_, m = plotsOf(t, dir, &values.PlotsOptions{Targets: []string{"dvc.yaml::bo"}})
	assert.Len(t, m, 1)
	plots, _ := plotsOf(t, repotest.New(t, nil), &values.PlotsOptions{Targets: []string{"x.csv"}})
	require.Len(t, plots.Errors, 1)
	assert.ErrorContains(t, plots.Errors[0].Err, "No such file")
}

func TestPlotsOfRevisions(t *testing.T) {
	ctx := context.Background()
	dir := repotest.NewGit(t, map[string]string{"dvc.yaml": "plots: [p.csv]\n", "p.csv": "x,y\n1,2\n"})
	repo := repoAt(t, dir)
	plots, err := values.PlotsDiff(ctx, repo, nil)
	require.NoError(t, err)
	require.Len(t, plots.Plots, 1)
	assert.Equal(t, []string{"workspace"}, plots.Plots[0].Revs)
	repotest.Write(t, dir, "p.csv", "x,y\n1,3\n")
	plots, err = values.PlotsDiff(ctx, repo, nil)
	require.NoError(t, err)
	require.Len(t, plots.Plots, 1)
	assert.Equal(t, []string{"workspace", "HEAD"}, plots.Plots[0].Revs)
	assert.Equal(t, `[{"x": "1", "y": "3", "step": 0, "rev": "workspace"}, {"x": "1", "y": "2", "step": 0, "rev": "HEAD"}]`, rows(t, plots.Plots[0]))
}

func TestPlotsSameIDInTwoFiles(t *testing.T) {
	dir := repotest.New(t, map[string]string{"a.json": `[{"v": 1}]`, "sub/a.json": `[{"v": 2}]`,
		"dvc.yaml": "plots:\n- p: {y: {a.json: v}}\n", "sub/dvc.yaml": "plots:\n- p: {y: {a.json: v}}\n"})
	_, m := plotsOf(t, dir, nil)
	assert.Equal(t, `[{"v": 1, "step": 0, "rev": "workspace"}]`, rows(t, m["dvc.yaml::p"]))
	assert.Equal(t, `[{"v": 2, "step": 0, "rev": "workspace"}]`, rows(t, m["sub/dvc.yaml::p"]))
}

func TestPlotsPageAndImages(t *testing.T) {
	dir := repotest.New(t, plotFiles)
	plots, m := plotsOf(t, dir, nil)
	var page bytes.Buffer
	require.NoError(t, plots.WriteHTML(&page))
	assert.Contains(t, page.String(), "<html")
	assert.Contains(t, page.String(), "workspace t2.json") // a line of its own for each file
	p := m["pic.png"]
	files, err := p.WriteImages(filepath.Join(dir, "out"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "out", "workspace_pic.png")}, files)
	assert.Equal(t, "not really", repotest.Read(t, dir, "out/workspace_pic.png"))
}
