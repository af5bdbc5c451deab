package params_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params"
)

type model struct {
	Name   string `yaml:"name"`
	Layers []int  `yaml:"layers"`
}

func (m model) Validate() error {
	if m.Name == "" {
		return errors.New("name must not be empty")
	}
	return nil
}

type config struct {
	LR      float64        `yaml:"lr"`
	Epochs  int            `yaml:"epochs"`
	Model   model          `yaml:"model"`
	Timeout time.Duration  `yaml:"timeout"`
	Seed    *int           `yaml:"seed"`
	Extra   map[string]any `yaml:"extra"`
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
	return path
}

func TestLoadFillsAndKeepsDefaults(t *testing.T) {
	for name, text := range map[string]string{
		"params.yaml": "lr: 1\nmodel:\n  name: net\n  layers: [64, 0x20]\ntimeout: 90s\nseed: 7\nextra: {a: yes}\n",
		"params.json": `{"lr": 1, "model": {"name": "net", "layers": [64, 32]}, "timeout": "90s", "seed": 7, "extra": {"a": "yes"}}`,
		"params.toml": "lr = 1\ntimeout = '90s'\nseed = 7\n[model]\nname = \"net\"\nlayers = [64, 32]\n[extra]\na = 'yes'\n",
		"params.py":   "lr = 1\nclass model:\n    name = 'net'\n    layers = (64, 32)  # sizes\ntimeout: str = '90s'\nseed = 7\nextra = {'a': 'yes'}\n",
	} {
		cfg := config{Epochs: 10, Model: model{Name: "default"}}
		require.NoError(t, params.Load(write(t, name, text), &cfg), name)
		seven := 7
		want := config{1, 10, model{"net", []int{64, 32}}, 90 * time.Second, &seven, map[string]any{"a": "yes"}}
		assert.Equal(t, want, cfg, name)
	}
}

func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct{ name, file, text, want string }{
		{"unknown key", "p.yaml", "lr: 1\nepoch: 3\n", `p.yaml:2:1: epoch: unknown key (did you mean "epochs"?)`},
		{"wrong type", "p.yaml", "lr: 1\nmodel:\n  layers: [1, x]\n", "p.yaml:3:15: model.layers.1: expected an integer, got the text 'x'"},
		{"fraction", "p.yaml", "epochs: 1.5\n", "p.yaml:1:9: epochs: expected an integer, got the number 1.5"},
		{"duplicate", "p.yaml", "lr: 1\nlr: 2\n", `p.yaml:2:1: YAML file structure is corrupted: found duplicate key "lr" with value "2" (original value: "1")`},
		{"validate", "p.yaml", "model:\n  name: ''\n", "p.yaml:2:3: model: name must not be empty"},
		{"json", "p.json", "{\"lr\": 1,\n \"epochs\": \"x\"}", "p.json:2:12: epochs: expected an integer, got the text 'x'"},
		{"json syntax", "p.json", "{\"lr\": 1,}", "p.json:1:10: JSON file structure is corrupted: expecting property name enclosed in double quotes"},
		{"toml", "p.toml", "lr = 1\n[model]\nlayers = 3\n", "p.toml:3:1: model.layers: expected a list, got the integer 3"},
		{"py", "p.py", "lr = (1\n", "p.py:1:1: Python file structure is corrupted: '(' was never closed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := params.Parse(tt.file, []byte(tt.text))
			cfg := config{Model: model{Name: "x"}}
			if err == nil {
				err = v.Decode("", &cfg)
			}
			assert.EqualError(t, err, tt.want)
			assert.Zero(t, cfg.LR, "a failed load leaves the struct alone")
		})
	}
	assert.ErrorIs(t, params.Load(filepath.Join(t.TempDir(), "none.yaml"), &config{}), os.ErrNotExist)
}

func TestLookup(t *testing.T) {
	v, err := params.Parse("p.yaml", []byte("a:\n  b: [1, {c: 2}]\n  1: one\nlr: 0.1\n"))
	require.NoError(t, err)
	for key, want := range map[string]any{"lr": 0.1, "a.b.0": int64(1), "a.b.-1.c": int64(2), "a.1": "one", "l*": 0.1} {
		got, ok := v.Lookup(key)
		assert.True(t, ok, key)
		assert.Equal(t, want, got, key)
	}
	for _, key := range []string{"", "x", "lr.x", "a.b.2", "*", "a.b.x"} {
		_, ok := v.Lookup(key)
		assert.False(t, ok, key)
	}
	found, missing := v.Select("a.b.0", "nope")
	assert.Equal(t, []string{"nope"}, missing)
	assert.Equal(t, []any{"a.b.0"}, found.Keys())
	assert.Equal(t, 2, v.Line("a.b.0"))
}

func TestEqualIsPythons(t *testing.T) {
	assert.True(t, params.Equal(int64(1), 1.0))
	assert.True(t, params.Equal(true, 1.0))
	assert.True(t, params.Equal(int64(100000000000000000), 1e17))
	assert.False(t, params.Equal("1", int64(1)))
	assert.False(t, params.Equal(math.NaN(), math.NaN()))
	assert.False(t, params.Equal([]any{int64(1), int64(2)}, []any{int64(2), int64(1)}))
}

func TestDiff(t *testing.T) {
	old, err := params.Parse("p.yaml", []byte("lr: 0.5\nm: {a: 1, l: [1, {x: 2}]}\nb: true\nn: null\n"))
	require.NoError(t, err)
	new, err := params.Parse("p.yaml", []byte("lr: 0.25\nm: {a: 1, l: [1, {x: 3}]}\nb: false\nadded: x\n"))
	require.NoError(t, err)
	got := params.Diff(old, new, false)
	assert.Equal(t, []params.Change{
		{Key: "added", New: "x"},
		{Key: "b", Old: true, New: false},
		{Key: "lr", Old: 0.5, New: 0.25},
		{Key: "m.l", Old: "[1, {'x': 2}]", New: "[1, {'x': 3}]"},
	}, got)
	d, ok := got[1].Delta()
	assert.True(t, ok)
	assert.Equal(t, int64(-1), d)
}

func TestLoadFS(t *testing.T) {
	fsys := fstest.MapFS{"conf/params.yaml": {Data: []byte("lr: 0.1\n")}, "conf/bad.yaml": {Data: []byte("lr: 0.1\nlearning: 2\n")}}
	var cfg struct {
		LR float64 `yaml:"lr"`
	}
	require.NoError(t, params.LoadFS(fsys, "conf/params.yaml", &cfg))
	assert.Equal(t, 0.1, cfg.LR)
	v, err := params.ReadFS(fsys, "conf/params.yaml")
	require.NoError(t, err)
	assert.Equal(t, "conf/params.yaml", v.File())

	var place *params.Error
	require.ErrorAs(t, params.LoadFS(fsys, "conf/bad.yaml", &cfg), &place)
	assert.Equal(t, [3]any{"conf/bad.yaml", 2, "learning"}, [3]any{place.File, place.Line, place.Key})
	require.ErrorAs(t, params.LoadFS(fsys, "none.yaml", &cfg), &place)
	assert.ErrorIs(t, place, fs.ErrNotExist)
	assert.Equal(t, "none.yaml", place.File)
	assert.ErrorContains(t, params.LoadFS(fsys, "conf", &cfg), "conf: is a directory")
}
