package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// client logs in by two headers, one of which Go does not know as a secret.
func client() *web.Client {
	return &web.Client{Config: &remote.Config{Name: "r", URL: "http://x"}, HTTP: new(http.Client), Tried: []string{"the password"},
		Header: http.Header{"Authorization": {"Basic c2VjcmV0"}, "X-Token": {"secret"}}}
}

// TestRedirect: another server gets nothing that logs in to the first one, the same
// server all of it.
func TestRedirect(t *testing.T) {
	var got []http.Header
	status := http.StatusOK
	keep := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header)
		w.WriteHeader(status)
	})
	other := httptest.NewServer(keep)
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/there?sign=hidden", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/within", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	mux.Handle("/there", keep)
	server := httptest.NewServer(mux)
	defer server.Close()
	get := func(path string) error {
		got = nil
		resp, err := client().Do(t.Context(), web.Request{Op: "get", Key: "k", Method: http.MethodGet, URL: server.URL + path + "?door=secret", Header: http.Header{"Range": {"bytes=0-1"}}})
		if err == nil {
			web.Drain(resp)
		}
		require.Len(t, got, 1)
		return err
	}
	require.NoError(t, get("/away"))
	for _, name := range []string{"Authorization", "X-Token", "Referer"} {
		assert.Empty(t, got[0].Values(name), name)
	}
	assert.Equal(t, "bytes=0-1", got[0].Get("Range"))
	require.NoError(t, get("/within"))
	assert.Equal(t, "Basic c2VjcmV0", got[0].Get("Authorization"))
	assert.Equal(t, "secret", got[0].Get("X-Token"))

	status = http.StatusForbidden
	err := get("/away")
	assert.ErrorIs(t, err, remote.ErrDenied)
	assert.ErrorContains(t, err, other.URL)
	assert.NotContains(t, err.Error(), "hidden")
	assert.NotContains(t, err.Error(), "tried the password", "it was not")
}

// bearer is a transport that puts a token into each request.
type bearer struct{}

func (bearer) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer token")
	return http.DefaultTransport.RoundTrip(req)
}

// TestGuarded is TestRedirect for a transport that logs in.
func TestGuarded(t *testing.T) {
	var got []string
	note := func(r *http.Request) { got = append(got, r.Header.Get("Authorization")) }
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note(r) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(r)
		if r.URL.Path == "/1" {
			http.Redirect(w, r, "/2", http.StatusTemporaryRedirect)
		} else {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	c := client()
	c.Header = nil
	c.HTTP.Transport = &web.Guarded{With: bearer{}, Without: http.DefaultTransport}
	resp, err := c.Do(t.Context(), web.Request{Op: "get", Key: "k", Method: http.MethodGet, URL: server.URL + "/1"})
	require.NoError(t, err)
	web.Drain(resp)
	assert.Equal(t, []string{"Bearer token", "Bearer token", ""}, got)
}

// TestRedirectedPut: what is stored nowhere must not count as stored.
func TestRedirectedPut(t *testing.T) {
	stored := ""
	for _, c := range []struct {
		status int
		ok     bool
	}{{http.StatusMovedPermanently, false}, {http.StatusFound, false}, {http.StatusSeeOther, false}, {http.StatusTemporaryRedirect, true}, {http.StatusPermanentRedirect, true}} {
		for _, method := range []string{http.MethodPut, http.MethodPost, "MOVE", http.MethodDelete} {
			stored = ""
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/k" {
					http.Redirect(w, r, "/login", c.status)
					return
				}
				body, _ := io.ReadAll(r.Body)
				stored = r.Method + " " + string(body)
			}))
			_, err := client().Do(t.Context(), web.Request{Op: "put", Key: "k", Method: method, URL: server.URL + "/k", Source: remote.Bytes([]byte("data"))})
			server.Close()
			if c.ok {
				assert.NoError(t, err)
				assert.Equal(t, method+" data", stored)
				continue
			}
			var e *remote.Error
			require.ErrorAs(t, err, &e, "%s %d", method, c.status)
			assert.False(t, e.Temporary)
			assert.Contains(t, strings.ReplaceAll(err.Error(), server.URL, ""), "redirects to /login")
			assert.Empty(t, stored)
		}
	}
}
