package repofs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSweepTemps(t *testing.T) {
	dir := t.TempDir()
	// Left by a process that is gone: nobody holds the lock.
	left := filepath.Join(dir, tempPrefix+"1")
	require.NoError(t, os.MkdirAll(filepath.Join(left, "new"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(left, tempMark), nil, 0o600))
	long := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(left, tempMark), long, long))
	// A user's, by chance of this name.
	user := filepath.Join(dir, tempPrefix+"ting-started")
	require.NoError(t, os.Mkdir(user, 0o777))

	busy, remove, err := newTemp(dir)
	require.NoError(t, err)
	assert.NoDirExists(t, left)
	assert.DirExists(t, user)
	require.NoError(t, os.Chtimes(filepath.Join(busy, tempMark), long, long))
	other, removeOther, err := newTemp(dir)
	require.NoError(t, err)
	assert.DirExists(t, busy)
	remove()
	removeOther()
	assert.NoDirExists(t, busy)
	assert.NoDirExists(t, other)
	assert.DirExists(t, user)
}
