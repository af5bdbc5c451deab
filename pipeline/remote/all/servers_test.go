package all

import (
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

// servers are those that .ci/servers has started: a name, a URL and options each.
func servers(t *testing.T) (list [][]string) {
	t.Helper()
	name := os.Getenv("REPRODL_REMOTES")
	if name == "" {
		t.Skip("REPRODL_REMOTES names no list of servers: see .ci/servers")
	}
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		list = append(list, strings.Fields(line))
	}
	return list
}

// knowing is a home directory in which ssh knows the servers.
func knowing(t *testing.T) string {
	t.Helper()
	known, err := os.ReadFile(os.Getenv("REPRODL_KNOWN_HOSTS"))
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), known, 0o600))
	return home
}

// TestServers runs the suite against the real servers that .ci/servers starts.
func TestServers(t *testing.T) {
	list := servers(t)
	t.Setenv("HOME", knowing(t))
	for _, fields := range list {
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
