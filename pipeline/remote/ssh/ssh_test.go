//go:build unix

package ssh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		return newSSHD(t).open(t, filepath.Join(t.TempDir(), "store"))
	})
}

func TestLarge(t *testing.T) {
	s := newSSHD(t).open(t, t.TempDir())
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<18) // 4 MiB
	_, err := s.Put(t.Context(), "a/large", remote.Bytes(data))
	require.NoError(t, err)
	for _, c := range []struct{ offset, length int64 }{{0, -1}, {100_000, -1}, {100_000, 3 << 20}} {
		r, err := s.Open(t.Context(), "a/large", c.offset, c.length)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, errors.Join(err, r.Close()))
		end := int64(len(data))
		if c.length > 0 {
			end = c.offset + c.length
		}
		assert.True(t, bytes.Equal(data[c.offset:end], got), "%d bytes at %d: got %d", c.length, c.offset, len(got))
	}
}

// A broken connection is told as one that is worth another try, which connects anew.
func TestReconnect(t *testing.T) {
	d := newSSHD(t)
	s := d.open(t, t.TempDir())
	_, err := s.Put(t.Context(), "x", remote.Bytes([]byte("x")))
	require.NoError(t, err)
	d.Cut()
	assert.NoError(t, remote.Retry(t.Context(), &remote.RetryOptions{Wait: time.Millisecond}, func() error {
		_, err := s.Stat(t.Context(), "x")
		return err
	}))
	assert.Equal(t, int64(2), d.Dials.Load())
}

func TestCutWhileReading(t *testing.T) {
	d := newSSHD(t)
	s := d.open(t, t.TempDir())
	_, err := s.Put(t.Context(), "x", remote.Bytes(make([]byte, 8<<20)))
	require.NoError(t, err)
	r, err := s.Open(t.Context(), "x", 0, -1)
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 100_000))
	require.NoError(t, err)
	d.Cut()
	_, err = io.Copy(io.Discard, r)
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Temporary, err)
	r.Close()
}

func TestServerAllowsFewSessions(t *testing.T) {
	d := newSSHD(t)
	d.Channels = 1
	dir := t.TempDir()
	remotetest.Test(t, func(t *testing.T) remote.Remote { return d.open(t, filepath.Join(dir, t.Name())) })
}

func TestHostKeys(t *testing.T) {
	d := newSSHD(t)
	stat := func() error {
		_, err := d.open(t, t.TempDir()).Stat(t.Context(), "x")
		return err
	}
	assert.ErrorIs(t, stat(), remote.ErrNotFound, "the key is known")

	d.Know(t, sshtest.NewKey(t, "").PublicKey())
	err := stat()
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "is not the one in "+filepath.Join(d.Home, ".ssh", "known_hosts")+":1: somebody may be listening in")
	assert.ErrorContains(t, err, "ssh-keygen -R '127.0.0.1:")

	known := filepath.Join(d.Home, ".ssh", "known_hosts")
	require.NoError(t, os.Remove(known))
	err = stat()
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "is not known; check it and add it with: ssh -p ")

	config := filepath.Join(d.Home, ".ssh", "config")
	require.NoError(t, os.WriteFile(config, []byte("Host 127.0.0.1\n  StrictHostKeyChecking accept-new\n"), 0o600))
	assert.ErrorIs(t, stat(), remote.ErrNotFound)
	require.NoError(t, os.Remove(config))
	assert.ErrorIs(t, stat(), remote.ErrNotFound, "it was remembered")
}

func TestLogin(t *testing.T) {
	d := newSSHD(t)
	key := filepath.Join(d.Home, ".ssh", "id_ed25519")
	stat := func(more ...string) error {
		_, err := d.open(t, t.TempDir(), more...).Stat(t.Context(), "x")
		return err
	}
	assert.ErrorIs(t, stat(), remote.ErrNotFound)
	moved := filepath.Join(d.Home, "key")
	require.NoError(t, os.Rename(key, moved))

	err := stat()
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "no key and no password to log in with; ssh-add, dvc remote modify r keyfile FILE")

	assert.ErrorIs(t, stat("keyfile", moved), remote.ErrNotFound)
	assert.ErrorIs(t, stat("password", sshtest.Password), remote.ErrNotFound)
	assert.ErrorContains(t, stat("keyfile", "/nowhere/key"), "/nowhere/key")

	sshtest.NewKey(t, key)
	err = stat("password", "wrong-password")
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "me@127.0.0.1:")
	assert.ErrorContains(t, err, "lets none of these in; tried "+key+", the password")
	assert.NotContains(t, err.Error(), "wrong-password")

	assert.ErrorContains(t, stat("ask_password", "true"), "nobody to ask")
	c := d.Config(t.TempDir(), "ask_password", "true")
	c.Ask = func(_ context.Context, prompt string) (string, error) {
		assert.Contains(t, prompt, "Password for me@127.0.0.1")
		return sshtest.Password, nil
	}
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	_, err = r.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrNotFound)
}

func TestAgent(t *testing.T) {
	d := newSSHD(t)
	key := filepath.Join(d.Home, ".ssh", "id_ed25519")
	data, err := os.ReadFile(key)
	require.NoError(t, err)
	raw, err := ssh.ParseRawPrivateKey(data)
	require.NoError(t, err)
	require.NoError(t, os.Remove(key))
	ring := agent.NewKeyring()
	require.NoError(t, ring.Add(agent.AddedKey{PrivateKey: raw}))
	socket := filepath.Join(d.Home, "agent")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, conn)
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", socket)
	_, err = d.open(t, t.TempDir()).Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrNotFound)
	require.NoError(t, os.WriteFile(filepath.Join(d.Home, ".ssh", "config"), []byte("IdentitiesOnly yes\nIdentityFile ~/.ssh/id_ed25519\n"), 0o600))
	_, err = d.open(t, t.TempDir()).Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrNotFound, "the agent has the key of the file")
	_, err = d.open(t, t.TempDir(), "allow_agent", "false").Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrDenied)
}

func TestSSHConfig(t *testing.T) {
	d := newSSHD(t)
	host, port, _ := net.SplitHostPort(d.Addr)
	config := "Match exec false\n  User wrong\nHost lab*\n  HostName " + host + "\n  Port " + port + "\n  User me\n  IdentityFile ~/.ssh/other\n"
	require.NoError(t, os.WriteFile(filepath.Join(d.Home, ".ssh", "config"), []byte(config), 0o600))
	require.NoError(t, os.Rename(filepath.Join(d.Home, ".ssh", "id_ed25519"), filepath.Join(d.Home, ".ssh", "other")))
	r, err := remote.Open(t.Context(), remote.Config{URL: "ssh://lab1" + t.TempDir()})
	require.NoError(t, err)
	_, err = r.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrNotFound)
}

func TestProxyCommand(t *testing.T) {
	d := newSSHD(t)
	_, port, _ := net.SplitHostPort(d.Addr)
	if _, err := os.Stat("/bin/bash"); err != nil {
		t.Skip("no bash to make a proxy of")
	}
	command := `bash -c 'exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & cat >&3'`
	require.NoError(t, os.WriteFile(filepath.Join(d.Home, ".ssh", "config"), []byte("Host far\n  HostKeyAlias 127.0.0.1\n  ProxyCommand "+command+"\n"), 0o600))
	known := filepath.Join(d.Home, ".ssh", "known_hosts")
	data, err := os.ReadFile(known)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(known, []byte(strings.Replace(string(data), "[127.0.0.1]:"+port, "127.0.0.1", 1)), 0o600))
	r, err := remote.Open(t.Context(), remote.Config{URL: "ssh://me@far:" + port + t.TempDir()})
	require.NoError(t, err)
	_, err = r.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrNotFound)
}

func TestProxyJump(t *testing.T) {
	h := &host{name: "inner", port: "2222"}
	assert.Equal(t, "ssh -W [inner]:2222 outer", h.proxy("", "outer"))
	assert.Equal(t, "ssh -W [inner]:2222 -J a,me@b -p 22022 c", h.proxy("", "a,me@b,c:22022"))
	assert.Empty(t, h.proxy("none", "none"))
}

func TestUnreachable(t *testing.T) {
	d := newSSHD(t)
	s := d.open(t, t.TempDir())
	d.Close()
	_, err := s.Stat(t.Context(), "x")
	var e *remote.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, remote.ErrUnreachable, e.Kind)
	assert.True(t, e.Temporary)
}

// A server that accepts and then says nothing does not hold us for ever.
func TestSilentServer(t *testing.T) {
	d := newSSHD(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	s := d.open(t, t.TempDir(), "port", port, "timeout", "0.2")
	_, err = s.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrUnreachable)
	assert.ErrorContains(t, err, "no login within 200ms")
}
