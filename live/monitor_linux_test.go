package live

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestParseCPUs(t *testing.T) {
	before, err := parseCPUs([]byte("cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 0 0 100 0 0 0 0 50 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 1\n"))
	require.NoError(t, err)
	now, err := parseCPUs([]byte("cpu0 130 0 0 160 10 0 0 0 80 0\ncpu1 1 0 0 9 0 0 0 0 0 0\n"))
	require.NoError(t, err)
	s := make(sample)
	s.addCPUs(before, now)
	// cpu0: 30 of 100 ticks; cpu1: 1 of 10.
	assert.Equal(t, sample{"system/cpu/count": 2, "system/cpu/usage (%)": 20, "system/cpu/parallelization (%)": 50}, s)
	_, err = parseCPUs([]byte("cpu0 x 0 0 0 0 0 0\n"))
	assert.Error(t, err)
	_, err = parseCPUs(nil)
	assert.Error(t, err)
}

func TestAddMemoryAndDisk(t *testing.T) {
	s := make(sample)
	require.NoError(t, s.addMemory([]byte("MemTotal:        4194304 kB\nMemFree: 1 kB\nMemAvailable:    1048576 kB\n")))
	s.addDisk("main", unix.Statfs_t{Frsize: 1 << 20, Blocks: 4096, Bfree: 3072, Bavail: 1024})
	assert.Equal(t, sample{
		"system/ram/usage (%)": 75, "system/ram/usage (GB)": 3, "system/ram/total (GB)": 4,
		"system/disk/usage (%)/main": 50, "system/disk/usage (GB)/main": 1, "system/disk/total (GB)/main": 4,
	}, s)
	assert.Error(t, s.addMemory(nil))
}

// TestMonitorOfShortRun ends a run before its first sample is due.
func TestMonitorOfShortRun(t *testing.T) {
	t.Chdir(t.TempDir())
	l, err := Open("run", &Options{Monitor: &Monitor{Interval: 100 * time.Millisecond}})
	require.NoError(t, err)
	require.NoError(t, l.Close())
	summary, err := Summary(os.DirFS("run"))
	require.NoError(t, err)
	require.Contains(t, summary, "system")
	system := summary["system"].(map[string]any)
	assert.Positive(t, system["ram"].(map[string]any)["total (GB)"])
	assert.FileExists(t, "run/plots/metrics/system/cpu/usage (%).tsv")
}

// TestMonitor waits for the first row: the samples are a millisecond apart.
func TestMonitor(t *testing.T) {
	t.Chdir(t.TempDir())
	l, err := Open("run", &Options{Monitor: &Monitor{Interval: time.Millisecond, Samples: 2}})
	require.NoError(t, err)
	assert.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.series["system/ram/usage (%)"] != nil
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, l.Close())
	summary, err := Summary(os.DirFS("run"))
	require.NoError(t, err)
	system := summary["system"].(map[string]any)
	assert.Positive(t, system["cpu"].(map[string]any)["count"])
	assert.Positive(t, system["disk"].(map[string]any)["total (GB)"].(map[string]any)["main"])
	assert.NoFileExists(t, "run/plots/metrics/system/cpu/count.tsv")
	assert.FileExists(t, "run/plots/metrics/system/disk/usage (%)/main.tsv")
	for p, err := range Points(os.DirFS("run"), "system/ram/usage (GB)") {
		require.NoError(t, err)
		assert.Positive(t, p.Value)
		assert.False(t, p.Time.IsZero())
	}
}
