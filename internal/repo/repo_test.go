package repo_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/repo"
)

// dvcPath finds the real tool, which some tests compare with.
func dvcPath(t *testing.T) string {
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

func dvcEnv(home string) []string {
	return append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(home, "site"), "HOME="+home,
		"DVC_GLOBAL_CONFIG_DIR="+filepath.Join(home, "global"), "DVC_SYSTEM_CONFIG_DIR="+filepath.Join(home, "system"))
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = dvcEnv(filepath.Dir(dir))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

func newRepo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	require.NoError(t, os.Mkdir(dir, 0o777))
	run(t, dir, "git", "init", "-q")
	_, err := repo.Init(dir, nil)
	require.NoError(t, err)
	return dir
}

func load(t *testing.T, dir string) *repo.Config {
	t.Helper()
	home := filepath.Dir(dir)
	c, err := repo.LoadConfig(filepath.Join(dir, ".dvc"), func(key string) string {
		return map[string]string{"DVC_GLOBAL_CONFIG_DIR": filepath.Join(home, "global"), "DVC_SYSTEM_CONFIG_DIR": filepath.Join(home, "system")}[key]
	})
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	return c
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

func TestInitLikeDVC(t *testing.T) {
	dvc := dvcPath(t)
	ours := newRepo(t)
	theirs := filepath.Join(t.TempDir(), "repo")
	require.NoError(t, os.Mkdir(theirs, 0o777))
	run(t, theirs, "git", "init", "-q")
	run(t, theirs, dvc, "init", "-q")
	for _, name := range []string{".dvc/config", ".dvc/.gitignore", ".dvcignore"} {
		assert.Equal(t, read(t, theirs, name), read(t, ours, name), name)
	}
	_, err := repo.Init(ours, nil)
	assert.EqualError(t, err, "'.dvc' exists. Use `-f` to force.")
	found, err := repo.Find(filepath.Join(ours, ".dvc"))
	require.NoError(t, err)
	assert.Equal(t, ours, found)
}

// TestConfigLikeDVC makes the same edits with both tools.
func TestConfigLikeDVC(t *testing.T) {
	dvc := dvcPath(t)
	ours, theirs := newRepo(t), newRepo(t)
	c := load(t, ours)
	require.NoError(t, c.AddRemote(repo.Project, "MyRem", "../rem", ours, false, true))
	run(t, theirs, dvc, "remote", "add", "-d", "MyRem", "../rem")
	for _, kv := range [][3]string{
		{"core", "autostage", "true"}, {"cache", "type", "reflink,hardlink"}, {"cache", "dir", "../cc"}, {"exp", "git_remote", "a # b"},
		{`remote "myrem"`, "jobs", "4"}, {"core", "autostage", "false"}, {"plots", "out_dir", "a'b"}, {"parsing", "bool", "store_true"},
	} {
		require.NoError(t, c.Set(repo.Project, kv[0], kv[1], kv[2], ours))
		name := kv[0] + "." + kv[1]
		if kv[0] == `remote "myrem"` {
			name = "remote.myrem." + kv[1]
		}
		run(t, theirs, dvc, "config", name, kv[2])
		assert.Equal(t, read(t, theirs, ".dvc/config"), read(t, ours, ".dvc/config"), kv)
	}
	require.NoError(t, c.Edit(repo.Project, func(e *repo.Editor) error { e.Unset("exp", "git_remote"); return nil }))
	run(t, theirs, dvc, "config", "-u", "exp.git_remote")
	assert.Equal(t, read(t, theirs, ".dvc/config"), read(t, ours, ".dvc/config"))

	var list strings.Builder
	for _, v := range load(t, ours).List(repo.Project) {
		list.WriteString(v.Name() + "=" + v.Value + "\n")
	}
	want := strings.ReplaceAll(run(t, theirs, dvc, "config", "-l"), filepath.Dir(theirs), filepath.Dir(ours))
	assert.Equal(t, want, list.String())

	remote, err := load(t, ours).Remote("")
	require.NoError(t, err)
	assert.Equal(t, repo.Remote{Name: "myrem", URL: filepath.Join(filepath.Dir(ours), "rem")}, remote)
}

func TestConfigKeepsComments(t *testing.T) {
	dir := newRepo(t)
	file := filepath.Join(dir, ".dvc", "config")
	require.NoError(t, os.WriteFile(file, []byte("# top\n[core]  # mine\n  remote = a   # which\n[remote \"a\"]\n    url = /x\n"), 0o666))
	c := load(t, dir)
	require.NoError(t, c.Set(repo.Project, "core", "autostage", "true", dir))
	require.NoError(t, c.Set(repo.Project, "cache", "type", "copy", dir))
	assert.Equal(t, "# top\n[core]  # mine\n  remote = a   # which\n    autostage = true\n[cache]\n    type = copy\n[remote \"a\"]\n    url = /x\n", read(t, file))
}

func TestConfigErrors(t *testing.T) {
	dir := newRepo(t)
	for text, want := range map[string]string{
		"[core]\n  foo = 1\n":             "config file error: extra keys not allowed @ data['core']['foo']",
		"[core]\n  autostage = perhaps\n": "config file error: expected true or false for dictionary value @ data['core']['autostage']",
		"[nope]\n  a = 1\n":               "config file error: extra keys not allowed @ data['nope']",
		"[cache]\n  type = clone\n":       "config file error: Unsupported cache type(s): clone for dictionary value @ data['cache']['type']",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".dvc", "config"), []byte(text), 0o666))
		c, err := repo.LoadConfig(filepath.Join(dir, ".dvc"), func(string) string { return dir })
		require.NoError(t, err)
		assert.EqualError(t, c.Validate(), want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".dvc", "config"), []byte("what is this\n"), 0o666))
	_, err := repo.LoadConfig(filepath.Join(dir, ".dvc"), func(string) string { return dir })
	var config *repo.ConfigError
	assert.ErrorAs(t, err, &config)
}

func FuzzConfig(f *testing.F) {
	f.Add("[core]\n    remote = a\n['remote \"a\"']\n    url = \"x,y\" # c\n", "a,'b")
	f.Fuzz(func(t *testing.T, text, value string) {
		dir := t.TempDir()
		file := filepath.Join(dir, "config")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
		c, err := repo.LoadConfig(dir, func(string) string { return filepath.Join(dir, "none") })
		if err != nil || c.Validate() != nil || strings.ContainsAny(value, "\x00\r") {
			return
		}
		if c.Set(repo.Project, "plots", "out_dir", value, dir) != nil {
			return
		}
		again, err := repo.LoadConfig(dir, func(string) string { return filepath.Join(dir, "none") })
		require.NoError(t, err)
		got, ok := again.Get("plots", "out_dir")
		assert.True(t, ok)
		assert.Equal(t, value, got, read(t, file))
	})
}

func TestLocksExclude(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tmp", "lock")
	unlock, err := repo.LockFile(context.Background(), path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = repo.LockFile(ctx, path)
	assert.ErrorIs(t, err, context.Canceled)
	require.NoError(t, unlock())
	require.NoError(t, unlock())
	unlock, err = repo.LockFile(context.Background(), path)
	require.NoError(t, err)
	require.NoError(t, unlock())
}

// TestLocksExcludeDVC lets DVC's own code hold the locks.
func TestLocksExcludeDVC(t *testing.T) {
	dvc := dvcPath(t)
	python := filepath.Join(filepath.Dir(dvc), "python")
	if _, err := os.Stat(python); err != nil {
		t.Skip("no python beside dvc")
	}
	tmp := filepath.Join(newRepo(t), ".dvc", "tmp")
	script := `
import sys, os
from dvc.lock import make_lock
from dvc.rwlock import rwlock
from dvc.fs import localfs
tmp = sys.argv[1]
with make_lock(os.path.join(tmp, "lock")), rwlock(tmp, localfs, "dvc repro", [tmp + "/in"], [tmp + "/out"], False):
    print("held", flush=True)
    sys.stdin.readline()
print("free", flush=True)
sys.stdin.readline()
try:
    with rwlock(tmp, localfs, "dvc repro", [], [tmp + "/out"], False):
        print("got it", flush=True)
except Exception as e:
    print("BUSY" if "is busy" in str(e) else e, flush=True)
try:
    make_lock(os.path.join(tmp, "lock")).lock()
    print("got it", flush=True)
except Exception as e:
    print("LOCKED", flush=True)
`
	cmd := exec.Command(python, "-c", script, tmp)
	cmd.Env = dvcEnv(t.TempDir())
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		require.True(t, lines.Scan(), "want %q", want)
		assert.Equal(t, want, lines.Text())
	}
	next("held")
	_, err = repo.LockFile(context.Background(), filepath.Join(tmp, "lock"))
	require.ErrorIs(t, err, repo.ErrLocked)
	table := repo.NewRWLock(tmp, "reprodl repro")
	for _, paths := range [][2][]string{{nil, {tmp + "/in"}}, {{tmp + "/out/x"}, nil}, {nil, {tmp}}} {
		_, err = table.Acquire(context.Background(), paths[0], paths[1])
		var busy *repo.BusyError
		require.ErrorAs(t, err, &busy)
		assert.Contains(t, err.Error(), "dvc repro")
	}
	shared, err := table.Acquire(context.Background(), []string{tmp + "/in"}, []string{tmp + "/other"})
	require.NoError(t, err)
	require.NoError(t, shared())
	_, err = in.Write([]byte("\n"))
	require.NoError(t, err)
	next("free")

	unlock, err := repo.LockFile(context.Background(), filepath.Join(tmp, "lock"))
	require.NoError(t, err)
	release, err := table.Acquire(context.Background(), nil, []string{tmp + "/out"})
	require.NoError(t, err)
	_, err = in.Write([]byte("\n"))
	require.NoError(t, err)
	next("BUSY")
	next("LOCKED")
	require.NoError(t, release())
	require.NoError(t, unlock())
	assert.Equal(t, "{}", read(t, tmp, "rwlock"))
	require.NoError(t, cmd.Wait())
}

func TestGitignore(t *testing.T) {
	dir := newRepo(t)
	tree := ignore.Git(dir, "")
	file := filepath.Join(dir, ".gitignore")
	require.NoError(t, os.WriteFile(file, []byte("*.log"), 0o666))
	for _, name := range []string{"a b.txt", "[x]*?#!.txt", `back\slash`, "é.txt", "x.log", "a b.txt"} {
		_, err := repo.AddGitignore(tree, filepath.Join(dir, name), nil)
		require.NoError(t, err)
	}
	assert.Equal(t, "*.log\n/a b.txt\n/\\[x\\]\\*\\?\\#\\!.txt\n/back\\\\slash\n/é.txt\n", read(t, file))
	for _, name := range []string{"[x]*?#!.txt", "a b.txt", `back\slash`} {
		_, err := repo.RemoveGitignore(tree, filepath.Join(dir, name), nil)
		require.NoError(t, err)
	}
	assert.Equal(t, "*.log\n/é.txt\n", read(t, file))
	require.NoError(t, os.WriteFile(file, []byte("/x\n"), 0o666))
	_, err := repo.RemoveGitignore(tree, filepath.Join(dir, "x"), nil)
	require.NoError(t, err)
	assert.NoFileExists(t, file)
}
