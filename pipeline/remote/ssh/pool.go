package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// sshd allows 10 sessions of a connection unless MaxSessions says otherwise.
const (
	maxSessions = 4 // more would only cost the server processes
	perSession  = 4 // calls at a time that are worth another session
	aliveEvery  = 20 * time.Second
)

// pool is the connection to a server and its sessions. A session is an SFTP
// process on the server, of one thread.
type pool struct {
	cfg  *remote.Config
	host *host

	mu       sync.Mutex
	client   *ssh.Client
	sessions []*session
	limit    int // sessions the server allows
	active   int // calls under way
	next     int
}

// session is an SFTP session of a connection.
// conn is the connection that it belongs to, which the pool may have replaced.
type session struct {
	*sftp.Client
	pool *pool
	conn *ssh.Client
}

func newPool(c *remote.Config, h *host) *pool {
	return &pool{cfg: c, host: h, limit: min(maxSessions, h.maxSessions)}
}

// get returns a session for a call, which ends with put.
// get holds the lock while it connects: calls that come meanwhile would each open
// a connection of their own, and sshd refuses many at once.
func (p *pool) get(ctx context.Context) (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == nil {
		if err := p.connect(ctx); err != nil {
			return nil, err
		}
	}
	// A session more only when those there are busy: most operations need one.
	if n := len(p.sessions); p.active >= n*perSession && n < p.limit {
		if err := p.addSession(); err != nil { // the server has MaxSessions, say
			p.limit = n
		}
	}
	p.active++
	p.next++
	// In turn; a session takes many calls at a time.
	return p.sessions[p.next%len(p.sessions)], nil
}

// put counts, and no more: a session is not taken out of the pool by a call.
func (p *pool) put() {
	p.mu.Lock()
	p.active--
	p.mu.Unlock()
}

// connect opens the connection and its first session. p.mu is held.
func (p *pool) connect(ctx context.Context) error {
	client, err := p.host.dial(ctx, p.cfg)
	if err != nil {
		return err
	}
	p.client = client
	if err := p.addSession(); err != nil {
		client.Close()
		p.client = nil
		return &sessionError{err}
	}
	go p.watch(client)
	return nil
}

// sessionError: there is a machine that lets us in, but it has no SFTP.
type sessionError struct{ err error }

func (e *sessionError) Error() string { return "the server offers no SFTP session: " + e.err.Error() }
func (e *sessionError) Unwrap() error { return e.err }

// addSession starts another SFTP process on the connection. p.mu is held.
func (p *pool) addSession() error {
	c, err := sftp.NewClient(p.client, sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(true), sftp.MaxConcurrentRequestsPerFile(64))
	if err != nil {
		return err
	}
	p.sessions = append(p.sessions, &session{Client: c, pool: p, conn: p.client})
	return nil
}

// watch forgets a connection that has ended, and ends one that has fallen silent.
func (p *pool) watch(client *ssh.Client) {
	ended := make(chan struct{})
	go func() { client.Wait(); close(ended) }()
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			p.forget(client)
			return
		case <-tick.C:
			// Any answer will do, a refusal too. Without one in time the connection is closed,
			// which ends all calls on it; those then try again.
			answer := make(chan error, 1)
			go func() { _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); answer <- err }()
			select {
			case <-answer:
			case <-ended:
			case <-time.After(aliveEvery):
				client.Close()
			}
		}
	}
}

// forget lets the next call connect anew, unless another call has done so already.
func (p *pool) forget(client *ssh.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == client {
		p.client, p.sessions = nil, nil
	}
}

// abandon ends the connection of a session that cannot be trusted any more.
// Other calls on the same connection fail with it.
func (s *session) abandon() {
	s.pool.forget(s.conn)
	s.conn.Close()
}

// Close ends the connection, if there is one.
// The lock is not held while the connection closes: calls under way end with errors
// and call forget.
func (p *pool) Close() error {
	p.mu.Lock()
	client := p.client
	p.client, p.sessions = nil, nil
	p.mu.Unlock()
	if client == nil {
		return nil
	}
	return client.Close()
}

// dial connects and logs in.
func (h *host) dial(ctx context.Context, c *remote.Config) (*ssh.Client, error) {
	auth, err := h.authentication(ctx, c)
	if err != nil {
		return nil, err
	}
	defer auth.close()
	check, algorithms, err := h.hostKeys()
	if err != nil {
		return nil, err
	}
	conn, err := h.connect(ctx)
	if err != nil {
		return nil, err
	}
	// x/crypto/ssh knows no context, and its Timeout is only for dialling: a server that
	// accepts and then says nothing would hold the login for ever.
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	tooLong := time.AfterFunc(h.timeout, func() { conn.Close() })
	defer tooLong.Stop()
	sc, chans, reqs, err := ssh.NewClientConn(conn, h.address(), &ssh.ClientConfig{
		User: h.user, Auth: auth.methods, HostKeyCallback: check, HostKeyAlgorithms: algorithms, Timeout: h.timeout,
	})
	if err != nil {
		conn.Close()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !tooLong.Stop():
			err = fmt.Errorf("there is a server, but no login within %v (option 'timeout'): %w", h.timeout, os.ErrDeadlineExceeded)
		}
		return nil, &loginError{err, auth.tried}
	}
	return ssh.NewClient(sc, chans, reqs), nil
}

// connect is the connection below SSH: TCP, or a command's input and output.
func (h *host) connect(ctx context.Context) (net.Conn, error) {
	if h.proxyCommand != "" {
		return dialCommand(ctx, h.proxyCommand)
	}
	d := net.Dialer{Timeout: h.timeout}
	return d.DialContext(ctx, "tcp", h.address())
}

func (h *host) address() string { return net.JoinHostPort(h.name, h.port) }

// loginError is what ended a connection before a session was there.
type loginError struct {
	err   error
	tried []string
}

func (e *loginError) Error() string { return e.err.Error() }
func (e *loginError) Unwrap() error { return e.err }

var errNoAuth = errors.New("no key and no password to log in with")

func (h *host) String() string { return fmt.Sprintf("%s@%s", h.user, h.address()) }
