// Package repotest makes DVC repositories for tests.
package repotest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Env keeps git and dvc from the user's own settings: they look for them below
// home.
func Env(home string) []string {
	return []string{
		"HOME=" + home, "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "TZ=UTC", "PATH=" + os.Getenv("PATH"),
		"DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR=" + filepath.Join(home, "site"),
		"DVC_GLOBAL_CONFIG_DIR=" + home, "DVC_SYSTEM_CONFIG_DIR=" + home, "XDG_CONFIG_HOME=",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com",
		"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
	}
}

// New makes a repository without git of the given files.
func New(t testing.TB, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, ".dvc"), 0o777))
	Write(t, dir, ".dvc/config", "[core]\n    no_scm = true\n")
	for name, text := range files {
		Write(t, dir, name, text)
	}
	return dir
}

// NewGit is New under git, with all files committed.
func NewGit(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := New(t, files)
	Write(t, dir, ".dvc/config", "")
	Write(t, dir, ".dvc/.gitignore", "/config.local\n/tmp\n/cache\n")
	Git(t, dir, "init", "-q", "-b", "main")
	Commit(t, dir, "first")
	return dir
}

// Write writes a file, whose name is given with slashes.
func Write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o666))
}

// Read returns the content of a file.
func Read(t testing.TB, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(data)
}

// Git runs git in dir.
func Git(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, Env(dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// Commit commits all files.
func Commit(t testing.TB, dir, msg string) {
	t.Helper()
	Git(t, dir, "add", "-A")
	Git(t, dir, "commit", "-q", "-m", msg)
}

// DVC finds the real tool, which some tests compare with: the one that REPRODL_DVC
// names, or dvc in PATH. Without it the test is skipped.
func DVC(t testing.TB) string {
	t.Helper()
	path := os.Getenv("REPRODL_DVC")
	if path == "" {
		found, err := exec.LookPath("dvc")
		if err != nil {
			t.Skip("no dvc here: set REPRODL_DVC")
		}
		path = found
	}
	return path
}

// LevelsEnv is the environment with the global and the system level of configuration
// in directories of these names below home.
func LevelsEnv(home string) []string {
	return append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(home, "site"), "HOME="+home,
		"DVC_GLOBAL_CONFIG_DIR="+filepath.Join(home, "global"), "DVC_SYSTEM_CONFIG_DIR="+filepath.Join(home, "system"))
}

// Run runs a program in dir, with the LevelsEnv of the directory above, and returns
// what it prints.
func Run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, LevelsEnv(filepath.Dir(dir))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}
