//go:build unix

package data_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
)

// TestTransferred: what push, fetch and pull tell of what they did, and of what they
// would do.
func TestTransferred(t *testing.T) {
	d := newDataRepo(t)
	store := t.TempDir()
	d.write(".dvc/config", "[core]\n    no_scm = true\n    remote = r\n['remote \"r\"']\n    url = "+store+"\n")
	d.write("data/a", "12345")
	d.write("data/b", "123")
	d.write("big", "1234567890")
	_, err := d.open().Add(t.Context(), nil, "data", "big")
	require.NoError(t, err)
	manifest, err := filepath.Glob(d.path(".dvc/cache/files/md5/*/*.dir"))
	require.NoError(t, err)
	fi, err := os.Stat(manifest[0])
	require.NoError(t, err)
	all := data.Transferred{Files: 4, Bytes: 18 + fi.Size()}

	var last data.Progress
	dry := &data.TransferOptions{DryRun: true}
	done, err := d.open().Push(t.Context(), dry)
	require.NoError(t, err)
	assert.Equal(t, all, *done)
	done, err = d.open().Push(t.Context(), &data.TransferOptions{Progress: func(p data.Progress) { last = p }})
	require.NoError(t, err)
	assert.Equal(t, all, *done)
	assert.Equal(t, "uploading", last.Phase)
	assert.Equal(t, last.TotalFiles, last.Files)
	done, err = d.open().Push(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, data.Transferred{}, *done)

	require.NoError(t, os.RemoveAll(d.path(".dvc/cache")))
	done, err = d.open().Fetch(t.Context(), dry)
	require.NoError(t, err)
	assert.Equal(t, all, *done)
	require.NoError(t, os.Remove(d.path("big")))
	done, list, err := d.open().Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, all, *done)
	assert.Equal(t, []string{"big"}, list.Added)

	require.NoError(t, os.RemoveAll(d.path(".dvc/cache")))
	require.NoError(t, os.RemoveAll(store))
	done, err = d.open().Fetch(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 2, done.Missing)
}
