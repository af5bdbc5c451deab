package live_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/reprodl/reprodl/live"
)

// TestDiskFull fills the disk under a run, which goes on: the logger keeps what
// it cannot write, says so, and writes it when there is room again.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("cannot mount a small file system, which needs root: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	dir, ballast := filepath.Join(disk, "run"), filepath.Join(disk, "ballast")
	last := 0
	for _, lag := range []time.Duration{-1, childLag} {
		l, err := live.Open(dir, quiet(live.Options{Resume: true, Lag: lag, NoDVCYAML: true}))
		require.NoError(t, err)
		log := func(steps int) {
			for range steps {
				l.Log("loss", 1/float64(l.Step()+1))
				require.NoError(t, l.NextStep())
			}
		}
		log(20)
		require.NoError(t, l.Err())
		var fs unix.Statfs_t
		require.NoError(t, unix.Statfs(disk, &fs))
		f, err := os.Create(ballast)
		require.NoError(t, err)
		require.NoError(t, unix.Fallocate(int(f.Fd()), 0, 0, int64(fs.Bavail)*fs.Bsize))
		require.NoError(t, f.Close())
		log(1000)
		require.Eventually(t, func() bool { return errors.Is(l.Err(), unix.ENOSPC) }, time.Minute, time.Millisecond)
		require.NoError(t, os.Remove(ballast))
		log(20)
		assert.NoError(t, l.Close(), "what was written late is no trouble any more")

		last += 1040
		data, err := os.ReadFile(filepath.Join(dir, "plots", "metrics", "loss.tsv"))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:]
		require.Len(t, lines, last)
		for i, line := range lines {
			require.True(t, strings.HasPrefix(line, strconv.Itoa(i)+"\t"), "line %d is %q", i, line)
		}
		summary, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
		require.NoError(t, err)
		assert.Contains(t, string(summary), fmt.Sprintf(`"step": %d`, last-1))
	}
}
