//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
