package dvcfile_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// tree makes a file system of alternating names and contents.
func tree(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

func load(t *testing.T, pairs ...string) *dvcfile.File {
	t.Helper()
	f, err := dvcfile.Load(tree(pairs...), "dvc.yaml", nil)
	require.NoError(t, err)
	return f
}

func TestLoadStage(t *testing.T) {
	f := load(t, "dvc.yaml", `
stages:
  train:
    cmd: python train.py
    wdir: src/../code
    desc: trains
    deps: [../data, train.py]
    params:
    - lr
    - model.depth
    - cfg.json: [a.b]
    - whole.yaml:
    - cfg.json: [c]
    outs:
    - model: {cache: false, persist: true, remote: r, push: false, desc: d, type: t, labels: [x], meta: {k: 1}}
    - model: {desc: again}
    metrics: [m.json: {cache: false}]
    plots: [p.csv: {x: step, y: loss, template: linear}]
    frozen: true
    always_changed: true
    meta: {who: me}
`)
	s := f.Stage("train")
	require.NotNil(t, s)
	assert.Equal(t, []string{"python train.py"}, s.Cmd.Scripts())
	assert.Equal(t, "code", s.Wdir)
	assert.Equal(t, "data", s.Path(s.Deps[0]))
	assert.Equal(t, []string{"../data", "train.py"}, s.Deps)
	assert.Equal(t, []dvcfile.ParamsFile{
		{Path: "params.yaml", Keys: []string{"lr", "model.depth"}},
		{Path: "cfg.json", Keys: []string{"a.b", "c"}},
		{Path: "whole.yaml"},
	}, s.Params)
	require.Len(t, s.Outs, 3)
	assert.Equal(t, dvcfile.Out{Path: "model", Kind: dvcfile.Plain, NoCache: true, Persist: true, NoPush: true, Remote: "r",
		Desc: "again", Type: "t", Labels: []string{"x"}, Meta: dvcyaml.NewMap("k", int64(1))}, s.Outs[0])
	assert.Equal(t, dvcfile.Metric, s.Outs[1].Kind)
	assert.Equal(t, []any{"x", "y", "template"}, s.Outs[2].Props.Keys())
	assert.True(t, s.Frozen)
	assert.True(t, s.AlwaysChanged)
	assert.False(t, s.Parametrized)
}

func TestLoadLive(t *testing.T) {
	f := load(t, "dvc.yaml", "stages:\n  a:\n    cmd: x\n    live:\n      logs: {summary: true, html: false}\n  b:\n    cmd: x\n    live: dvclive\n")
	assert.Equal(t, dvcfile.Out{Path: "logs", Kind: dvcfile.Live, LiveSummary: true, Persist: true}, f.Stage("a").Outs[0])
	assert.Equal(t, dvcfile.Out{Path: "dvclive", Kind: dvcfile.Live, LiveSummary: true, LiveHTML: true, Persist: true}, f.Stage("b").Outs[0])
}

func TestLoadTopLevel(t *testing.T) {
	f := load(t, "params.yaml", "n: one\n", "dvc.yaml", `
params: ["${n}.yaml"]
metrics: [m.json]
plots:
- p.csv
- ${n}: {x: {a.csv: t}, y: {a.csv: [u, v]}}
- nul:
artifacts:
  m-${n}: {path: model, type: model, labels: [x], desc: d, meta: 3}
`)
	assert.Equal(t, []string{"one.yaml"}, f.Params)
	assert.Equal(t, []string{"m.json"}, f.Metrics)
	require.Len(t, f.Plots, 3)
	assert.Equal(t, "p.csv", f.Plots[0].ID)
	assert.Equal(t, "one", f.Plots[1].ID)
	assert.Nil(t, f.Plots[2].Props)
	assert.Equal(t, []dvcfile.Artifact{{Name: "m-one", Path: "model", Type: "model", Labels: []string{"x"}, Desc: "d", Meta: int64(3)}}, f.Artifacts)
}

func TestCmd(t *testing.T) {
	f := load(t, "dvc.yaml", "stages:\n  a:\n    cmd: |\n      one\n\n      # two\n  b:\n    cmd: [one, \"two\\nthree\", 5, true]\n  c:\n    cmd: ''\n  d:\n    cmd: []\n")
	assert.Equal(t, []string{"one", "", "# two"}, f.Stage("a").Cmd.Scripts())
	assert.Equal(t, []string{"one", "two\nthree", "5", "true"}, f.Stage("b").Cmd.Scripts())
	assert.True(t, f.Stage("c").Cmd.IsZero())
	assert.True(t, f.Stage("d").Cmd.IsZero())
	assert.False(t, dvcfile.NewCmd("x").Equal(dvcfile.NewCmd("x", "y")))
	assert.True(t, dvcfile.NewCmd("x", "y").Equal(dvcfile.NewCmd("x", "y")))
}

func TestInvalid(t *testing.T) {
	tests := []struct {
		name, file string
		want       string
	}{
		{"extra key", "stages:\n  s:\n    cmd: 'true'\n    foo: 1\n",
			"'./dvc.yaml' validation failed.\n\nextra keys not allowed, in stages -> s -> foo, line 4, column 5\n  4 |     foo: 1\n" +
				"dvc.yaml:4:5: expected one of: matrix, cmd, wdir, deps, params, vars, frozen, meta, desc, always_changed, outs, metrics, plots, live"},
		{"missing cmd", "stages:\n  s:\n    deps: [a]\n",
			"'./dvc.yaml' validation failed.\n\nrequired key not provided, in stages -> s -> cmd, line 2, column 3\n  2 |   s:\ndvc.yaml:2:3: expected the key cmd"},
		{"several", "foo: 1\nstages: {s: {cmd: x, frozen: 'no'}}\n",
			"'./dvc.yaml' validation failed: 2 errors.\n\nextra keys not allowed, in foo, line 1, column 1\n  1 | foo: 1\n" +
				"dvc.yaml:1:1: expected one of: stages, vars, params, metrics, plots, artifacts, datasets\n\n" +
				"expected bool, in stages -> s -> frozen, line 2, column 22\n  2 | stages: {s: {cmd: x, frozen: 'no'}}\ndvc.yaml:2:22"},
		{"not a mapping", "- a\n", "'./dvc.yaml' validation failed: expected a dictionary."},
		{"item of deps", "stages:\n  s:\n    cmd: x\n    deps:\n    - 1\n",
			"'./dvc.yaml' validation failed.\n\nexpected str, in stages -> s -> deps -> 0, line 5, column 7\n  5 |     - 1\ndvc.yaml:5:7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dvcfile.Load(tree("dvc.yaml", tt.file), "dvc.yaml", nil)
			assert.EqualError(t, err, tt.want)
			assert.Equal(t, dvcfile.Schema, dvcfile.ClassOf(err))
		})
	}
}

func TestValidationMessages(t *testing.T) {
	tests := []struct{ file, msg, at string }{
		{"stages:\n", "expected a dictionary", "stages"},
		{"stages:\n  s:\n", "expected a dictionary", "stages -> s"},
		{"stages:\n  s:\n    cmd: 5\n", "expected str", "stages -> s -> cmd"},
		{"stages:\n  s:\n    cmd: x\n    deps: a\n", "expected a list", "stages -> s -> deps"},
		{"stages:\n  s:\n    cmd: x\n    outs:\n    - o:\n", "expected a dictionary", "stages -> s -> outs -> 0 -> o"},
		{"stages:\n  s:\n    cmd: x\n    outs:\n    - o: {foo: 1}\n", "extra keys not allowed", "stages -> s -> outs -> 0 -> o -> foo"},
		{"stages:\n  s:\n    cmd: x\n    params: [1]\n", "expected str", "stages -> s -> params -> 0"},
		{"stages:\n  s:\n    cmd: x\n    vars: [1]\n", "expected dict", "stages -> s -> vars -> 0"},
		{"stages:\n  1:\n    cmd: x\n", "expected str", "stages -> 1"},
		{"vars: {x: 1}\n", "expected a list", "vars"},
		{"stages:\n  s:\n    foreach: [a]\n", "required key not provided", "stages -> s -> do"},
		{"stages:\n  s:\n    foreach: 1\n    do: {cmd: x}\n", "expected dict", "stages -> s -> foreach"},
		{"stages:\n  s:\n    foreach: [a]\n    do: {cmd: x}\n    desc: x\n", "extra keys not allowed", "stages -> s -> desc"},
		{"stages:\n  s:\n    matrix: ${d}\n    cmd: x\n", "expected a dictionary", "stages -> s -> matrix"},
		{"artifacts:\n  a:\n    type: model\n", "required key not provided", "artifacts -> a -> path"},
		{"plots:\n  p.csv:\n    x: a\n", "expected a list", "plots"},
		{"plots:\n- p: {x: 1}\n", "expected str", "plots -> 0 -> p -> x"},
	}
	for _, tt := range tests {
		t.Run(tt.at, func(t *testing.T) {
			_, err := dvcfile.Load(tree("dvc.yaml", tt.file), "dvc.yaml", nil)
			var e *dvcfile.InvalidError
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Problems, 1)
			assert.Equal(t, tt.msg, e.Problems[0].Msg)
			assert.Equal(t, tt.at, e.Problems[0].At)
			assert.NotZero(t, e.Problems[0].Line)
		})
	}
}

func TestBrokenYAML(t *testing.T) {
	_, err := dvcfile.Load(tree("dvc.yaml", "<<<<<<< HEAD\nstages: {}\n=======\n>>>>>>> x\n"), "dvc.yaml", nil)
	assert.ErrorContains(t, err, "'./dvc.yaml' is invalid (possible merge conflicts).\n")
	assert.Equal(t, dvcfile.YAMLSyntax, dvcfile.ClassOf(err))
	_, err = dvcfile.Load(tree("dvc.yaml", "stages: [\n"), "dvc.yaml", nil)
	assert.ErrorContains(t, err, "'./dvc.yaml' is invalid.\n")
}

func TestOutputsThatCannotBe(t *testing.T) {
	_, err := dvcfile.Load(tree("dvc.yaml", "stages:\n  a:\n    cmd: 'true'\n    outs: [x.dvc]\n"), "dvc.yaml", nil)
	assert.EqualError(t, err, "DVC file 'x.dvc' cannot be an output.\ndvc.yaml:4:12")
	assert.Equal(t, dvcfile.OutputIsDVCFile, dvcfile.ClassOf(err))

	refused := errors.New("ignored")
	_, err = dvcfile.Load(tree("dvc.yaml", "stages:\n  a:\n    cmd: x\n    wdir: sub\n    outs: [o]\n"), "dvc.yaml",
		&dvcfile.Options{Ignored: func(p string) error {
			assert.Equal(t, "sub/o", p)
			return refused
		}})
	assert.ErrorIs(t, err, refused)
}

func TestAbsolutePathsInside(t *testing.T) {
	f, err := dvcfile.Load(tree("dvc.yaml", "stages:\n  a:\n    cmd: x\n    wdir: sub\n    deps: [/repo/data, /elsewhere]\n"), "dvc.yaml",
		&dvcfile.Options{Root: "/repo"})
	require.NoError(t, err)
	assert.Equal(t, []string{"../data", "/elsewhere"}, f.Stages[0].Deps)
}

func TestEmptyFiles(t *testing.T) {
	assert.Empty(t, load(t, "dvc.yaml", "").Stages)
	assert.Empty(t, load(t, "dvc.yaml", "stages: {}\n").Stages)
	_, err := dvcfile.Load(tree(), "dvc.yaml", nil)
	assert.Equal(t, dvcfile.FileMissing, dvcfile.ClassOf(err))
}
