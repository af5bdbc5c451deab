package dvcfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

const lockText = `schema: '2.0'
stages:
  prepare:
    cmd: sh prepare.sh
    deps:
    - path: data
      hash: md5
      md5: a68a969ad65bdc177781e05f1d744b86.dir
      size: 20
      nfiles: 4
    - path: prepare.sh
      hash: md5
      md5: e659b02a3a221a44ac5c159b59068351
      size: 193
      isexec: true
    params:
      params.yaml:
        lr: 0.1
        model.name: net
      other.json:
        k:
        - 1
    outs:
    - path: out
      md5: '12345678901234567890123456789012'
      size: 19
  train@a:
    cmd:
    - echo one
    - echo two
`

func hash(t *testing.T, s string) object.Hash {
	t.Helper()
	h, err := object.ParseHash(s)
	require.NoError(t, err)
	return h
}

func loadLock(t *testing.T, text string) *dvcfile.Lock {
	t.Helper()
	l, err := dvcfile.LoadLock(tree("dvc.lock", text), "dvc.lock", nil)
	require.NoError(t, err)
	return l
}

func TestLockRead(t *testing.T) {
	l := loadLock(t, lockText)
	assert.Equal(t, []string{"prepare", "train@a"}, l.Names())
	s := l.Stage("prepare")
	assert.Equal(t, object.Meta{Hash: hash(t, "a68a969ad65bdc177781e05f1d744b86.dir"), Size: 20, Files: 4}, s.Deps[0].Meta)
	assert.True(t, dvcfile.Entry(s.Deps, "prepare.sh").Exec)
	assert.Nil(t, dvcfile.Entry(s.Deps, "nothing"))
	assert.Equal(t, hash(t, "12345678901234567890123456789012").Legacy(), s.Outs[0].Hash)
	assert.Equal(t, "params.yaml", s.Params[0].File)
	assert.Equal(t, []any{"lr", "model.name"}, s.Params[0].Values.Keys())
	assert.Equal(t, []string{"echo one", "echo two"}, l.Stage("train@a").Cmd.Scripts())
	assert.Nil(t, l.Stage("other"))
}

func TestLockWritesWhatItRead(t *testing.T) {
	l := loadLock(t, lockText)
	assert.Equal(t, lockText, string(l.Bytes()))
	for _, name := range l.Names() {
		require.NoError(t, l.Set(name, l.Stage(name)))
	}
	assert.Equal(t, lockText, string(l.Bytes()))
}

func TestLockOrder(t *testing.T) {
	l := loadLock(t, "schema: '2.0'\nstages:\n  b:\n    cmd: b\n  a:\n    cmd: a\n")
	require.NoError(t, l.Set("c", &dvcfile.LockStage{
		Cmd:  dvcfile.NewCmd("c"),
		Deps: []dvcfile.LockEntry{{Path: "z", Meta: object.Meta{Hash: hash(t, "e659b02a3a221a44ac5c159b59068351"), Size: 1}}, {Path: "../x"}},
		Params: []dvcfile.LockParams{{File: "a.yaml", Values: dvcyaml.NewMap("k", nil)},
			{File: "params.yaml", Values: dvcyaml.NewMap("z", int64(1), "a", 0.5)}},
	}))
	require.NoError(t, l.Set("b", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("b2")}))
	gone, err := l.Delete("a")
	require.NoError(t, err)
	assert.True(t, gone)
	gone, err = l.Delete("a")
	require.NoError(t, err)
	assert.False(t, gone)
	assert.Equal(t, `schema: '2.0'
stages:
  b:
    cmd: b2
  c:
    cmd: c
    deps:
    - path: ../x
      hash: md5
      size: 0
    - path: z
      hash: md5
      md5: e659b02a3a221a44ac5c159b59068351
      size: 1
    params:
      params.yaml:
        a: 0.5
        z: 1
      a.yaml:
        k:
`, string(l.Bytes()))
}

func TestLockNew(t *testing.T) {
	l, err := dvcfile.LoadLock(tree(), "sub/dvc.lock", nil)
	require.NoError(t, err)
	assert.Empty(t, l.Bytes())
	require.NoError(t, l.Set("s", &dvcfile.LockStage{Cmd: dvcfile.NewCmd("x", "y")}))
	assert.Equal(t, "schema: '2.0'\nstages:\n  s:\n    cmd:\n    - x\n    - y\n", string(l.Bytes()))
}

func TestLockAnchors(t *testing.T) {
	layers := []any{int64(64)}
	entry := &dvcfile.LockStage{Cmd: dvcfile.NewCmd("x"), Params: []dvcfile.LockParams{{File: "params.yaml",
		Values: dvcyaml.NewMap("model", dvcyaml.NewMap("layers", layers), "model.layers", layers)}}}
	l, err := dvcfile.LoadLock(tree(), "dvc.lock", nil)
	require.NoError(t, err)
	require.NoError(t, l.Set("a", entry))
	require.NoError(t, l.Set("b", entry))
	assert.Equal(t, `schema: '2.0'
stages:
  a:
    cmd: x
    params:
      params.yaml:
        model:
          layers: &id001
          - 64
        model.layers: *id001
  b:
    cmd: x
    params:
      params.yaml:
        model:
          layers: &id002
          - 64
        model.layers: *id002
`, string(l.Bytes()))
}

func TestLockRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "'./dvc.lock' validation failed.\n\nrequired key not provided, in schema"},
		{"version", "schema: '1.0'\nstages: {}\n", "'./dvc.lock' validation failed.\n\ninvalid schema version, in schema, line 1, column 1"},
		{"extra key", "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    foo: 1\n", "extra keys not allowed, in stages -> s -> foo, line 5, column 5"},
		{"path out of the cache", "schema: '2.0'\nstages:\n  s:\n    cmd: x\n    outs:\n    - path: o\n      md5: ../../../etc/passwd\n",
			"'dvc.lock' is damaged: stage 's': md5 of 'o': \"../../../etc/passwd\": not an MD5 hash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dvcfile.LoadLock(tree("dvc.lock", tt.text), "dvc.lock", nil)
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, dvcfile.SchemaLock, dvcfile.ClassOf(err))
		})
	}
}

func TestDecodeLockStage(t *testing.T) {
	s, err := dvcfile.DecodeLockStage("run", []byte("cmd: x\nouts:\n- path: o\n  hash: md5\n  md5: e659b02a3a221a44ac5c159b59068351\n  size: 3\n"))
	require.NoError(t, err)
	assert.Equal(t, int64(3), s.Outs[0].Size)
	_, err = dvcfile.DecodeLockStage("run", []byte("cmd: x\nouts: 1\n"))
	assert.Error(t, err)
}

func TestDotDVC(t *testing.T) {
	text := "outs:\n- md5: 8b17448713a53614629f09790b448809.dir\n  size: 26\n  nfiles: 10\n  hash: md5\n  path: d\n"
	f, err := dvcfile.LoadDotDVC(tree("sub/d.dvc", text), "sub/d.dvc", nil)
	require.NoError(t, err)
	assert.Equal(t, "sub/d", f.OutPath(0))
	assert.Equal(t, 10, f.Outs[0].Entry.Files)
	assert.Equal(t, text, string(dvcyaml.Marshal(f.Map())))
	out, err := f.Bytes()
	require.NoError(t, err)
	assert.Equal(t, text, string(out))
}

func TestDotDVCEverything(t *testing.T) {
	text := "desc: why\nwdir: ..\nfrozen: true\nouts:\n- md5: e659b02a3a221a44ac5c159b59068351\n  size: 1\n  isexec: true\n  hash: md5\n" +
		"  path: d\n  desc: d\n  type: t\n  labels:\n  - l\n  meta:\n    k: 1\n  cache: false\n  persist: true\n  remote: r\n  push: false\nmeta:\n  m: 1\n"
	f, err := dvcfile.LoadDotDVC(tree("sub/d.dvc", text), "sub/d.dvc", nil)
	require.NoError(t, err)
	assert.Equal(t, "d", f.OutPath(0))
	assert.Equal(t, text, string(dvcyaml.Marshal(f.Map())))
}

func TestDotDVCRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{"outs:\n- path: a\n  foo: 1\n", "'./a.dvc' validation failed.\n\nextra keys not allowed, in outs -> 0 -> foo, line 3, column 3"},
		{"cmd: x\n", "extra keys not allowed, in cmd"},
		{"outs:\n- md5: e659b02a3a221a44ac5c159b59068351\n", "'a.dvc' is damaged: outs -> 0 has no path"},
		{"outs:\n- path: b.dvc\n", "DVC file 'b.dvc' cannot be an output."},
		{"outs:\n- path: a\n  md5: nonsense\n", "'a.dvc' is damaged: md5 of 'a': \"nonsense\": not an MD5 hash"},
	}
	for _, tt := range tests {
		_, err := dvcfile.LoadDotDVC(tree("a.dvc", tt.text), "a.dvc", nil)
		assert.ErrorContains(t, err, tt.want)
	}
	f, err := dvcfile.LoadDotDVC(tree("a.dvc", ""), "a.dvc", nil)
	require.NoError(t, err)
	assert.Empty(t, f.Outs)
}
