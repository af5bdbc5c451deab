package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/examples/internal/dvctest"
)

// shownFiles is a repository with metrics, parameters and plots of all kinds.
var shownFiles = map[string]string{
	"params.yaml": "lr: 0.1\nmodel: {layers: [64, 32], depth: 3}\nunused: x\n",
	"v.yaml":      "w: {a: 1}\n",
	"m.json":      `{"acc": 0.912345678, "n": {"l": 3, "b": true, "s": "x", "z": null, "q": [1]}}`,
	"md/a.json":   `{"a": 1}`,
	"md/b.json":   "5\n",
	"logs/l.tsv":  "step\tloss\n0\t1\n1\t0.5\n",
	"t.json":      `{"train": [{"a": 1, "b": 2}, {"a": 2, "b": 3}]}`,
	"sub/k.csv":   "x,y\n1,2\n",
	"dvc.yaml": `vars: [v.yaml]
stages:
  prepare:
    cmd: echo ${w.a} > data
    params: [lr, model.layers.0]
    outs: [data]
  train:
    desc: learns
    cmd: "true"
    deps: [data]
    metrics: [m.json: {cache: false}]
    plots: [logs: {cache: false}]
  sweep:
    foreach: [a, b]
    do:
      cmd: cp data ${item}
      deps: [data]
      outs: ['${item}']
metrics: [md, gone.json]
plots:
- t.json
- both: {x: a, y: {t.json: [a, b]}}
`,
	"sub/dvc.yaml": "plots: [k.csv]\nstages:\n  s:\n    cmd: x\n    deps: [../a]\n    metrics: [../md/a.json: {cache: false}]\n",
}

// TestShownLikeDVC runs the commands that only show something with dvc and with
// this program, on the same files, and compares what they print.
func TestShownLikeDVC(t *testing.T) {
	dvc := dvctest.Find(t)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	env := append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+t.TempDir(), "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	call := func(sub, program string, args ...string) (string, int) {
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Env = filepath.Join(dir, sub), env
		out, err := cmd.Output()
		if _, ok := err.(*exec.ExitError); !ok {
			require.NoError(t, err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	write := func(files map[string]string) {
		for name, text := range files {
			file := filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
			require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
		}
	}
	call("", "git", "init", "-q", "-b", "main")
	call("", dvc, "init", "-q")
	write(shownFiles)
	call("", "git", "add", "-A")
	call("", "git", "commit", "-q", "-m", "first")
	write(map[string]string{"m.json": `{"acc": 0.8}`, "params.yaml": "lr: 0.2\nmodel: {layers: [64, 16], depth: 3}\n", "v.yaml": "w: {a: 2}\n",
		"t.json": `[{"a": 5, "b": 6}]`})

	for i, line := range []string{
		"metrics show", "metrics show --md", "metrics show -a --json", "metrics diff --targets m.json",
		"params diff --targets params.yaml", "params diff --md --no-path --targets v.yaml", "params diff --deps --json", "params diff nope",
		"plots show --json", "plots diff --json", "plots show --json --split both -x b",
		"stage list --all", "dag", "dag --outs --mermaid", "dag --full --md sweep", "dag --collapse-foreach-matrix --mermaid",
		"sub: metrics show --json", "sub: plots show --json", "sub: dag --mermaid s",
	} {
		if i%3 != 0 && os.Getenv("REPRODL_LONG") == "" {
			continue // a call of dvc takes most of a second
		}
		t.Run(line, func(t *testing.T) {
			sub, args, ok := strings.Cut(line, ": ")
			if !ok {
				sub, args = "", line
			}
			want, wantExit := call(sub, dvc, strings.Fields(args)...)
			var out, errs bytes.Buffer
			exit := run(context.Background(), strings.Fields(args), &world{
				Dir: filepath.Join(dir, sub), Env: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
			assert.Equal(t, wantExit, exit, "%s", &errs)
			if strings.Contains(args, "--json") && wantExit == 0 {
				assert.Equal(t, comparable(t, want), comparable(t, out.String()))
				return
			}
			assert.Equal(t, want, out.String())
		})
	}
}

// comparable decodes JSON, less the bodies of plots' templates, which are not
// those of DVC.
func comparable(t *testing.T, text string) any {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal([]byte(text), &v), text)
	var strip func(v any)
	strip = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if c, ok := v["content"].(map[string]any); ok {
				v["content"] = map[string]any{"data": c["data"], "title": c["title"]}
			}
			for _, x := range v {
				strip(x)
			}
		case []any:
			for _, x := range v {
				strip(x)
			}
		}
	}
	strip(v)
	return v
}
