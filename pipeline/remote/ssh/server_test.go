//go:build unix

package ssh

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// sshd is the server of the tests.
type sshd struct{ *sshtest.Server }

func newSSHD(t *testing.T) *sshd { return &sshd{sshtest.New(t)} }

func (s *sshd) open(t *testing.T, dir string, more ...string) *server {
	t.Helper()
	r, err := remote.Open(t.Context(), s.Config(dir, more...))
	require.NoError(t, err)
	t.Cleanup(func() { r.(*server).Close() })
	return r.(*server)
}
