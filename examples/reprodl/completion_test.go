//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program calls the program in a directory of its own.
type program struct {
	t   *testing.T
	dir string
	env []string
}

func newProgram(t *testing.T) *program {
	dir := t.TempDir()
	env := append(os.Environ(), "HOME="+dir, "DVC_NO_ANALYTICS=1", "DVC_GLOBAL_CONFIG_DIR="+dir, "DVC_SYSTEM_CONFIG_DIR="+dir,
		"DVC_SITE_CACHE_DIR="+filepath.Join(dir, "site"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	return &program{t, filepath.Join(dir, "work"), env}
}

func (p *program) call(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(p.dir, 0o777))
	var out, msg bytes.Buffer
	code = run(p.t.Context(), args, &world{Dir: p.dir, Env: p.env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &msg})
	return out.String(), msg.String(), code
}

// out is what a call prints that must succeed.
func (p *program) out(args ...string) string {
	p.t.Helper()
	out, msg, code := p.call(args...)
	require.Zero(p.t, code, "%v: %s%s", args, out, msg)
	return out
}

func (p *program) git(args ...string) {
	p.t.Helper()
	require.NoError(p.t, os.MkdirAll(p.dir, 0o777))
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, string(out))
}

// completions are what the shell's script is told for words, the last being the
// one that is typed.
func (p *program) completions(words ...string) []string {
	p.t.Helper()
	lines := strings.Split(strings.TrimSpace(p.out(append([]string{"__completeNoDesc"}, words...)...)), "\n")
	require.True(p.t, strings.HasPrefix(lines[len(lines)-1], ":"), "the directive is last")
	return lines[:len(lines)-1]
}

// completionRepo has two stages, an experiment and remotes of both kinds.
func completionRepo(t *testing.T) *program {
	p := newProgram(t)
	p.git("init", "-q")
	p.out("init", "-q")
	p.out("stage", "add", "-n", "prepare", "-o", "clean", "echo 1 > clean")
	p.out("stage", "add", "-n", "train", "-d", "clean", "-o", "model", "cp clean model")
	p.out("remote", "add", "storage", "../storage")
	p.out("remote", "add", "backup", "../backup")
	p.git("remote", "add", "origin", "../origin")
	p.git("add", "-A")
	p.git("commit", "-qm", "init")
	p.out("exp", "run", "-n", "first_train")
	return p
}

func TestCompletesNames(t *testing.T) {
	p := completionRepo(t)
	for line, want := range map[string][]string{
		"com":                       {"commit", "completion"},
		"repro ":                    {"prepare", "train"},
		"repro tr":                  {"train"},
		"repro prepare ":            {"train"}, // none twice
		"exp run --queue pre":       {"prepare"},
		"exp apply ":                {"first_train"},
		"exp push ":                 {"origin"},
		"exp push origin ":          {"first_train"},
		"exp remove -g ":            {"origin"},
		"exp ap":                    {"apply"},
		"remote modify ":            {"backup", "storage"},
		"push -r st":                {"storage"},
		"pull --remote ba":          {"backup"},
		"push --rem":                {"--remote"},
		"repro --force-d":           {"--force-downstream"},
		"completion ":               {"bash", "zsh", "fish", "powershell"},
		"completion -s z":           {"zsh"},
		"queue logs ":               {},
		"-C /nonexistent exp apply": {"apply"},
	} {
		assert.ElementsMatch(t, want, p.completions(strings.Split(line, " ")...), line)
	}
	elsewhere := newProgram(t)
	assert.Empty(t, elsewhere.completions("repro", ""), "no repository, and no message in the user's line")
	assert.Equal(t, []string{"train"}, elsewhere.completions("-C", p.dir, "repro", "tr"))
}

func TestCompletionScripts(t *testing.T) {
	p := newProgram(t)
	for shell, mark := range map[string]string{
		"bash": "complete -o default", "zsh": "#compdef reprodl\n", "fish": "complete -c reprodl", "powershell": "Register-ArgumentCompleter",
	} {
		script := p.out("completion", shell)
		assert.Contains(t, script, mark, shell)
		assert.Equal(t, script, p.out("completion", "-s", shell), "dvc's spelling")
	}
	assert.Equal(t, p.out("completion"), p.out("completion", "bash"))
	assert.Contains(t, p.out("completion", "-s", "zsh", "--program", "dvc"), "#compdef dvc\n")
	for _, bad := range [][]string{{"completion", "csh"}, {"completion", "--program", "a; b"}} {
		_, msg, code := p.call(bad...)
		assert.Equal(t, exitUsage, code)
		assert.Contains(t, msg, "ERROR: argument")
	}
}

// TestCompletionInBash sources the script in a real shell, presses the tab key for
// it, and reads the words that the shell would offer.
func TestCompletionInBash(t *testing.T) {
	p := completionRepo(t)
	exe, err := os.Executable()
	require.NoError(t, err)
	bin := t.TempDir()
	shim := "#!/bin/sh\nREPRODL_TEST_MAIN=1 exec '" + exe + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "reprodl"), []byte(shim), 0o777))
	cmd := exec.Command("bash", "-c", `source <(reprodl completion bash)
_init_completion() { words=(reprodl repro tr); cword=2; cur=tr; prev=repro; } # of the package bash-completion
COMP_WORDS=(reprodl repro tr) COMP_CWORD=2 COMP_TYPE=9 COMP_KEY=9
compopt() { :; } # works only while a completion runs
__start_reprodl
echo "${COMPREPLY[@]}"`)
	cmd.Dir, cmd.Env = p.dir, append(p.env, "PATH="+bin+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "train", strings.TrimSpace(string(out)))
}
