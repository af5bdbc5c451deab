package data_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/data"
)

// TestMerge merges what two sides did to a directory.
func TestMerge(t *testing.T) {
	dir := repotest.NewGit(t, nil)
	r, err := data.Open(dir, &data.Options{Env: repotest.Env(t.TempDir())})
	require.NoError(t, err)
	side := func(name string, files map[string]string) {
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "data")))
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "data"), 0o777))
		for file, text := range files {
			repotest.Write(t, dir, "data/"+file, text)
		}
		_, err := r.Add(t.Context(), nil, "data")
		require.NoError(t, err)
		require.NoError(t, os.Rename(filepath.Join(dir, "data.dvc"), filepath.Join(dir, name)))
	}
	side("base", map[string]string{"same": "s", "old": "o", "both": "b"})
	side("our", map[string]string{"same": "s", "old": "o", "both": "changed", "ours": "1"})
	side("their", map[string]string{"same": "s", "both": "b", "sub/theirs": "22"})
	side("want", map[string]string{"same": "s", "both": "changed", "ours": "1", "sub/theirs": "22"})
	require.NoError(t, r.Merge(t.Context(), "base", "our", "their"))
	assert.Equal(t, repotest.Read(t, dir, "want"), repotest.Read(t, dir, "our"))

	side("their", map[string]string{"same": "s", "old": "o", "both": "other"})
	err = r.Merge(t.Context(), "base", "our", "their")
	assert.ErrorAs(t, err, new(*data.MergeError))
	assert.EqualError(t, err, "unable to auto-merge the following paths:\nboth")
}

// TestDestroy keeps data that was only a link to the cache.
func TestDestroy(t *testing.T) {
	dir := repotest.NewGit(t, nil)
	repotest.Write(t, dir, ".dvc/config", "[cache]\n    type = hardlink,copy\n")
	repotest.Write(t, dir, "data/a", "content")
	r, err := data.Open(dir, &data.Options{Env: repotest.Env(t.TempDir())})
	require.NoError(t, err)
	_, err = r.Add(t.Context(), nil, "data")
	require.NoError(t, err)
	require.NoError(t, r.Destroy(t.Context()))
	assert.Equal(t, "content", repotest.Read(t, dir, "data/a"))
	for _, name := range []string{".dvc", "data.dvc", ".dvcignore"} {
		assert.NoFileExists(t, filepath.Join(dir, name))
	}
	_, err = data.Open(dir, nil)
	assert.ErrorIs(t, err, data.ErrNotRepo)
}
