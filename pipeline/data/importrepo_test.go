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

// TestDiffOfImport compares two states of a directory that was imported, of which the
// cache has none any more: its repository knows what was in them.
func TestDiffOfImport(t *testing.T) {
	env := repotest.Env(t.TempDir())
	open := func(dir string) *data.Repo {
		r, err := data.Open(dir, &data.Options{Env: env})
		require.NoError(t, err)
		return r
	}
	source := repotest.NewGit(t, map[string]string{})
	publish := func(files map[string]string) {
		for name, text := range files {
			repotest.Write(t, source, name, text)
		}
		_, err := open(source).Add(t.Context(), nil, "d")
		require.NoError(t, err)
		repotest.Commit(t, source, "data")
	}
	publish(map[string]string{"d/same": "1", "d/sub/changed": "2"})

	dir := repotest.NewGit(t, map[string]string{})
	_, err := open(dir).Import(t.Context(), source, "d", nil)
	require.NoError(t, err)
	repotest.Commit(t, dir, "import")
	publish(map[string]string{"d/sub/changed": "3", "d/new": "4"})
	err = open(dir).Update(t.Context(), nil, "d.dvc")
	require.NoError(t, err)
	repotest.Commit(t, dir, "update")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".dvc", "cache")))

	c, err := open(dir).Diff(t.Context(), &data.DiffOptions{From: "HEAD~1", To: "HEAD"})
	require.NoError(t, err)
	paths := func(list []data.Change) (out []string) {
		for _, x := range list {
			out = append(out, x.Path)
		}
		return out
	}
	assert.Equal(t, []string{"d/new"}, paths(c.Added))
	assert.Equal(t, []string{"d/", "d/sub/changed"}, paths(c.Modified))

	require.NoError(t, os.RemoveAll(source))
	c, err = open(dir).Diff(t.Context(), &data.DiffOptions{From: "HEAD~1", To: "HEAD"})
	require.NoError(t, err)
	assert.Equal(t, []string{"d/"}, paths(c.Modified))
}
