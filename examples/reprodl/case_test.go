//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// casePrelude is what a case may use: "d ARGS" runs the program, and prints the
// command and its exit code; repo makes a git and DVC repository here.
const casePrelude = `
d() { echo "\$ dvc $*"; dvc "$@"; local r=$?; echo "[rc $r]"; return $r; }
repo() { git init -q . && dvc init -q && git add -A && git commit -qm init; }
`

var caseNoise = regexp.MustCompile(`[ \t]+\n`)

// TestCases runs the shell scripts of testdata/script, and compares all that they
// print with what the real dvc printed. A file's comment names the part that is ours
// alone, if there is one: then it says "ours". With REPRODL_RECORD=1 the output is
// written instead, by $REPRODL_DVC except for those; with REPRODL_LONG=1 the real
// dvc must still print what was written.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	peer, record := os.Getenv("REPRODL_DVC"), os.Getenv("REPRODL_RECORD") != ""
	bin := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	shim := "#!/bin/sh\nREPRODL_TEST_MAIN=1 exec '" + exe + "' \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "dvc"), []byte(shim), 0o777))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(file)
			require.NoError(t, err)
			require.Len(t, a.Files, 2, "a case is a script and what it prints")
			ours := strings.HasPrefix(string(a.Comment), "ours")
			script, want := string(a.Files[0].Data), string(a.Files[1].Data)
			switch {
			case record && !ours:
				a.Files[1].Data = []byte(runCase(t, filepath.Dir(peer), script))
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o666))
				return
			case record:
				a.Files[1].Data = []byte(runCase(t, bin, script))
				require.NoError(t, os.WriteFile(file, txtar.Format(a), 0o666))
				return
			case os.Getenv("REPRODL_LONG") != "" && peer != "" && !ours:
				assert.Equal(t, want, runCase(t, filepath.Dir(peer), script), "the real dvc")
			}
			assert.Equal(t, want, runCase(t, bin, script))
		})
	}
}

func runCase(t *testing.T, bin, script string) string {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	home, work := filepath.Join(base, "home"), filepath.Join(base, "work")
	require.NoError(t, os.MkdirAll(work, 0o777))
	require.NoError(t, os.MkdirAll(home, 0o777))
	config := []byte("[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n")
	require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), config, 0o666))
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", base).Run() })
	cmd := exec.Command("bash", "-c", casePrelude+script)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+bin+":"+os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC",
		"DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(base, "site"), "DVC_GLOBAL_CONFIG_DIR="+home, "DVC_SYSTEM_CONFIG_DIR="+home,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_DATE=1704067200 +0000", "GIT_COMMITTER_DATE=1704067200 +0000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return caseNoise.ReplaceAllString(strings.ReplaceAll(string(out), base, "BASE"), "\n")
}
