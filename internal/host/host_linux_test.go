package host_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/host"
)

// TestWhatHasEndedIsNotAlive: nobody waits for the process, as in a container without
// an init.
func TestWhatHasEndedIsNotAlive(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	require.NoError(t, cmd.Start())
	require.True(t, host.Alive(cmd.Process.Pid))
	require.NoError(t, cmd.Process.Kill())
	require.Eventually(t, func() bool { return !host.Alive(cmd.Process.Pid) }, time.Minute, time.Millisecond)
	cmd.Wait()
}
