package webdav

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/webdav"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

func serve(t *testing.T, h http.Handler, options map[string]string) remote.Remote {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	r, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: strings.Replace(s.URL, "http", "webdav", 1) + "/pre/fix dir", Options: options})
	require.NoError(t, err)
	return r
}

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote {
		return serve(t, &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()}, nil)
	})
}

func TestAuthentication(t *testing.T) {
	var seen http.Header
	refuse := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.WriteHeader(http.StatusForbidden)
	})
	for _, c := range []struct {
		options map[string]string
		header  string
		want    string
	}{
		{map[string]string{"user": "me", "password": "hunter2"}, "Authorization", "Basic bWU6aHVudGVyMg=="},
		{map[string]string{"token": "secret"}, "Authorization", "Bearer secret"},
		{map[string]string{"bearer_token_command": "echo made"}, "Authorization", "Bearer made"},
		{map[string]string{"custom_auth_header": "X-Key", "password": "hunter2"}, "X-Key", "hunter2"},
	} {
		_, err := serve(t, refuse, c.options).Stat(t.Context(), "x")
		assert.Equal(t, c.want, seen.Get(c.header))
		assert.ErrorIs(t, err, remote.ErrDenied)
		assert.ErrorContains(t, err, "dvc remote modify r user USER")
		assert.NotContains(t, err.Error(), "hunter2")
	}
}

func TestNoWebDAV(t *testing.T) {
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }), nil)
	_, err := r.Stat(t.Context(), "x")
	assert.ErrorContains(t, err, "does not speak WebDAV")
}

// TestLocked: another request's lock is waited for, a lasting one is told of.
func TestLocked(t *testing.T) {
	dav := &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()}
	var answers, locked atomic.Int64
	r := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PROPFIND" && r.Method != http.MethodGet && answers.Add(1) <= locked.Load() {
			w.WriteHeader(http.StatusLocked)
			return
		}
		dav.ServeHTTP(w, r)
	}), nil)
	locked.Store(3)
	_, err := r.Put(t.Context(), "a/b", remote.Bytes([]byte("x")))
	require.NoError(t, err)
	answers.Store(0)
	require.NoError(t, r.Remove(t.Context(), "a/b"))

	locked.Store(1 << 40)
	_, err = r.Put(t.Context(), "a/c", remote.Bytes([]byte("x")))
	assert.ErrorContains(t, err, "423 Locked")
}
