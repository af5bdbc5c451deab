//go:build unix

package all

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// TestListURLOfAFile: a file on a server is listed by its path there, as by DVC.
func TestListURLOfAFile(t *testing.T) {
	s := sshtest.New(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), []byte("f"), 0o666))
	_, port, err := net.SplitHostPort(s.Addr)
	require.NoError(t, err)
	u := newClient(t, "ssh://me@127.0.0.1"+dir, map[string]string{"port": port, "keyfile": filepath.Join(s.Home, ".ssh", "id_ed25519")})
	u.home = s.Home
	assert.Equal(t, dir+"/f\n", u.ok("ls-url", "remote://r/f"))
	assert.Equal(t, "f\n", u.ok("ls-url", "remote://r/"))
}
