package http

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

// files is a web server that stores what is PUT. It tells nothing about
// directories.
type files struct {
	mu   sync.Mutex
	data map[string]string
	head bool // refuse HEAD
	flat bool // ignore ranges
}

func (f *files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.data[r.URL.Path]
	switch {
	case strings.HasSuffix(r.URL.Path, "/"):
		w.WriteHeader(http.StatusForbidden) // as of servers that don't list
	case f.isDir(r.URL.Path):
		http.Redirect(w, r, r.URL.Path+"/", http.StatusMovedPermanently)
	case r.Method == http.MethodPut && err == nil && int64(len(body)) == r.ContentLength:
		f.data[r.URL.Path] = string(body)
	case r.Method == http.MethodHead && f.head || r.Method == http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case !ok:
		http.NotFound(w, r)
	case r.Method == http.MethodDelete:
		delete(f.data, r.URL.Path)
	case f.flat:
		io.WriteString(w, data)
	default:
		w.Header().Set("ETag", `"tag"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(data))
	}
}

func (f *files) isDir(path string) bool {
	for name := range f.data {
		if strings.HasPrefix(name, path+"/") {
			return true
		}
	}
	return false
}

func serve(t *testing.T, f *files, more ...string) *site {
	t.Helper()
	f.data = map[string]string{}
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	c := remote.Config{Name: "r", URL: s.URL + "/pre fix", Options: map[string]string{"method": "put"}}
	for i := 0; i < len(more); i += 2 {
		c.Options[more[i]] = more[i+1]
	}
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	return r.(*site)
}

func TestSuite(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return serve(t, new(files)) })
}

// TestPlainServer: some know neither HEAD nor ranges.
func TestPlainServer(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return serve(t, &files{head: true, flat: true}) })
}

func TestETagKeepsQuotes(t *testing.T) {
	s := serve(t, new(files))
	_, err := s.Put(t.Context(), "x", remote.Bytes([]byte("x")))
	require.NoError(t, err)
	info, err := s.Stat(t.Context(), "x")
	require.NoError(t, err)
	assert.Equal(t, `"tag"`, info.ETag)
}

func TestWrongMethod(t *testing.T) {
	s := serve(t, new(files), "method", "")
	_, err := s.Put(t.Context(), "x", remote.Bytes([]byte("x")))
	assert.ErrorContains(t, err, "405 Method Not Allowed")
	assert.ErrorContains(t, err, "the server takes no POST: dvc remote modify r method PUT")
}

func TestAuthentication(t *testing.T) {
	var seen http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer s.Close()
	try := func(url string, options map[string]string) error {
		r, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: url, Options: options})
		if err != nil {
			return err
		}
		_, err = r.Stat(t.Context(), "x")
		return err
	}
	err := try(s.URL, map[string]string{"auth": "basic", "user": "me", "password": "hunter2"})
	assert.Equal(t, "Basic bWU6aHVudGVyMg==", seen.Get("Authorization"))
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, "tried user 'me' and the password; dvc remote modify r auth basic")
	assert.NotContains(t, err.Error(), "hunter2")

	assert.Error(t, try(s.URL, map[string]string{"auth": "custom", "custom_auth_header": "X-Token", "password": "p"}))
	assert.Equal(t, "p", seen.Get("X-Token"))
	err = try(strings.Replace(s.URL, "http://", "http://you:s3cret@", 1), nil)
	assert.Equal(t, "Basic eW91OnMzY3JldA==", seen.Get("Authorization"))
	assert.NotContains(t, err.Error(), "s3cret")
	assert.ErrorContains(t, try(s.URL, map[string]string{"auth": "digest"}), "use basic or custom")
	assert.ErrorContains(t, try(s.URL, map[string]string{"ssl_verify": "/nowhere/ca"}), "/nowhere/ca")
}

func TestServerErrors(t *testing.T) {
	status := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status == 0 { // cut in the middle
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(status)
	}))
	s.Config.ErrorLog = nil
	r, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: s.URL})
	require.NoError(t, err)
	var e *remote.Error
	for _, status = range []int{429, 500, 502, 503, 504} {
		_, err = r.Open(t.Context(), "x", 0, -1)
		require.ErrorAs(t, err, &e)
		assert.True(t, e.Temporary, status)
		assert.Equal(t, 7*time.Second, e.After)
	}
	status = 0
	body, err := r.Open(t.Context(), "x", 0, -1)
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	require.ErrorAs(t, err, &e)
	assert.True(t, e.Temporary, err)

	s.Close()
	_, err = r.Stat(t.Context(), "x")
	assert.ErrorIs(t, err, remote.ErrUnreachable)
}

// What a user wrote is what the server is asked for, as by DVC.
func TestEscaped(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked = append(asked, r.RequestURI) }))
	defer server.Close()
	for _, tt := range []struct{ dir, name, want string }{
		{"", "a%2Fb", "/a%2Fb"},
		{"", "a b", "/a%20b"},
		{"", "a+b%2B", "/a+b%2B"},
		{"/d%2Fe", "f%20g.txt", "/d%2Fe/f%20g.txt"},
		{"/übung?q=ü&r=a%2Fb", "f%C3%BC", "/%C3%BCbung/f%C3%BC?q=%C3%BC&r=a%2Fb"},
		{"/d#frag", "f%23g%3F", "/d/f%23g%3F"},
		{"", "a%zz%25", "/a%25zz%25"},
		{"", "f[1]{2}|^`'(1)!*~;p=1,@:", "/f%5B1%5D%7B2%7D%7C%5E%60'(1)!*~;p=1,@:"},
	} {
		asked = nil
		r, err := remote.Open(t.Context(), remote.Config{URL: server.URL + tt.dir, Escaped: true})
		require.NoError(t, err)
		_, err = r.Stat(t.Context(), tt.name)
		require.NoError(t, err)
		assert.Equal(t, []string{tt.want}, asked)
	}
	// A key of a remote is any name, percent signs and all.
	r, err := remote.Open(t.Context(), remote.Config{URL: server.URL + "/d%2Fe"})
	require.NoError(t, err)
	asked = nil
	_, err = r.Stat(t.Context(), "a%2Fb c")
	require.NoError(t, err)
	assert.Equal(t, []string{"/d%2Fe/a%252Fb%20c"}, asked)
}
