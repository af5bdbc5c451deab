package dvcfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

const commented = `# pipeline
vars: [v.yaml]   # shared

stages:
  # first
  prepare:
    cmd: sh  prepare.sh   # how
    deps: [a, b]
    params:
    - lr
    - cfg.json: [x]
  train:
    cmd: x
    outs:
    - model: {cache: false}
    metrics:
    - m.json
    live:
      logs: {html: false}
`

func TestWriteStage(t *testing.T) {
	f, err := dvcfile.Load(tree("dvc.yaml", commented, "v.yaml", "q: 1\n"), "dvc.yaml", nil)
	require.NoError(t, err)
	s := f.Stage("prepare")
	s.Frozen = true
	out, err := dvcfile.WriteStage("dvc.yaml", []byte(commented), s)
	require.NoError(t, err)
	assert.Equal(t, `# pipeline
vars: [v.yaml]   # shared

stages:
  # first
  prepare:
    cmd: sh  prepare.sh   # how
    deps: [a, b]
    params:
    - lr
    - cfg.json: [x]
    frozen: true
  train:
    cmd: x
    outs:
    - model: {cache: false}
    metrics:
    - m.json
    live:
      logs: {html: false}
`, string(out))
}

func TestWriteNewStage(t *testing.T) {
	s := &dvcfile.Stage{Name: "new", Wdir: "sub", File: &dvcfile.File{Path: "dvc.yaml"}, Cmd: dvcfile.NewCmd("run it"),
		Deps: []string{"b", "a"}, Params: []dvcfile.ParamsFile{{Path: "z.yaml"}, {Path: "params.yaml", Keys: []string{"lr", "d"}}},
		Outs: []dvcfile.Out{{Path: "p.csv", Kind: dvcfile.Plot, NoCache: true}, {Path: "o", Kind: dvcfile.Plain, Persist: true},
			{Path: "m", Kind: dvcfile.Metric}, {Path: "logs", Kind: dvcfile.Live, LiveSummary: true}}, AlwaysChanged: true, Desc: "d"}
	out, err := dvcfile.WriteStage("dvc.yaml", nil, s)
	require.NoError(t, err)
	want := `stages:
  new:
    desc: d
    cmd: run it
    wdir: sub
    deps:
    - a
    - b
    params:
    - d
    - lr
    - z.yaml:
    outs:
    - o:
        persist: true
    metrics:
    - m
    plots:
    - p.csv:
        cache: false
    live:
      logs:
        summary: true
        html: false
    always_changed: true
`
	assert.Equal(t, want, string(out))
	f, err := dvcfile.Load(tree("dvc.yaml", want), "dvc.yaml", nil)
	require.NoError(t, err)
	assert.Equal(t, s.Definition(), f.Stage("new").Definition())
}

func TestDeleteStage(t *testing.T) {
	f, err := dvcfile.Load(tree("dvc.yaml", commented, "v.yaml", ""), "dvc.yaml", nil)
	require.NoError(t, err)
	out, err := dvcfile.DeleteStage("dvc.yaml", []byte(commented), f.Stage("train"))
	require.NoError(t, err)
	assert.NotContains(t, string(out), "train")
	out, err = dvcfile.DeleteStage("dvc.yaml", []byte("stages:\n  train: {cmd: x}\n"), f.Stage("train"))
	require.NoError(t, err)
	assert.Nil(t, out)
}

func TestParametrizedStaysAsItIs(t *testing.T) {
	text := "stages:\n  s:\n    cmd: echo ${a}\n"
	f, err := dvcfile.Load(tree("dvc.yaml", text, "params.yaml", "a: 1\n"), "dvc.yaml", nil)
	require.NoError(t, err)
	_, err = dvcfile.WriteStage("dvc.yaml", []byte(text), f.Stage("s"))
	assert.ErrorContains(t, err, "cannot dump a parametrized stage: 's'")
	_, err = dvcfile.DeleteStage("dvc.yaml", []byte(text), f.Stage("s"))
	assert.ErrorContains(t, err, "cannot remove a parametrized stage: 's'")
}

func TestLockKeepsForeignText(t *testing.T) {
	l := loadLock(t, "# by hand\nschema: '2.0'\nstages:\n  old:   # why\n    cmd: x\n  s:\n    cmd: y\n")
	require.NoError(t, l.Set("s", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("z")}))
	require.NoError(t, l.Set("t", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("t")}))
	assert.Equal(t, "# by hand\nschema: '2.0'\nstages:\n  old:   # why\n    cmd: x\n  s:\n    cmd: z\n  t:\n    cmd: t\n", string(l.Bytes()))
	l = loadLock(t, "schema: '2.0' # only\n")
	require.NoError(t, l.Set("s", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("z")}))
	assert.Equal(t, "schema: '2.0' # only\nstages:\n  s:\n    cmd: z\n", string(l.Bytes()))
}

func TestDotDVCKeepsText(t *testing.T) {
	text := "# mine\nouts:\n- path: f  # data\n  md5: e659b02a3a221a44ac5c159b59068351\n  hash: md5\n  size: 1\nmeta: {a: 1}\n"
	f, err := dvcfile.LoadDotDVC(tree("f.dvc", text), "f.dvc", nil)
	require.NoError(t, err)
	f.Outs[0].Entry.Size = 7
	f.Frozen = true
	out, err := f.Bytes()
	require.NoError(t, err)
	assert.Equal(t, "# mine\nouts:\n- path: f  # data\n  md5: e659b02a3a221a44ac5c159b59068351\n  hash: md5\n  size: 7\nmeta: {a: 1}\nfrozen: true\n", string(out))
}
