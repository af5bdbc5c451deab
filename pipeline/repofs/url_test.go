package repofs_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

func TestURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good.txt":
			_, _ = w.Write([]byte("good"))
		case "/cut.bin": // always ends in the middle
			w.Header().Set("Content-Length", strconv.Itoa(1000))
			_, _ = w.Write([]byte("half"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	dir := t.TempDir()
	opts := &repofs.URLOptions{Dir: dir, Env: repotest.Env(dir)}
	n, err := repofs.GetURL(t.Context(), server.URL+"/good.txt", "got", opts)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, "good", repotest.Read(t, dir, "got"))
	_, err = repofs.GetURL(t.Context(), server.URL+"/good.txt", "got", opts)
	assert.ErrorIs(t, err, fs.ErrExist)
	_, err = repofs.GetURL(t.Context(), server.URL+"/none", "none", opts)
	assert.ErrorAs(t, err, new(*repofs.MissingURLError))
	_, err = repofs.GetURL(t.Context(), server.URL+"/cut.bin", "cut", opts)
	assert.Error(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "nothing but what was got")
}

func TestListURL(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b", "d/x", "d/e/y", "a"} {
		repotest.Write(t, dir, name, "12")
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o777))
	names := func(opts repofs.URLOptions) (list []string) {
		entries, err := repofs.ListURL(t.Context(), dir, &opts)
		require.NoError(t, err)
		for _, e := range entries {
			list = append(list, e.Path)
		}
		return list
	}
	assert.Equal(t, []string{"a", "b", "d", "empty"}, names(repofs.URLOptions{}))
	assert.Equal(t, []string{"a", "b", "d/x", "d/e/y"}, names(repofs.URLOptions{Recursive: true}))
	assert.Equal(t, []string{"a", "b", "d/x", "d/e"}, names(repofs.URLOptions{Recursive: true, Depth: 2}))
}
