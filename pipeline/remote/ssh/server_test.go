//go:build unix

package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// sshd is an SSH server of this process. Its files are those of the system; the
// home directory of the test, with keys and known_hosts, is temporary.
type sshd struct {
	listener net.Listener
	home     string
	signer   ssh.Signer // the host's key
	channels int64      // that a connection may open; 0 = any

	mu    sync.Mutex
	conns []net.Conn
	dials atomic.Int64
}

const password = "open sesame"

func newSSHD(t *testing.T) *sshd {
	t.Helper()
	s := &sshd{home: t.TempDir(), signer: newKey(t, "")}
	t.Setenv("HOME", s.home)
	t.Setenv("SSH_AUTH_SOCK", "")
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(s.home, ".ssh"), 0o700))
	s.know(t, s.signer.PublicKey())
	user := newKey(t, filepath.Join(s.home, ".ssh", "id_ed25519"))
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
				return nil, os.ErrPermission
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != password {
				return nil, os.ErrPermission
			}
			return nil, nil
		},
	}
	config.AddHostKey(s.signer)
	go s.accept(config)
	t.Cleanup(func() { s.listener.Close(); s.cut() })
	return s
}

func newKey(t *testing.T, file string) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	if file != "" {
		block, err := ssh.MarshalPrivateKey(key, "")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
		require.NoError(t, os.WriteFile(file+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()), 0o600))
	}
	return signer
}

func (s *sshd) know(t *testing.T, key ssh.PublicKey) {
	line := knownhosts.Line([]string{knownhosts.Normalize(s.listener.Addr().String())}, key)
	require.NoError(t, os.WriteFile(filepath.Join(s.home, ".ssh", "known_hosts"), []byte(line+"\n"), 0o600))
}

func (s *sshd) accept(config *ssh.ServerConfig) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.dials.Add(1)
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		go s.serve(conn, config)
	}
}

func (s *sshd) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	open := int64(0)
	for c := range channels {
		if open++; s.channels > 0 && open > s.channels {
			c.Reject(ssh.ResourceShortage, "MaxSessions")
			continue
		}
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				r.Reply(r.Type == "subsystem", nil)
			}
		}()
		go func() {
			server, err := sftp.NewServer(channel)
			if err == nil {
				err = server.Serve()
			}
			if err == io.EOF || err == nil {
				channel.Close()
			}
		}()
	}
}

// cut breaks all connections.
func (s *sshd) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

func (s *sshd) config(dir string, more ...string) remote.Config {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	c := remote.Config{Name: "r", URL: "ssh://me@127.0.0.1" + dir, Options: map[string]string{"port": port}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	return c
}

func (s *sshd) open(t *testing.T, dir string, more ...string) *server {
	t.Helper()
	r, err := remote.Open(t.Context(), s.config(dir, more...))
	require.NoError(t, err)
	t.Cleanup(func() { r.(*server).Close() })
	return r.(*server)
}
