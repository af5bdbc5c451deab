//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// editor calls the program as DVC's extension for VS Code calls dvc.
type editor struct {
	*testing.T
	dir string
	env []string
}

func (e *editor) write(name, text string) {
	e.Helper()
	require.NoError(e, os.WriteFile(filepath.Join(e.dir, name), []byte(text), 0o666))
}

func (e *editor) git(args ...string) string {
	e.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = e.dir, e.env
	out, err := cmd.CombinedOutput()
	require.NoError(e, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

// dvc requires success and returns the output.
func (e *editor) dvc(args ...string) string {
	e.Helper()
	var stdout, stderr bytes.Buffer
	code := run(e.Context(), args, &world{Dir: e.dir, Env: e.env, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	require.Zero(e, code, "%v: %s%s", args, stdout.String(), stderr.String())
	return strings.TrimSpace(stdout.String())
}

func (e *editor) json(args ...string) any {
	e.Helper()
	var v any
	out := e.dvc(args...)
	require.NoError(e, json.Unmarshal([]byte(out), &v), "%v: %s", args, out)
	return v
}

// TestEditor makes the calls of the extension in the order of a session, and
// checks what it reads of the answers.
func TestEditor(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	base := t.TempDir()
	e := &editor{T: t, dir: filepath.Join(base, "repo"), env: append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=Ada",
		"GIT_COMMITTER_EMAIL=a@b", "GIT_CONFIG_GLOBAL="+os.DevNull, "DVC_NO_ANALYTICS=true", "DVCLIVE_OPEN=false", "GIT_TERMINAL_PROMPT=0", "SHELL=/bin/sh",
		"DVC_GLOBAL_CONFIG_DIR="+filepath.Join(base, "gc"), "DVC_SYSTEM_CONFIG_DIR="+filepath.Join(base, "sc"), "DVC_SITE_CACHE_DIR="+filepath.Join(base, "site"))}
	require.NoError(t, os.Mkdir(e.dir, 0o777))
	e.git("init", "-q", "-b", "main")

	assert.Regexp(t, `^3\.\d+\.\d+`, e.dvc("--version"))
	e.dvc("init")
	assert.Equal(t, ".", e.dvc("root"))
	e.dvc("config", "core.autostage", "false")
	e.dvc("remote", "add", "-d", "storage", filepath.Join(base, "remote"))
	e.write("data.csv", "x\n1\n")
	e.dvc("add", "data.csv")
	e.write("params.yaml", "lr: 0.1\n")
	e.write("dvc.yaml", `stages:
  train:
    cmd: cp params.yaml metrics.yaml && printf 'step,acc\n0,0.5\n1,0.75\n' > plot.csv && cp data.csv model.txt
    deps: [data.csv]
    params: [lr]
    outs: [model.txt]
    metrics: [{metrics.yaml: {cache: false}}]
    plots: [{plot.csv: {cache: false}}]
`)
	assert.Contains(t, e.dvc("stage", "list"), "train")
	assert.Contains(t, e.dvc("dag", "--md"), "```mermaid")
	e.git("add", "-A")
	e.git("commit", "-qm", "base")

	states := e.json("exp", "show", "--json").([]any)
	require.Len(t, states, 2)
	assert.Equal(t, "workspace", states[0].(map[string]any)["rev"])

	e.dvc("exp", "run", "-n", "first", "-S", "lr=0.2")
	e.dvc("exp", "run", "--queue", "-n", "later", "-S", "lr=0.3")
	states = e.json("exp", "show", "--json", "--no-fetch").([]any)
	exps := states[1].(map[string]any)["experiments"].([]any)
	require.Len(t, exps, 2)
	assert.Nil(t, exps[0].(map[string]any)["executor"])
	assert.Equal(t, "queued", exps[1].(map[string]any)["executor"].(map[string]any)["state"])
	assert.NoFileExists(t, filepath.Join(e.dir, ".dvc", "tmp", "exps", "run", "workspace", "workspace.run"), "by this the extension knows what runs")

	plots := e.json("plots", "diff", "workspace", "HEAD", "first", "-o", filepath.Join(".dvc", "tmp", "plots"), "--split", "--json").(map[string]any)
	assert.Contains(t, plots["data"], "plot.csv")
	status := e.json("data", "status", "--granular", "--unchanged", "--json").(map[string]any)
	assert.NotEmpty(t, status)
	e.json("exp", "diff", "first", "--json")

	e.dvc("exp", "run", "--run-all")
	assert.Contains(t, e.dvc("queue", "status"), "Success")
	assert.Contains(t, e.dvc("queue", "logs", "later"), "train")
	e.dvc("queue", "kill")
	e.dvc("queue", "stop")
	e.dvc("exp", "apply", "later")
	e.dvc("exp", "branch", "first", "first-branch")
	e.dvc("exp", "rename", "first", "renamed")
	bare := filepath.Join(base, "bare.git")
	e.git("init", "-q", "--bare", bare)
	e.git("remote", "add", "origin", bare)
	e.dvc("exp", "push", "origin", "renamed")
	assert.Contains(t, e.dvc("exp", "list", "--name-only", "origin"), "renamed")
	e.dvc("exp", "remove", "renamed", "later")
	e.dvc("exp", "pull", "origin", "renamed")
	e.dvc("commit", "-f")
	e.dvc("checkout", "-f")
	e.dvc("push")
	e.dvc("pull")
	e.dvc("fetch")
	e.dvc("move", "data.csv", "moved.csv")
	e.dvc("remove", "moved.csv.dvc")
}
