package transfer_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	_ "github.com/reprodl/reprodl/pipeline/remote/http"
)

// TestContents reads from a server what the cache lacks: only that, verified, and
// kept; and from one that is away nothing, asking once.
func TestContents(t *testing.T) {
	served := t.TempDir()
	var mu sync.Mutex
	var asked []string
	files := http.FileServer(http.Dir(served))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	put := func(h object.Hash, content string) {
		file := filepath.Join(served, filepath.FromSlash(h.Key()))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o666))
	}
	parse := func(s string) object.Hash {
		h, err := object.ParseHash(s)
		require.NoError(t, err)
		return h
	}
	one, two := parse("5eb63bbbe01eeed093cb22bb8f5acdc3"), parse("acbd18db4cc2f85cedef654fccc4a4d8")
	put(one, "hello world")
	put(two, "not foo")

	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, ".dvc"), 0o777))
	configure := func(url string) *project.Repo {
		text := "[core]\n    remote = h\n    no_scm = True\n['remote \"h\"']\n    url = " + url + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(root, ".dvc", "config"), []byte(text), 0o666))
		p, err := project.Open(root, project.Options{})
		require.NoError(t, err)
		return p
	}
	p := configure(server.URL)
	c := transfer.NewContents(t.Context(), p)
	read := func(h object.Hash, remote string) ([]byte, error) {
		return c.ReadFile(map[string]transfer.Recorded{"f": {Hash: h, Remote: remote}}, "f", 0)
	}
	data, err := read(one, "")
	require.NoError(t, err)
	assert.Equal(t, "hello world", string(data))
	assert.NotEmpty(t, asked)
	for _, path := range asked {
		assert.Equal(t, "/"+one.Key(), path)
	}
	ok, err := p.Cache().Has(t.Context(), one)
	require.NoError(t, err)
	assert.True(t, ok, "it is kept")

	_, err = read(two, "")
	assert.ErrorIs(t, err, object.ErrBadCopy)
	ok, err = p.Cache().Has(t.Context(), two)
	require.NoError(t, err)
	assert.False(t, ok, "a damaged copy is not kept")
	_, err = read(parse("37b51d194a7513e45b56f6524f2d51f2"), "")
	assert.ErrorAs(t, err, new(*transfer.NowhereError))
	_, err = read(two, "other")
	assert.ErrorContains(t, err, "remote 'other' doesn't exist")

	server.Close()
	c = transfer.NewContents(t.Context(), configure(server.URL))
	data, err = read(one, "")
	require.NoError(t, err, "the cache has it")
	assert.Equal(t, "hello world", string(data))
	for range 3 {
		_, err = read(two, "")
		assert.ErrorAs(t, err, new(*transfer.NowhereError))
	}
}
