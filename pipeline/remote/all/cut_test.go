//go:build unix

package all

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// line is a way to a server that can be cut.
type line struct {
	addr, to string

	mu     sync.Mutex
	left   int64 // bytes until the cut; negative = there will be none
	stays  after
	listen net.Listener // nil while nobody answers
	dead   bool
	conns  map[net.Conn]bool
	cuts   int
}

// after is what becomes of the line after a cut.
type after int

const (
	works   after = iota // it does again at once
	refuses              // nobody listens
	hangsUp              // whoever calls is cut off again, as by a proxy
)

func newLine(t *testing.T, to string) *line {
	l := &line{addr: "127.0.0.1:0", to: to, left: -1, conns: map[net.Conn]bool{}}
	l.arm(-1, works)
	l.addr = l.listen.Addr().String()
	t.Cleanup(func() { l.arm(-1, works); l.listen.Close(); l.cut() })
	return l
}

// arm repairs the line and has it cut again after so many bytes.
func (l *line) arm(bytes int64, stays after) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.stays, l.dead = bytes, stays, false
	if l.listen != nil {
		return
	}
	for l.listen == nil {
		l.listen, _ = net.Listen("tcp", l.addr) // the port may be another's for a moment
	}
	go func(listen net.Listener) {
		for {
			c, err := listen.Accept()
			if err != nil {
				return
			}
			go l.carry(c)
		}
	}(l.listen)
}

func (l *line) carry(c net.Conn) {
	s, err := net.Dial("tcp", l.to)
	if err != nil || !l.hold(c, s) {
		c.Close()
		return
	}
	go l.copy(s, c)
	l.copy(c, s)
}

func (l *line) hold(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		if l.dead {
			c.Close()
		} else {
			l.conns[c] = true
		}
	}
	return !l.dead
}

func (l *line) copy(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.pass(int64(n)) {
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// pass counts bytes, and cuts when they are enough.
func (l *line) pass(n int64) bool {
	l.mu.Lock()
	cut := l.left >= 0 && l.left < n
	if l.left >= 0 {
		l.left -= n
	}
	if cut {
		l.left, l.dead = -1, l.stays != works
		l.cuts++
		if l.stays == refuses {
			l.listen.Close()
			l.listen = nil
		}
	}
	l.mu.Unlock()
	if cut {
		l.cut()
	}
	return !cut
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Close()
	}
	clear(l.conns)
}

// TestCut cuts the line to a server at random moments of push and pull, and in
// every other round lets nobody through afterwards. A cut alone is gone unnoticed;
// a server that is away is an error within seconds; in the end everything is there.
func TestCut(t *testing.T) {
	rounds := 4
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 50
	}
	t.Run("S3", func(t *testing.T) {
		backend := s3mem.New()
		require.NoError(t, backend.CreateBucket("bucket"))
		s := httptest.NewServer(gofakes3.New(backend).Server())
		t.Cleanup(s.Close)
		l := newLine(t, s.Listener.Addr().String())
		cutRounds(t, l, rounds, "s3://bucket", map[string]string{"endpointurl": "http://" + l.addr,
			"access_key_id": "id", "secret_access_key": "secret", "region": "us-east-1"})
	})
	t.Run("SSH", func(t *testing.T) {
		s := sshtest.New(t)
		l := newLine(t, s.Addr)
		s.Addr = l.addr
		s.Know(t, s.Signer.PublicKey())
		c := s.Config(t.TempDir(), "keyfile", filepath.Join(s.Home, ".ssh", "id_ed25519"))
		cutRounds(t, l, rounds, c.URL, c.Options)
	})
}

func cutRounds(t *testing.T, l *line, rounds int, url string, options map[string]string) {
	const size = 900_000 // bytes of a round, roughly
	for round := range rounds {
		config := fmt.Sprintf("[core]\n    remote = r\n    no_scm = true\n['remote \"r\"']\n    url = %s/%d\n", url, round)
		for name, value := range options {
			config += "    " + name + " = " + value + "\n"
		}
		here, there := filepath.Join(t.TempDir(), "here"), filepath.Join(t.TempDir(), "there")
		repo := cutRepo(t, here, config)
		for i := range 40 {
			cutFile(t, filepath.Join(here, "d", fmt.Sprint(i)), rand.IntN(12_000))
		}
		cutFile(t, filepath.Join(here, "large"), 500_000+rand.IntN(200_000))
		_, err := repo.Add(t.Context(), nil, "d", "large")
		require.NoError(t, err)
		stays := after(round % 2)
		if round%10 == 9 { // which takes some seconds
			stays = hangsUp
		}

		again(t, l, stays, size, func(ctx context.Context) error {
			_, err := cutRepo(t, here, config).Push(ctx, nil)
			return err
		})
		for _, name := range []string{"d.dvc", "large.dvc"} {
			text, err := os.ReadFile(filepath.Join(here, name))
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(there, 0o777))
			require.NoError(t, os.WriteFile(filepath.Join(there, name), text, 0o666))
		}
		again(t, l, stays, size, func(ctx context.Context) error {
			_, _, err := cutRepo(t, there, config).Pull(ctx, nil)
			return err
		})
		cutSame(t, here, there)
	}
	assert.Greater(t, l.cuts, rounds, "the line was cut in most transfers")
}

// again makes a transfer over a line that is cut, and one over a line that isn't.
func again(t *testing.T, l *line, stays after, size int64, transfer func(context.Context) error) {
	t.Helper()
	l.arm(rand.Int64N(size), stays)
	before := l.cuts
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := transfer(ctx)
	require.NoError(t, ctx.Err(), "it hangs")
	switch {
	case stays == works || l.cuts == before:
		require.NoError(t, err)
	case err != nil: // nothing was left to send when it came
		var e *remote.Error
		require.True(t, errors.As(err, &e), "%v", err)
		assert.Contains(t, err.Error(), "remote 'r'")
	}
	l.arm(-1, works)
	require.NoError(t, transfer(t.Context()))
}

func cutRepo(t *testing.T, dir, config string) *data.Repo {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, ".dvc")); err != nil {
		require.NoError(t, os.MkdirAll(dir, 0o777))
		require.NoError(t, data.Init(t.Context(), dir, &data.InitOptions{NoSCM: true}))
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".dvc", "config"), []byte(config), 0o666))
	}
	r, err := data.Open(dir, &data.Options{Env: append(os.Environ(), "HOME="+os.Getenv("HOME"))})
	require.NoError(t, err)
	return r
}

func cutFile(t *testing.T, name string, n int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	_, err = io.CopyN(f, random{}, int64(n))
	require.NoError(t, err)
}

// random is bytes of no pattern.
type random struct{}

func (random) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	return len(p), nil
}

func cutSame(t *testing.T, a, b string) {
	t.Helper()
	count := 0
	require.NoError(t, filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		rel, _ := filepath.Rel(a, path)
		if err != nil || strings.HasPrefix(rel, ".dvc") {
			return err
		}
		if d.IsDir() {
			return nil
		}
		count++
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(b, rel))
		require.NoError(t, err)
		assert.True(t, string(want) == string(got), rel)
		return nil
	}))
	assert.Greater(t, count, 40)
}
