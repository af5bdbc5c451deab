package hub_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// TestTheRepositoryIsRebasedMeanwhile: the mark keeps what is to be run.
func TestTheRepositoryIsRebasedMeanwhile(t *testing.T) {
	f := newFleet(t, nil, nil)
	old := f.Git("rev-parse", "HEAD")
	_, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "e", Set: []string{"lr=5"}})
	require.NoError(t, err)
	f.Git("commit", "--amend", "-qm", "another history")
	f.Git("reflog", "expire", "--expire=now", "--all")
	f.Git("gc", "--prune=now", "-q")
	require.NoError(t, f.worker("HUB_TEST_IDLE=1").Wait())
	tasks, err := f.queue.Tasks(t.Context())
	require.NoError(t, err)
	require.Len(t, tasks, 1)
	assert.Equal(t, queue.Success, tasks[0].State, tasks[0].Error)
	list, err := f.repo.List(t.Context(), &experiment.Selection{All: true})
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, strings.TrimSpace(old), list[0].Baseline, "it descends from what it was queued on")
	f.Fsck()
}

// TestAWorkersDiskIsFull: the task is another worker's, and nothing is lost.
func TestAWorkersDiskIsFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs root to mount a small disk: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	f := newFleet(t, nil, nil)
	full := f.worker("HUB_TEST_DIR="+filepath.Join(disk, "worker"), "TMPDIR="+disk)
	// The clone is made, then there is no room left.
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(disk, "worker")); return err == nil }, time.Minute, 10*time.Millisecond)
	time.Sleep(300 * time.Millisecond)
	fill(t, filepath.Join(disk, "fill"))
	_, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "e", Set: []string{"lr=1,2"}})
	require.NoError(t, err)
	time.Sleep(time.Second)
	require.NoError(t, f.worker("HUB_TEST_IDLE=1").Wait())
	require.Eventually(t, func() bool {
		done, err := f.queue.Tasks(t.Context(), queue.Success)
		return err == nil && len(done) == 2
	}, time.Minute, 50*time.Millisecond)
	failed, err := f.queue.Tasks(t.Context(), queue.Failed)
	require.NoError(t, err)
	assert.Empty(t, failed, "no task is blamed for the machine")
	_ = full.Process.Kill()
	f.Fsck()
}

// fill writes until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	require.NoError(t, err)
	defer file.Close()
	for _, size := range []int{4096, 1} {
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	require.ErrorIs(t, err, unix.ENOSPC)
}
