package atomicfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")

	require.NoError(t, atomicfile.WriteFile(path, []byte("one"), nil))
	require.NoError(t, os.Chmod(path, 0o640))
	require.NoError(t, atomicfile.WriteFile(path, []byte("two"), &atomicfile.Options{Sync: true}))

	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "two", string(got))
	assertOnly(t, dir, "f")
}

func TestWriteFileFollowsSymlink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(target, []byte("old"), 0o666))
	if err := os.Symlink("target", link); err != nil {
		t.Skip("no symbolic links here:", err)
	}

	require.NoError(t, atomicfile.WriteFile(link, []byte("new"), nil))

	got, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "new", string(got))
}

func TestCleanupLeavesOldContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o666))

	f, err := atomicfile.Create(path, nil)
	require.NoError(t, err)
	_, err = f.WriteString("half of the ne")
	require.NoError(t, err)
	f.Cleanup()

	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
	assertOnly(t, dir, "f")
}

func TestTempElsewhere(t *testing.T) {
	dir := t.TempDir()
	opts := &atomicfile.Options{Temp: filepath.Join(dir, "made", "tmp")}
	path := filepath.Join(dir, "f")
	f, err := atomicfile.Create(path, opts)
	require.NoError(t, err)
	defer f.Cleanup()
	assertOnly(t, dir, "made")
	require.NoError(t, f.Commit())
	assertOnly(t, opts.Temp)
	assertOnly(t, dir, "f", "made")
}

func TestWriteFileIfChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	wrote, err := atomicfile.WriteFileIfChanged(path, []byte("x"), nil)
	require.NoError(t, err)
	assert.True(t, wrote)

	wrote, err = atomicfile.WriteFileIfChanged(path, []byte("x"), nil)
	require.NoError(t, err)
	assert.False(t, wrote)
}

func assertOnly(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	assert.Equal(t, want, got)
}
