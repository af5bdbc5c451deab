package queue_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
)

// TestCardsOfThisMachine holds what is found against nvidia-smi's list, and takes
// what is free.
func TestCardsOfThisMachine(t *testing.T) {
	list, err := exec.Command("nvidia-smi", "-L").Output()
	if err != nil {
		t.Skip("no NVIDIA graphics card here")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	n := strings.Count(string(list), "UUID: GPU-")
	m := queue.Machine(t.Context())
	t.Log(m)
	assert.Equal(t, n, m.GPUs)
	assert.Contains(t, string(list), m.GPUType)
	c := queue.FindCards(t.Context(), nil)
	require.Equal(t, n, c.Len())
	free := c.Free(t.Context())
	env, release, err := c.Take(t.Context(), free)
	require.NoError(t, err)
	t.Log(env)
	assert.Zero(t, c.Free(t.Context()))
	release()
	assert.Equal(t, free, c.Free(t.Context()))
}
