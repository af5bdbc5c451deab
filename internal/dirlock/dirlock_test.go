package dirlock_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dirlock"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := dirlock.Lock(dir)
	require.NoError(t, err)
	_, err = dirlock.Lock(dir)
	assert.ErrorIs(t, err, dirlock.ErrLocked, "also for the same process")
	require.NoError(t, unlock())
	unlock, err = dirlock.Lock(dir)
	require.NoError(t, err)
	require.NoError(t, unlock())
}
