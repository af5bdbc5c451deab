package git_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// gitSnapshot is what git itself makes of the working tree.
func (r repo) gitSnapshot() string {
	r.t.Helper()
	tmp := filepath.Join(r.t.TempDir(), "index")
	data, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
	require.NoError(r.t, err)
	require.NoError(r.t, os.WriteFile(tmp, data, 0o666))
	// What was edited within a tick of the clock is told by the age of the index.
	fi, err := os.Stat(filepath.Join(r.dir, ".git", "index"))
	require.NoError(r.t, err)
	require.NoError(r.t, os.Chtimes(tmp, time.Time{}, fi.ModTime()))
	r.t.Setenv("GIT_INDEX_FILE", tmp)
	r.git("add", "-u")
	tree := r.git("write-tree")
	os.Unsetenv("GIT_INDEX_FILE")
	return tree
}

func TestSnapshotIsWhatGitWouldStage(t *testing.T) {
	edits := map[string]func(r repo){
		"nothing":     func(r repo) {},
		"edit":        func(r repo) { r.write("dir/b.txt", "TWO\n") },
		"delete":      func(r repo) { require.NoError(r.t, os.Remove(filepath.Join(r.dir, "dir/süb/c d.txt"))) },
		"delete dir":  func(r repo) { require.NoError(r.t, os.RemoveAll(filepath.Join(r.dir, "dir"))) },
		"executable":  func(r repo) { require.NoError(r.t, os.Chmod(filepath.Join(r.dir, "a.txt"), 0o755)) },
		"staged new":  func(r repo) { r.write("n/new", "x"); r.git("add", "n/new"); r.write("n/new", "y") },
		"staged gone": func(r repo) { r.git("rm", "-q", "--cached", "a.txt") },
		"untracked":   func(r repo) { r.write("other", "x") },
		"link": func(r repo) {
			require.NoError(r.t, os.Remove(filepath.Join(r.dir, "a.txt")))
			require.NoError(r.t, os.Symlink("dir/b.txt", filepath.Join(r.dir, "a.txt")))
		},
		"file to dir": func(r repo) {
			require.NoError(r.t, os.Remove(filepath.Join(r.dir, "a.txt")))
			r.write("a.txt/x", "")
			r.git("add", "-A")
		},
		"intent to add": func(r repo) { r.write("ita", "x"); r.git("add", "-N", "ita") },
		"crlf":          func(r repo) { r.git("config", "core.autocrlf", "input"); r.write("a.txt", "x\r\ny\r\n") },
		"filter": func(r repo) {
			r.git("config", "filter.up.clean", "tr a-z A-Z")
			r.write(".gitattributes", "*.txt filter=up\n")
			r.git("add", ".gitattributes")
			r.write("a.txt", "shout\n")
		},
		"sparse": func(r repo) { r.git("sparse-checkout", "set", "--cone", "dir/süb"); r.write("dir/süb/c d.txt", "z") },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			r := sample(t)
			edit(r)
			before, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
			require.NoError(t, err)
			got, err := r.open().Snapshot(t.Context())
			require.NoError(t, err)
			after, err := os.ReadFile(filepath.Join(r.dir, ".git", "index"))
			require.NoError(t, err)
			assert.Equal(t, before, after, "the index is not touched")
			assert.Equal(t, r.gitSnapshot(), string(got))
		})
	}
}

func TestSnapshotTakesUntrackedFilesByName(t *testing.T) {
	r := sample(t)
	r.write("out/a", "1")
	r.write("out/b/c", "2")
	g := r.open()
	got, err := g.Snapshot(t.Context(), "out", "absent")
	require.NoError(t, err)
	assert.Contains(t, r.git("ls-tree", "-r", "--name-only", string(got)), "out/b/c")
	_, err = g.Snapshot(t.Context(), "../x")
	assert.ErrorContains(t, err, "outside")
	dirty, err := g.Dirty(t.Context())
	require.NoError(t, err)
	assert.Empty(t, dirty)
}

func TestSnapshotSeesSameSizeSameTimeEdit(t *testing.T) {
	r := sample(t)
	p := filepath.Join(r.dir, "a.txt")
	fi, err := os.Stat(p)
	require.NoError(t, err)
	r.write("a.txt", "uno\n")
	require.NoError(t, os.Chtimes(p, fi.ModTime(), fi.ModTime()))
	dirty, err := r.open().Dirty(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"a.txt"}, dirty)
}
