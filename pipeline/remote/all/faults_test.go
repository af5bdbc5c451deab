//go:build unix

package all

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// bounded is far more than any failure may take, and less than a test's patience.
const bounded = 90 * time.Second

// TestFaults runs the whole command against servers that are slow, overloaded,
// silent, hostile or not there, of every kind.
func TestFaults(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			t.Run("away", func(t *testing.T) { t.Parallel(); k.away(t) })
			t.Run("overloaded", func(t *testing.T) { t.Parallel(); k.overloaded(t) })
			t.Run("recovers", func(t *testing.T) { t.Parallel(); k.recovers(t) })
			t.Run("refuses", func(t *testing.T) { t.Parallel(); k.refuses(t) })
			t.Run("silent", func(t *testing.T) { t.Parallel(); k.silent(t) })
			t.Run("slow", func(t *testing.T) { t.Parallel(); k.slow(t) })
		})
	}
}

// fails requires a command to end in time with one clear error.
func (u *client) fails(rc int, words []string, args ...string) string {
	u.t.Helper()
	began := time.Now()
	out, got := u.do(args...)
	assert.Equal(u.t, rc, got, "%v: %s", args, out)
	assert.Less(u.t, time.Since(began), bounded)
	assert.Contains(u.t, out, "remote 'r'")
	assert.Equal(u.t, 1, strings.Count(out, "ERROR"), out)
	assert.NotContains(u.t, out, secret)
	for _, w := range words {
		assert.Contains(u.t, out, w)
	}
	return out
}

func (k *kind) away(t *testing.T) {
	u := newClient(t, "", nil)
	u.remote(k.config("http://" + closedAddr(t)))
	u.fails(k.refused, []string{"cannot be reached", "connection refused"}, "push")
	u.fails(k.refused, []string{"cannot be reached", "connection refused"}, "status", "-c")
	u.forget()
	u.fails(k.refused, []string{"cannot be reached", "connection refused"}, "pull")
}

// status answers all requests with a status.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func (k *kind) overloaded(t *testing.T) {
	f := &front{Handler: status(http.StatusServiceUnavailable)}
	s := httptest.NewServer(f)
	defer s.Close()
	u := newClient(t, "", nil)
	u.remote(k.config(s.URL))
	u.fails(1, []string{"Service Unavailable", "trying again in"}, "push")
	n := f.requests.Load()
	assert.LessOrEqual(t, n, int64(200), "so many requests to a server that is overloaded")
	if os.Getenv("REPRODL_LONG") != "" {
		u.forget()
		u.fails(1, []string{"Service Unavailable", "trying again in"}, "pull")
	}
}

// recovers: a server that is throttling serves every third request.
func (k *kind) recovers(t *testing.T) {
	f, s := k.serve(t, httptest.NewServer)
	var n, refused atomic.Int64
	f.set(func(w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1)%3 != 0 {
			return false
		}
		refused.Add(1)
		code := http.StatusTooManyRequests
		if refused.Load()%2 == 0 {
			code = http.StatusServiceUnavailable
		}
		w.WriteHeader(code)
		return true
	})
	u := newClient(t, "", nil)
	u.remote(k.unique(s.URL))
	u.ok("push")
	u.forget()
	u.ok("pull")
	u.whole()
	assert.Greater(t, refused.Load(), int64(2))
}

// unique is a place of its own on a server that others use as well.
func (k *kind) unique(addr string) (string, map[string]string) {
	url, options := k.config(addr)
	return url + "/" + time.Now().Format("150405.000000000"), options
}

func (k *kind) refuses(t *testing.T) {
	f := &front{Handler: status(http.StatusForbidden)}
	s := httptest.NewServer(f)
	defer s.Close()
	u := newClient(t, "", nil)
	u.remote(k.config(s.URL))
	u.fails(k.refused, []string{"access denied", "tried "}, "push")
	u.forget()
	u.fails(k.refused, []string{"access denied", "tried "}, "pull")
	assert.LessOrEqual(t, f.requests.Load(), int64(40), "a refusal is final")
}

// silent: the server takes requests and never answers. Only some kinds have an
// option for how long that may last.
func (k *kind) silent(t *testing.T) {
	if k.name == "gs" {
		t.Skip("no option says how long to wait")
	}
	quit := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-quit:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(quit)
	u := newClient(t, "", nil)
	u.remote(k.config(s.URL))
	u.fails(1, []string{"timeout"}, "push", "-j", "16")
}

// slow: every answer takes its time, and comes in small pieces.
func (k *kind) slow(t *testing.T) {
	f, s := k.serve(t, httptest.NewServer)
	f.set(func(w http.ResponseWriter, r *http.Request) bool {
		time.Sleep(50 * time.Millisecond)
		return false
	})
	u := newClient(t, "", nil)
	u.remote(k.unique(s.URL))
	u.ok("push", "--bandwidth", "400k")
	u.forget()
	began := time.Now()
	u.ok("pull", "--bandwidth", "200k")
	// 305 KB, of which the first 256 KB may pass at once.
	assert.Greater(t, time.Since(began), 200*time.Millisecond)
	u.whole()
}

// TestFaultsSSH is TestFaults for the kind that is not HTTP.
func TestFaultsSSH(t *testing.T) {
	s := sshtest.New(t)
	home := s.Home
	ours := func(t *testing.T, port string) *client {
		u := newClient(t, "", nil)
		u.home = home
		u.remote("ssh://me@127.0.0.1"+t.TempDir(), map[string]string{"port": port, "keyfile": filepath.Join(home, ".ssh", "id_ed25519"), "timeout": "2"})
		return u
	}
	_, port, err := net.SplitHostPort(s.Addr)
	require.NoError(t, err)

	t.Run("away", func(t *testing.T) {
		_, closed, _ := net.SplitHostPort(closedAddr(t))
		u := ours(t, closed)
		u.fails(255, []string{"cannot be reached", "connection refused"}, "push")
		u.forget()
		u.fails(1, []string{"cannot be reached", "connection refused"}, "pull")
	})
	t.Run("other host key", func(t *testing.T) {
		known := filepath.Join(home, ".ssh", "known_hosts")
		before, err := os.ReadFile(known)
		require.NoError(t, err)
		defer os.WriteFile(known, before, 0o600)
		s.Know(t, sshtest.NewKey(t, "").PublicKey())
		u := ours(t, port)
		u.fails(255, []string{"known_hosts"}, "push")
		require.NoError(t, os.WriteFile(known, nil, 0o600))
		u.fails(255, []string{"known_hosts"}, "push")
	})
	t.Run("refuses", func(t *testing.T) {
		u := ours(t, port)
		other := filepath.Join(t.TempDir(), "key")
		sshtest.NewKey(t, other)
		u.remote("ssh://me@127.0.0.1"+t.TempDir(), map[string]string{"port": port, "keyfile": other, "password": secret})
		u.fails(255, []string{"access denied", "tried "}, "push")
		u.forget()
		u.fails(1, []string{"access denied", "tried "}, "pull")
	})
	t.Run("silent", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		_, silent, _ := net.SplitHostPort(l.Addr().String())
		u := ours(t, silent)
		u.fails(255, []string{"cannot be reached"}, "push")
	})
	t.Run("slow", func(t *testing.T) {
		u := ours(t, port)
		u.ok("push", "--bandwidth", "400k")
		u.forget()
		u.ok("pull", "--bandwidth", "200k")
		u.whole()
	})
}
