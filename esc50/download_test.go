package esc50_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50"
)

// flakyServer serves a file with an entity tag and drops the first answers in
// the middle.
type flakyServer struct {
	*httptest.Server
	data   []byte
	tag    string
	drops  int
	ranges []string // of the requests
}

func newFlakyServer(t *testing.T, drops int) *flakyServer {
	s := &flakyServer{data: bytes.Repeat([]byte("0123456789abcdef"), 1<<15), tag: `"one"`, drops: drops}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		w.Header().Set("ETag", s.tag)
		if s.drops > 0 {
			s.drops--
			w.Header().Set("Content-Length", "524288")
			_, _ = w.Write(s.data[:100_000])
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.data))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *flakyServer) sum() string {
	sum := sha256.Sum256(s.data)
	return hex.EncodeToString(sum[:])
}

func TestDownloadResumes(t *testing.T) {
	s, name := newFlakyServer(t, 1), filepath.Join(t.TempDir(), "data", "esc50.zip")
	var last, total int64
	opts := &esc50.DownloadOptions{URL: s.URL, SHA256: s.sum(), Progress: func(d, n int64) { last, total = d, n }}
	err := esc50.Download(context.Background(), name, opts)
	require.ErrorContains(t, err, "run it again to continue")
	assert.NoFileExists(t, name)

	require.NoError(t, esc50.Download(context.Background(), name, opts))
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(s.data, got))
	assert.Equal(t, []string{"", "bytes=100000-"}, s.ranges)
	assert.Equal(t, int64(len(s.data)), last)
	assert.Equal(t, int64(len(s.data)), total)
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing else stays")

	require.NoError(t, esc50.Download(context.Background(), name, opts))
	assert.Len(t, s.ranges, 2, "what is there isn't fetched again")
}

// A file that changed on the server is fetched from its start.
func TestDownloadOfAChangedFile(t *testing.T) {
	s, name := newFlakyServer(t, 1), filepath.Join(t.TempDir(), "esc50.zip")
	require.Error(t, esc50.Download(context.Background(), name, &esc50.DownloadOptions{URL: s.URL}))
	s.tag, s.data = `"two"`, bytes.Repeat([]byte("new"), 1000)
	require.NoError(t, esc50.Download(context.Background(), name, &esc50.DownloadOptions{URL: s.URL, SHA256: s.sum()}))
}

func TestDownloadChecksum(t *testing.T) {
	s, name := newFlakyServer(t, 0), filepath.Join(t.TempDir(), "esc50.zip")
	opts := &esc50.DownloadOptions{URL: s.URL, SHA256: "00" + s.sum()[2:]}
	err := esc50.Download(context.Background(), name, opts)
	require.ErrorIs(t, err, esc50.ErrChecksum)
	assert.NoFileExists(t, name)
	assert.NoFileExists(t, name+".part")

	require.NoError(t, os.WriteFile(name, []byte("something else"), 0o666))
	assert.ErrorIs(t, esc50.Download(context.Background(), name, opts), esc50.ErrChecksum, "an existing file is checked")
}

func TestDownloadRefused(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	name := filepath.Join(t.TempDir(), "esc50.zip")
	err := esc50.Download(context.Background(), name, &esc50.DownloadOptions{URL: s.URL})
	assert.ErrorContains(t, err, "404 Not Found")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, esc50.Download(ctx, name, &esc50.DownloadOptions{URL: s.URL}), context.Canceled)
}
