package queue_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/storetest"
)

func TestFileStoreIsAStore(t *testing.T) {
	dir, n := t.TempDir(), 0
	err := storetest.Test(t.Context(), func() (queue.Store, error) {
		n++
		return queue.NewFileStore(filepath.Join(dir, fmt.Sprint(n), "queue.db"), nil), nil
	})
	require.NoError(t, err)
}
