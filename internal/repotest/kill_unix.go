//go:build unix

package repotest

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// KillTree kills a process and all that it has started, in whatever process
// groups they are, as when a container ends.
func KillTree(t testing.TB, pid int) {
	t.Helper()
	// Stopped, it starts nothing more meanwhile.
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	out, err := exec.Command("ps", "-e", "-o", "pid=,ppid=").Output()
	require.NoError(t, err)
	children := map[int][]int{}
	for line := range bytes.Lines(out) {
		var child, parent int
		if n, _ := fmt.Sscan(string(line), &child, &parent); n == 2 {
			children[parent] = append(children[parent], child)
		}
	}
	for list := []int{pid}; len(list) > 0; {
		next := list[0]
		list = append(list[1:], children[next]...)
		_ = syscall.Kill(next, syscall.SIGKILL)
	}
}
