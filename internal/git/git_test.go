package git_test

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/git"
)

// repo is a scratch repository; sh runs a shell line in it.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	for k, v := range map[string]string{"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com", "GIT_COMMITTER_NAME": "Ada",
		"GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1"} {
		t.Setenv(k, v)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	r := repo{t, dir}
	r.git("init", "-q", "-b", "main")
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	out, err := cmd.CombinedOutput()
	require.NoError(r.t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func (r repo) write(name, text string) {
	r.t.Helper()
	p := filepath.Join(r.dir, filepath.FromSlash(name))
	require.NoError(r.t, os.MkdirAll(filepath.Dir(p), 0o777))
	require.NoError(r.t, os.WriteFile(p, []byte(text), 0o666))
}

func (r repo) open() *git.Repo {
	r.t.Helper()
	g, err := git.Open(r.dir)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { g.Close() })
	return g
}

func sample(t *testing.T) repo {
	r := newRepo(t)
	r.write("a.txt", "one\n")
	r.write("dir/b.txt", "two\n")
	r.write("dir/süb/c d.txt", "three\n")
	r.write("dir.x", "sorts before dir/\n")
	r.git("add", "-A")
	r.git("commit", "-qm", "first")
	return r
}

func TestTreeIsAFileSystem(t *testing.T) {
	for _, packed := range []bool{false, true} {
		r := sample(t)
		if packed {
			r.git("gc", "-q")
		}
		fsys, err := r.open().Tree(t.Context(), "main")
		require.NoError(t, err)
		assert.NoError(t, fstest.TestFS(fsys, "a.txt", "dir/b.txt", "dir/süb/c d.txt"))
		data, err := fs.ReadFile(fsys, "dir/süb/c d.txt")
		require.NoError(t, err)
		assert.Equal(t, "three\n", string(data))
		_, err = fs.Stat(fsys, "dir/none")
		assert.ErrorIs(t, err, fs.ErrNotExist)
		_, err = fs.Stat(fsys, "a.txt/x")
		assert.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestTreeFollowsLinksInsideOnly(t *testing.T) {
	r := sample(t)
	for name, target := range map[string]string{"in": "dir/b.txt", "up": "dir/../a.txt", "out": "../../etc/passwd", "abs": "/etc/passwd", "loop": "loop", "d": "dir"} {
		require.NoError(t, os.Symlink(target, filepath.Join(r.dir, name)))
	}
	r.git("add", "-A")
	r.git("commit", "-qm", "links")
	fsys, err := r.open().Tree(t.Context(), "HEAD")
	require.NoError(t, err)
	for name, want := range map[string]string{"in": "two\n", "up": "one\n", "d/b.txt": "two\n"} {
		got, err := fs.ReadFile(fsys, name)
		require.NoError(t, err, name)
		assert.Equal(t, want, string(got))
	}
	for _, name := range []string{"out", "abs", "loop"} {
		_, err := fs.ReadFile(fsys, name)
		assert.Error(t, err, name)
	}
	target, err := fsys.(fs.ReadLinkFS).ReadLink("out")
	require.NoError(t, err)
	assert.Equal(t, "../../etc/passwd", target)
}

func TestWrittenObjectsAreGits(t *testing.T) {
	r := sample(t)
	g := r.open()
	ctx := t.Context()
	blob, err := g.WriteObject(git.Blob, []byte("new\n"))
	require.NoError(t, err)
	base, err := g.Resolve(ctx, "HEAD")
	require.NoError(t, err)
	c, err := g.Commit(ctx, base)
	require.NoError(t, err)
	tree, err := g.EditTree(ctx, c.Tree, map[string]git.Change{
		"dir/süb/c d.txt": {},                             // its directory vanishes with it
		"x/y/z":           {Mode: git.ModeFile, ID: blob}, // new directories
		"dir.x":           {Mode: git.ModeExec, ID: blob}, // replaced
		"a.txt/inside":    {Mode: git.ModeFile, ID: blob}, // a directory in place of a file
		"a.txt":           {},
		"dir/b.txt":       {Mode: git.ModeSymlink, ID: blob},
	})
	require.NoError(t, err)

	r.git("read-tree", string(tree)) // refuses a malformed one
	want := "100644 blob " + string(blob) + "\ta.txt/inside\n100755 blob " + string(blob) + "\tdir.x\n120000 blob " + string(blob) +
		"\tdir/b.txt\n100644 blob " + string(blob) + "\tx/y/z"
	assert.Equal(t, want, r.git("ls-tree", "-r", string(tree)))
	assert.Equal(t, string(tree), r.git("write-tree"))

	author, committer, err := g.Identity(ctx)
	require.NoError(t, err)
	id, err := g.WriteCommit(&git.Commit{Tree: tree, Parents: []git.ID{base}, Author: author, Committer: committer, Message: "no newline"})
	require.NoError(t, err)
	require.NoError(t, g.UpdateRefs(ctx, git.Update{Name: "refs/exps/x", New: id, Old: git.NoRef}))
	assert.Empty(t, r.git("fsck", "--strict", "--no-dangling"))
	got, err := g.Commit(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, "no newline", got.Message)
	assert.Equal(t, "Ada", got.Author.Name)
	assert.Equal(t, []git.ID{base}, got.Parents)
}

func TestUpdateRefsComparesOldValues(t *testing.T) {
	r := sample(t)
	g := r.open()
	ctx := t.Context()
	id, err := g.Resolve(ctx, "HEAD")
	require.NoError(t, err)
	require.NoError(t, g.UpdateRefs(ctx, git.Update{Name: "refs/exps/a", New: id, Old: git.NoRef}))
	err = g.UpdateRefs(ctx, git.Update{Name: "refs/exps/b", New: id, Old: git.NoRef}, git.Update{Name: "refs/exps/a", New: id, Old: git.NoRef})
	var gerr *git.Error
	require.ErrorAs(t, err, &gerr)
	assert.Contains(t, gerr.Error(), "refs/exps/a")
	refs, err := g.Refs(ctx, "refs/exps/")
	require.NoError(t, err)
	assert.Equal(t, []git.Ref{{Name: "refs/exps/a", ID: id}}, refs, "all or none")
	require.NoError(t, g.UpdateRefs(ctx, git.Update{Name: "refs/exps/a", Old: id}))
	_, err = g.Ref(ctx, "refs/exps/a")
	assert.ErrorIs(t, err, git.ErrNotFound)
}

func TestResolve(t *testing.T) {
	r := sample(t)
	first := r.git("rev-parse", "HEAD")
	r.git("tag", "-a", "v1", "-m", "annotated")
	r.git("commit", "-q", "--allow-empty", "-m", "second")
	second := r.git("rev-parse", "HEAD")
	for _, packed := range []bool{false, true} {
		if packed {
			r.git("pack-refs", "--all")
			r.git("gc", "-q")
		}
		g := r.open()
		for rev, want := range map[string]string{"HEAD": second, "main": second, "refs/heads/main": second, "v1": first, "HEAD~1": first, first: first, first[:8]: first} {
			got, err := g.Resolve(t.Context(), rev)
			require.NoError(t, err, rev)
			assert.Equal(t, want, string(got), rev)
		}
		for _, rev := range []string{"nope", "", "--all", "../config", "x\ny", strings.Repeat("0", 40)} {
			_, err := g.Resolve(t.Context(), rev)
			assert.ErrorIs(t, err, git.ErrNotFound, rev)
		}
		id, branch, err := g.Head(t.Context())
		require.NoError(t, err)
		assert.Equal(t, second, string(id))
		assert.Equal(t, "refs/heads/main", branch)
	}
}

func TestOpenFindsWorktreesAndBareRepositories(t *testing.T) {
	r := sample(t)
	linked := filepath.Join(t.TempDir(), "linked")
	r.git("worktree", "add", "-q", "-b", "other", linked)
	g, err := git.Open(filepath.Join(linked, "dir"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(r.dir, ".git"), g.CommonDir())
	assert.NotEqual(t, g.CommonDir(), g.Dir())
	_, branch, err := g.Head(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "refs/heads/other", branch)
	ok, err := g.Tracked("a.txt")
	require.NoError(t, err)
	assert.True(t, ok)

	bare := filepath.Join(t.TempDir(), "bare.git")
	r.git("clone", "-q", "--bare", r.dir, bare)
	g, err = git.Open(bare)
	require.NoError(t, err)
	assert.Empty(t, g.Root())
	fsys, err := g.Tree(t.Context(), "main")
	require.NoError(t, err)
	_, err = fs.Stat(fsys, "a.txt")
	assert.NoError(t, err)
	require.NoError(t, g.Close())

	_, err = git.Open(t.TempDir())
	assert.ErrorIs(t, err, git.ErrNotRepo)
}

func TestSubmoduleIsAnEmptyDirectory(t *testing.T) {
	r := sample(t)
	sub := sample(t)
	r.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", sub.dir, "mod")
	r.git("commit", "-qm", "submodule")
	g := r.open()
	fsys, err := g.Tree(t.Context(), "HEAD")
	require.NoError(t, err)
	list, err := fs.ReadDir(fsys, "mod")
	require.NoError(t, err)
	assert.Empty(t, list)
	tree, err := g.Snapshot(t.Context(), "mod/dir", "mod/a.txt", "mod")
	require.NoError(t, err)
	assert.Equal(t, r.git("rev-parse", "HEAD^{tree}"), string(tree), "whoever wants files of it has it as it is")
	inner, err := git.Open(filepath.Join(r.dir, "mod", "dir"))
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(r.dir, "mod"), inner.Root())
}

func TestSHA256(t *testing.T) {
	r := newRepo(t)
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, ".git")))
	r.git("init", "-q", "-b", "main", "--object-format=sha256")
	r.write("d/f", "x")
	r.git("add", "-A")
	r.git("commit", "-qm", "c")
	g := r.open()
	fsys, err := g.Tree(t.Context(), "HEAD")
	require.NoError(t, err)
	assert.NoError(t, fstest.TestFS(fsys, "d/f"))
	id, err := g.WriteObject(git.Blob, []byte("y"))
	require.NoError(t, err)
	assert.Equal(t, "y", r.git("cat-file", "-p", string(id)))
}

func TestErrorsNameTheCommand(t *testing.T) {
	g := sample(t).open()
	_, err := g.Run(t.Context(), "cat-file", "-t", "nothing")
	assert.ErrorContains(t, err, "git cat-file -t nothing: fatal:")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = g.Run(ctx, "status")
	assert.ErrorIs(t, err, context.Canceled)
	t.Setenv("PATH", t.TempDir())
	_, err = g.Run(t.Context(), "status")
	assert.ErrorIs(t, err, git.ErrMissing)
}

func TestHooksCannotMisleadUs(t *testing.T) {
	r := sample(t)
	t.Setenv("GIT_DIR", "/nowhere")
	t.Setenv("GIT_INDEX_FILE", "/nowhere/index")
	out, err := r.open().Run(t.Context(), "ls-files")
	require.NoError(t, err)
	assert.Contains(t, string(out), "a.txt")
}

func TestHugeBlobIsRefusedInMemoryAndCopied(t *testing.T) {
	r := sample(t)
	g := r.open()
	var sink counter
	id, err := g.WriteBlob(strings.NewReader(strings.Repeat("0123456789", 200_000)), 2_000_000)
	require.NoError(t, err)
	kind, err := g.Copy(t.Context(), &sink, id)
	require.NoError(t, err)
	assert.Equal(t, git.Blob, kind)
	assert.EqualValues(t, 2_000_000, sink)
	_, n, err := g.Size(t.Context(), id)
	require.NoError(t, err)
	assert.EqualValues(t, 2_000_000, n)
	_, err = g.WriteBlob(strings.NewReader("short"), 2_000_000)
	assert.Error(t, err)
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }
