package external

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExpire(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	long := now.Add(-keepClones - time.Hour)
	make := func(name string, last time.Time) string {
		dir := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "objects"), 0o777))
		require.NoError(t, os.WriteFile(dir+".lock", nil, 0o600))
		used(dir, last)
		return dir
	}
	forgotten := make("0123456789abcdef01234567", long)
	recent := make("1123456789abcdef01234567", now)
	locked := make("2123456789abcdef01234567", long)
	foreign := make("something-else", long)
	unlock, err := lock(t.Context(), locked+".lock")
	require.NoError(t, err)

	expire(root, now)
	assert.NoDirExists(t, forgotten)
	for _, dir := range []string{recent, locked, foreign} {
		assert.DirExists(t, dir)
	}
	// Once a day is enough.
	unlock()
	expire(root, now.Add(time.Hour))
	assert.DirExists(t, locked)
	expire(root, now.Add(25*time.Hour))
	assert.NoDirExists(t, locked)
	assert.DirExists(t, recent)
}
