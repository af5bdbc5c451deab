//go:build unix

package hub_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
)

// TestWorkersPrepareForTheNextTask which stays queued, and is another worker's if that
// comes first: then the copy that was made for it goes.
func TestWorkersPrepareForTheNextTask(t *testing.T) {
	f := newFleet(t, map[string]string{"dvc.yaml": markedStage, "train.sh": markedScript}, nil)
	attempts, dir := filepath.Join(t.TempDir(), "attempts"), t.TempDir()
	copies := func(id string) (n int) {
		list, _ := filepath.Glob(filepath.Join(dir, "1", ".dvc", "tmp", "exps", "reprodl", "work", id+"-*"))
		for _, name := range list {
			if !strings.HasSuffix(name, ".lock") {
				n++
			}
		}
		return n
	}
	ids := f.add("s", "lr=1,2,3")
	f.worker("ATTEMPTS="+attempts, "HUB_TEST_DIR="+dir)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 1 && copies(ids[1]) == 1 }, time.Minute, 10*time.Millisecond)
	next, err := f.conn.Get(t.Context(), ids[1])
	require.NoError(t, err)
	assert.Equal(t, queue.Queued, next.State)
	assert.Zero(t, next.Attempts)
	// Two others have nothing else to do.
	f.worker("ATTEMPTS=" + attempts)
	f.worker("ATTEMPTS=" + attempts)
	require.Eventually(t, func() bool { return len(lines(attempts)) == 3 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, os.WriteFile(attempts+".go", nil, 0o666))
	done, err := f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	for i := range done {
		assert.Equal(t, 1, done[i].Attempts)
	}
	assert.Len(t, lines(attempts), 3)
	require.Eventually(t, func() bool { return copies(ids[1]) == 0 }, time.Minute, 10*time.Millisecond, "others were given it")
	more := f.add("t", "lr=4,5,6,7,8,9")
	_, err = f.queue.Wait(t.Context(), more...)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(filepath.Join(dir, "1", ".dvc", "tmp", "exps", "reprodl", "work"))
		return err == nil && len(left) == 0
	}, time.Minute, 10*time.Millisecond, "nothing is left of what was prepared")
	assert.Len(t, strings.Fields(f.Git("for-each-ref", "--format=%(refname)", "refs/exps/")), 9)
	f.Fsck()
}
