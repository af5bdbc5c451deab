package spool

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const prefix = ".get-"

func open(t *testing.T, dir string, thing ...string) *Dir {
	t.Helper()
	d, err := Open(dir, prefix, thing...)
	require.NoError(t, err)
	return d
}

func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	require.NoError(t, os.Chtimes(filepath.Join(dir, mark), then, then))
}

func TestDirIsTakenOver(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, "a", "b")
	require.NoError(t, os.WriteFile(filepath.Join(first.Path, "f"), make([]byte, 100), 0o666))
	assert.True(t, first.Holds(100))
	assert.False(t, first.Holds(101))

	busy := open(t, dir, "a", "b")
	assert.NotEqual(t, first.Path, busy.Path, "two processes at a time")
	other := open(t, dir, "ab")
	assert.NotEqual(t, first.Path, other.Path)
	busy.Close(true)
	assert.NoDirExists(t, busy.Path, "nobody would find it")
	other.Close(false)
	assert.NoDirExists(t, other.Path)

	first.Close(true)
	again := open(t, dir, "a", "b")
	assert.Equal(t, first.Path, again.Path)
	assert.FileExists(t, filepath.Join(again.Path, "f"))
	again.Close(false)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	left := open(t, dir, "left") // by a process that is gone: nobody holds the lock
	left.Close(true)
	age(t, left.Path, Patience+time.Hour)
	waits := open(t, dir, "waits")
	waits.Close(true)
	age(t, waits.Path, Patience-time.Hour)
	hidden := filepath.Join(dir, prefix+"1") // one without a name
	require.NoError(t, os.MkdirAll(filepath.Join(hidden, "new"), 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(hidden, mark), nil, 0o600))
	age(t, hidden, time.Hour)
	user := filepath.Join(dir, prefix+"ting-started") // by chance of this name
	require.NoError(t, os.Mkdir(user, 0o777))

	busy := open(t, dir, "busy")
	assert.NoDirExists(t, left.Path)
	assert.NoDirExists(t, hidden)
	assert.DirExists(t, waits.Path)
	age(t, busy.Path, 10*Patience)
	other := open(t, dir, "other")
	assert.DirExists(t, busy.Path)
	assert.DirExists(t, user)
	Sweep(dir, prefix, time.Hour)
	assert.NoDirExists(t, waits.Path, "to the impatient")
	busy.Close(false)
	other.Close(false)
	assert.DirExists(t, user)
}
