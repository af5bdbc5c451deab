package repo_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/repo"
	"github.com/reprodl/reprodl/internal/repotest"
)

func newRepo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	require.NoError(t, os.Mkdir(dir, 0o777))
	repotest.Run(t, dir, "git", "init", "-q")
	_, err := repo.Init(dir, nil)
	require.NoError(t, err)
	return dir
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

func TestInitLikeDVC(t *testing.T) {
	dvc := repotest.DVC(t)
	ours := newRepo(t)
	theirs := filepath.Join(t.TempDir(), "repo")
	require.NoError(t, os.Mkdir(theirs, 0o777))
	repotest.Run(t, theirs, "git", "init", "-q")
	repotest.Run(t, theirs, dvc, "init", "-q")
	for _, name := range []string{".dvc/config", ".dvc/.gitignore", ".dvcignore"} {
		assert.Equal(t, read(t, theirs, name), read(t, ours, name), name)
	}
	_, err := repo.Init(ours, nil)
	assert.EqualError(t, err, "'.dvc' exists. Use `-f` to force.")
	found, err := repo.Find(filepath.Join(ours, ".dvc"))
	require.NoError(t, err)
	assert.Equal(t, ours, found)
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
	dvc := repotest.DVC(t)
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
	cmd.Env = repotest.LevelsEnv(t.TempDir())
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
