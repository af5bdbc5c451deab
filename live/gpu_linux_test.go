package live

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseNvidia(t *testing.T) {
	s, err := parseNvidia([]byte("0, 87, 1024, 4096\n1, [N/A], 512, 2048\r\n\n"))
	require.NoError(t, err)
	assert.Equal(t, sample{
		"system/gpu/count": 2, "system/gpu/usage (%)/0": 87,
		"system/vram/usage (%)/0": 25, "system/vram/usage (GB)/0": 1, "system/vram/total (GB)/0": 4,
		"system/vram/usage (%)/1": 25, "system/vram/usage (GB)/1": 0.5, "system/vram/total (GB)/1": 2,
	}, s)
	_, err = parseNvidia([]byte("No devices were found\n"))
	assert.Error(t, err)
}

// nvidiaSMI puts a program of that name first on PATH.
func nvidiaSMI(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte("#!/bin/sh\n"+script), 0o777))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestMonitorGraphicsCards(t *testing.T) {
	nvidiaSMI(t, `test "$1" = --query-gpu=index,utilization.gpu,memory.used,memory.total || exit 2
test "$2" = --format=csv,noheader,nounits || exit 2
echo "0, 50, 1024, 4096"
`)
	t.Chdir(t.TempDir())
	l, err := Open("run", &Options{Monitor: &Monitor{Interval: time.Millisecond, Samples: 2}})
	require.NoError(t, err)
	assert.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.series["system/gpu/usage (%)/0"] != nil
	}, time.Minute, time.Millisecond)
	require.NoError(t, l.Close())
	for name, want := range map[string]float64{
		"system/gpu/count": 1, "system/gpu/usage (%)/0": 50, "system/vram/usage (%)/0": 25,
		"system/vram/usage (GB)/0": 1, "system/vram/total (GB)/0": 4,
	} {
		p, err := Latest(os.DirFS("run"), name)
		require.NoError(t, err)
		assert.Equal(t, want, p.Value, name)
	}
	names, err := Names(os.DirFS("run"))
	require.NoError(t, err)
	assert.Contains(t, names, "system/gpu/usage (%)/0")
	assert.NotContains(t, names, "system/gpu/count")
	assert.NotContains(t, names, "system/vram/total (GB)/0")
}

// TestMonitorCardsOfThisMachine holds the numbers against nvidia-smi's list.
func TestMonitorCardsOfThisMachine(t *testing.T) {
	list, err := exec.Command("nvidia-smi", "-L").Output()
	if err != nil {
		t.Skip("no NVIDIA graphics card here")
	}
	n := newNvidia(t.Context())
	require.NotNil(t, n)
	s, err := n.sample(t.Context())
	require.NoError(t, err)
	t.Log(s)
	cards := bytes.Count(list, []byte("UUID: GPU-"))
	assert.EqualValues(t, cards, s[gpuCount])
	for i := range cards {
		total, used := s[fmt.Sprintf("system/vram/total (GB)/%d", i)], s[fmt.Sprintf("system/vram/usage (GB)/%d", i)]
		assert.Positive(t, total)
		assert.LessOrEqual(t, used, total)
		busy, ok := s[fmt.Sprintf("system/gpu/usage (%%)/%d", i)]
		assert.True(t, ok)
		assert.LessOrEqual(t, busy, 100.0)
	}
}

// A machine with the program and without a card, or with a driver that hangs.
func TestMonitorWithoutGraphicsCards(t *testing.T) {
	for name, script := range map[string]string{
		"no card":   "echo No devices were found\nexit 6\n",
		"no driver": "echo NVIDIA-SMI has failed >&2\nexit 9\n",
		"hangs":     "exec sleep 1000\n",
	} {
		t.Run(name, func(t *testing.T) {
			nvidiaSMI(t, script)
			t.Chdir(t.TempDir())
			l, err := Open("run", &Options{Monitor: &Monitor{Interval: time.Millisecond, Samples: 1}})
			require.NoError(t, err)
			l.Log("a", 1)
			require.NoError(t, l.NextStep())
			require.NoError(t, l.Close(), "and does not wait for it")
			_, err = Latest(os.DirFS("run"), "system/gpu/count")
			assert.Error(t, err)
		})
	}
}
