//go:build unix

package all

import (
	"crypto/md5"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
)

// TestStall: a server that stops in the middle of an object is noticed, and the
// next try gets the rest.
func TestStall(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			f, s := k.serve(t, httptest.NewServer)
			url, options := k.unique(s.URL)
			c := remote.Config{Name: "r", URL: url, Options: options}
			r, err := remote.Open(t.Context(), c)
			require.NoError(t, err)
			data := []byte(strings.Repeat("stalled ", 100_000))
			h := object.FileHash(md5.Sum(data))
			_, err = r.Put(t.Context(), h.Key(), remote.Bytes(data))
			require.NoError(t, err)

			stalled := 0
			f.set(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodGet || stalled > 0 {
					return false
				}
				stalled++
				f.Handler.ServeHTTP(&stalling{ResponseWriter: w, left: len(data) / 2, done: r.Context().Done()}, r)
				return true
			})
			cache := object.OpenCache(filepath.Join(t.TempDir(), "cache"), nil)
			store := transfer.New(r, c, cache, &transfer.Options{Stall: 500 * time.Millisecond, Wait: time.Millisecond})
			done, err := store.Fetch(t.Context(), []transfer.Wanted{{Hash: h}})
			require.NoError(t, err)
			assert.Empty(t, done.Failed)
			assert.Equal(t, 1, done.Count)
			assert.Equal(t, 1, stalled)
		})
	}
}

// stalling sends the beginning of an answer, and then nothing until nobody waits.
type stalling struct {
	http.ResponseWriter
	left int
	done <-chan struct{}
}

func (s *stalling) Write(p []byte) (int, error) {
	if len(p) > s.left {
		s.ResponseWriter.Write(p[:s.left])
		s.left = 0
		http.NewResponseController(s.ResponseWriter).Flush()
		<-s.done
		return 0, http.ErrHandlerTimeout
	}
	s.left -= len(p)
	return s.ResponseWriter.Write(p)
}
