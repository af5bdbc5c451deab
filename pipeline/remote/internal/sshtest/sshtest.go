// Package sshtest has an SSH server for tests.
package sshtest

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

// Server is an SSH server of this process. Its files are those of the system; the
// home directory of the test, with keys and known_hosts, is temporary.
type Server struct {
	Addr     string // of Config and Know; another one may lead to the server
	Home     string
	Signer   ssh.Signer   // the host's key
	Channels int64        // that a connection may open; 0 = any
	Dials    atomic.Int64 // connections so far

	listener net.Listener
	mu       sync.Mutex
	conns    []net.Conn
}

// Password is that of any user.
const Password = "open sesame"

// New starts a server and makes its client's home directory that of the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{Home: t.TempDir(), Signer: NewKey(t, "")}
	t.Setenv("HOME", s.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.Addr = s.listener.Addr().String()
	require.NoError(t, os.MkdirAll(filepath.Join(s.Home, ".ssh"), 0o700))
	s.Know(t, s.Signer.PublicKey())
	user := NewKey(t, filepath.Join(s.Home, ".ssh", "id_ed25519"))
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(user.PublicKey().Marshal()) {
				return nil, os.ErrPermission
			}
			return nil, nil
		},
		PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != Password {
				return nil, os.ErrPermission
			}
			return nil, nil
		},
	}
	config.AddHostKey(s.Signer)
	go s.accept(config)
	t.Cleanup(func() { s.listener.Close(); s.Cut() })
	return s
}

// NewKey makes a key and, unless its name is empty, a file of it.
func NewKey(t *testing.T, file string) ssh.Signer {
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

// Know makes a key the one that the client expects.
func (s *Server) Know(t *testing.T, key ssh.PublicKey) {
	line := knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, key)
	require.NoError(t, os.WriteFile(filepath.Join(s.Home, ".ssh", "known_hosts"), []byte(line+"\n"), 0o600))
}

func (s *Server) accept(config *ssh.ServerConfig) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.Dials.Add(1)
		s.mu.Lock()
		s.conns = append(s.conns, conn)
		s.mu.Unlock()
		go s.serve(conn, config)
	}
}

func (s *Server) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	open := int64(0)
	for c := range channels {
		if open++; s.Channels > 0 && open > s.Channels {
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

// Close ends the server; connections stay.
func (s *Server) Close() { s.listener.Close() }

// Cut breaks all connections.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

// Config is that of a remote at a directory, with more options and their values.
func (s *Server) Config(dir string, more ...string) remote.Config {
	_, port, _ := net.SplitHostPort(s.Addr)
	c := remote.Config{Name: "r", URL: "ssh://me@127.0.0.1" + dir, Options: map[string]string{"port": port}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	return c
}
