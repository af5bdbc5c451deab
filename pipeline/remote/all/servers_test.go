package all

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

// TestServers runs the suite against the real servers that .ci/servers starts.
func TestServers(t *testing.T) {
	list := os.Getenv("REPRODL_REMOTES")
	if list == "" {
		t.Skip("REPRODL_REMOTES names no list of servers: see .ci/servers")
	}
	data, err := os.ReadFile(list)
	require.NoError(t, err)
	known, err := os.ReadFile(os.Getenv("REPRODL_KNOWN_HOSTS"))
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), known, 0o600))
	t.Setenv("HOME", home)
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		options := map[string]string{}
		for _, f := range fields[2:] {
			option, value, _ := strings.Cut(f, "=")
			options[option] = value
		}
		n := 0
		t.Run(fields[0], func(t *testing.T) {
			remotetest.Test(t, func(t *testing.T) remote.Remote {
				n++
				url := fmt.Sprintf("%s/%d/%d", fields[1], time.Now().UnixNano(), n)
				r, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: url, Options: options})
				require.NoError(t, err)
				return r
			})
		})
	}
}
