//go:build unix

package all

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
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
	assert.Greater(t, int(l.cuts.Load()), rounds/2, "the line was cut in many of the transfers")
}

// again makes a transfer over a line that is cut, and one over a line that isn't.
func again(t *testing.T, l *line, stays after, size int64, transfer func(context.Context) error) {
	t.Helper()
	l.arm(rand.Int64N(size), stays)
	before := l.cuts.Load()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := transfer(ctx)
	require.NoError(t, ctx.Err(), "it hangs")
	switch {
	case stays == works || l.cuts.Load() == before:
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
