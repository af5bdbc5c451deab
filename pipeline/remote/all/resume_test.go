//go:build unix

package all

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// TestResume kills the command in the middle of a large file: the next one asks only
// for what had not come. It is so for what a remote stores by its hash, and for a URL
// whose server tells one state of a file from another.
func TestResume(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			_, s := k.serve(t, httptest.NewServer)
			l := newLine(t, s.Listener.Addr().String())
			url, options := k.unique("http://" + l.addr)
			resumes(t, l, newClient(t, url, options), true)
		})
	}
	t.Run("ssh", func(t *testing.T) {
		s := sshtest.New(t)
		l := newLine(t, s.Addr)
		s.Addr = l.addr
		s.Know(t, s.Signer.PublicKey())
		_, port, err := net.SplitHostPort(l.addr)
		require.NoError(t, err)
		u := newClient(t, "ssh://me@127.0.0.1"+t.TempDir(), map[string]string{"port": port, "keyfile": filepath.Join(s.Home, ".ssh", "id_ed25519")})
		u.home = s.Home
		resumes(t, l, u, false)
	})
}

func resumes(t *testing.T, l *line, u *client, byURL bool) {
	const size, cut, slack = 64 << 20, 48 << 20, 24 << 20 // what is on its way at the cut is lost
	f, err := os.Create(filepath.Join(u.dir, "large"))
	require.NoError(t, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), size)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	want, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	u.ok("add", "large")
	u.ok("push")

	twice := func(out string, args ...string) {
		t.Helper()
		cmd := u.command(args...)
		l.kill = func() { cmd.Process.Kill() }
		l.arm(cut, works)
		require.NoError(t, cmd.Start())
		require.Error(t, cmd.Wait(), "it was killed")
		l.kill = nil
		l.arm(-1, works)
		before := l.got.Load()
		u.ok(args...)
		assert.Less(t, l.got.Load()-before, int64(size-cut+slack), "what had come was asked for again")
		got, err := os.ReadFile(filepath.Join(u.dir, out))
		require.NoError(t, err)
		require.Equal(t, len(want), len(got))
		require.True(t, string(want) == string(got))
		left, _ := filepath.Glob(filepath.Join(u.dir, ".dvc/cache/files/md5/.*"))
		assert.Empty(t, left)
	}
	u.forget()
	require.NoError(t, os.Remove(f.Name()))
	twice("large", "pull", "large.dvc")
	if byURL {
		key := func() string {
			objects, err := filepath.Glob(filepath.Join(u.dir, ".dvc/cache/files/md5/*/*"))
			require.NoError(t, err)
			for _, o := range objects {
				if fi, err := os.Stat(o); err == nil && fi.Size() == size {
					rel, _ := filepath.Rel(filepath.Join(u.dir, ".dvc/cache"), o)
					return rel
				}
			}
			return ""
		}()
		u.forget()
		twice("copy", "import-url", "remote://r/"+key, "copy")
	}
}
