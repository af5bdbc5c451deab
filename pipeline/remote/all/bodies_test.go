//go:build unix

package all

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBodies pulls from servers of every kind that answer with other bytes than they
// have, or with fewer or more of them than they say. What is wrong is named and stored
// nowhere; what breaks off is gone on with.
func TestBodies(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			f, s := k.serve(t, httptest.NewServer)
			u := newClient(t, "", nil)
			u.remote(k.unique(s.URL))
			u.ok("push")
			for _, b := range []struct {
				name   string
				change func(http.ResponseWriter, []byte)
				words  string // of the error; empty = it is gone on with
			}{
				{"other bytes", func(w http.ResponseWriter, body []byte) {
					send(w, len(body), []byte(strings.Repeat("x", len(body))))
				}, "object is corrupt in the remote"},
				{"fewer", func(w http.ResponseWriter, body []byte) { send(w, len(body)/2, body[:len(body)/2]) }, "object is corrupt in the remote"},
				{"more", func(w http.ResponseWriter, body []byte) { send(w, len(body)+5, append(body, "12345"...)) }, "object is corrupt in the remote"},
				{"none", func(w http.ResponseWriter, body []byte) { send(w, 0, nil) }, "object is corrupt in the remote"},
				{"fewer than promised", func(w http.ResponseWriter, body []byte) { send(w, len(body), body[:len(body)/2]) }, ""},
				{"far fewer than promised", func(w http.ResponseWriter, body []byte) { send(w, 10*len(body), body[:len(body)/2]) }, ""},
			} {
				t.Run(b.name, func(t *testing.T) {
					u.t = t
					u.forget()
					var times atomic.Int64
					f.set(changeLarge(f.Handler, func(w http.ResponseWriter, body []byte) bool {
						if b.words == "" && times.Add(1) > 2 {
							return false
						}
						b.change(w, body)
						return true
					}))
					defer f.set(func(http.ResponseWriter, *http.Request) bool { return false })
					if b.words == "" {
						u.ok("pull")
						u.whole()
						return
					}
					out, rc := u.do("pull")
					assert.NotZero(t, rc, out)
					assert.Contains(t, out, b.words)
					assert.NoFileExists(t, filepath.Join(u.dir, "f"))
					for _, pattern := range []string{".dvc/cache/files/md5/*/*", ".dvc/cache/files/md5/.*"} {
						names, err := filepath.Glob(filepath.Join(u.dir, pattern))
						require.NoError(t, err)
						for _, name := range names {
							assert.NotContains(t, name, ".reprodl-tmp-")
						}
					}
					f.set(func(http.ResponseWriter, *http.Request) bool { return false })
					u.ok("pull")
					u.whole()
				})
			}
		})
	}
}

// send answers with a length, which may not be that of the bytes. The connection ends
// with them then.
func send(w http.ResponseWriter, length int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.Header().Del("Content-Md5")
	w.Header().Del("X-Goog-Hash")
	w.Write(body)
	if len(body) < length {
		panic(http.ErrAbortHandler)
	}
}

// changeLarge lets change answer a request for the large file of a client.
func changeLarge(h http.Handler, change func(http.ResponseWriter, []byte) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodGet {
			return false
		}
		got := httptest.NewRecorder()
		h.ServeHTTP(got, r)
		for name, values := range got.Header() {
			w.Header()[name] = values
		}
		if body := got.Body.Bytes(); got.Code < 300 && len(body) >= 50_000 {
			w.Header().Del("Content-Length")
			if got.Code == http.StatusPartialContent {
				w.WriteHeader(got.Code)
				w.Write(body)
				return true
			}
			if change(w, body) {
				return true
			}
		}
		w.WriteHeader(got.Code)
		w.Write(got.Body.Bytes())
		return true
	}
}
