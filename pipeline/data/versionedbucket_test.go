package data_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
	_ "github.com/reprodl/reprodl/pipeline/remote/s3"
)

// versionedBucket is a server of S3 that keeps versions, and a repository with a
// remote "up" there.
type versionedBucket struct {
	t      *testing.T
	server *httptest.Server
	repo   *data.Repo
	log    *bytes.Buffer

	mu   sync.Mutex
	puts []string
	hook func(puts int) bool // false = the server refuses
}

func newVersionedBucket(t *testing.T, options string) *versionedBucket {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("b"))
	require.NoError(t, backend.SetVersioningConfiguration("b", gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}))
	b := &versionedBucket{t: t}
	handler := gofakes3.New(backend).Server()
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			b.mu.Lock()
			b.puts = append(b.puts, strings.TrimPrefix(r.URL.Path, "/b/"))
			n, hook := len(b.puts), b.hook
			b.mu.Unlock()
			if hook != nil && !hook(n) {
				http.Error(w, "", http.StatusForbidden)
				return
			}
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(b.server.Close)
	b.repo, b.log = importRepo(t, "    remote = up\n['remote \"up\"']\n    url = s3://b/at\n    endpointurl = "+b.server.URL+
		"\n    access_key_id = ID\n    secret_access_key = SECRETKEY\n    region = us-east-1\n    jobs = 1\n"+options)
	return b
}

func (b *versionedBucket) reopen() *data.Repo {
	b.log.Reset()
	return reopen(b.t, b.repo.Root(), b.log)
}

func (b *versionedBucket) write(name, text string) {
	b.t.Helper()
	file := filepath.Join(b.repo.Root(), name)
	require.NoError(b.t, os.MkdirAll(filepath.Dir(file), 0o777))
	_ = os.Remove(file)
	require.NoError(b.t, os.WriteFile(file, []byte(text), 0o666))
}

func (b *versionedBucket) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.repo.Root(), name))
	require.NoError(b.t, err)
	return string(text)
}

func (b *versionedBucket) add(targets ...string) {
	b.t.Helper()
	_, err := b.reopen().Add(b.t.Context(), nil, targets...)
	require.NoError(b.t, err)
}

// push pushes, and returns the files that the server got.
func (b *versionedBucket) push(targets ...string) []string {
	b.t.Helper()
	b.mu.Lock()
	b.puts = nil
	b.mu.Unlock()
	_, err := b.reopen().Push(b.t.Context(), nil, targets...)
	require.NoError(b.t, err)
	slices.Sort(b.puts)
	return b.puts
}

// lose removes the data and the cache.
func (b *versionedBucket) lose(names ...string) {
	for _, name := range append(names, ".dvc/cache") {
		require.NoError(b.t, os.RemoveAll(filepath.Join(b.repo.Root(), name)))
	}
}

// remote is the bucket as it is seen without DVC.
func (b *versionedBucket) remote() remote.Versioned {
	r, err := remote.Open(b.t.Context(), remote.Config{Name: "x", URL: "s3://b/at", Options: map[string]string{
		"endpointurl": b.server.URL, "access_key_id": "ID", "secret_access_key": "SECRETKEY", "region": "us-east-1"}})
	require.NoError(b.t, err)
	return r.(remote.Versioned)
}
