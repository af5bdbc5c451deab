//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
	"github.com/reprodl/reprodl/internal/repotest"
)

// remoteCases are the recordings of commands that read other repositories and URLs.
// The repository that they were recorded with is made anew, from what they tell
// of it.
var remoteCases = []string{
	"33-get-file", "34-get-dir-rev", "35-get-show-url", "36-get-url", "37-get-url-local-dir",
	"38-list", "39-list-R", "40-list-dvc-only", "41-list-size", "42-list-json", "43-list-tree", "44-list-url", "45-list-url-R",
	"46-artifacts-get", "47-artifacts-get-rev", "48-artifacts-get-show", "49-get-missing", "50-get-exists", "52-list-missing",
}

// TestGoldenRemote runs them in their order in one directory, as they were recorded.
func TestGoldenRemote(t *testing.T) {
	dir := golden.Dir(t, "remote")
	g := newRemoteGolden(t)
	for _, name := range remoteCases {
		a, err := txtar.ParseFile(filepath.Join(dir, name+".txtar"))
		require.NoError(t, err)
		g.check(t, name, a)
	}
}

// remoteGolden is the directory /r of the recordings.
type remoteGolden struct {
	root, home string
	server     *httptest.Server
}

func newRemoteGolden(t *testing.T) *remoteGolden {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	g := &remoteGolden{root: root, home: t.TempDir()}
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pub/file.txt" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte("changed http\n"))
	}))
	t.Cleanup(g.server.Close)
	src := filepath.Join(root, "src")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "w"), 0o777))
	require.NoError(t, os.MkdirAll(src, 0o777))
	repotest.Git(t, src, "init", "-q", "-b", "main")
	g.run(t, src, "init", "-q")
	repotest.Write(t, src, ".dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = "+filepath.Join(root, "store")+"\n")
	repotest.Write(t, src, "dvc.yaml", "artifacts:\n  mymodel:\n    path: model.bin\n    type: model\n")
	for name, text := range map[string]string{"notes.txt": "plain git file\n", "code/a.py": "print(1)\n", "images/1.png": "aa", "images/2.png": "bb", "images/sub/3.png": "cc"} {
		repotest.Write(t, src, name, text)
	}
	for _, v := range []struct{ tag, csv, model string }{{"v1", "id,v\n1,2\n", "model-v1"}, {"v2", "id,v\n1,2\n3,4\n", "model-v2"}} {
		repotest.Write(t, src, "data.csv", v.csv)
		repotest.Write(t, src, "model.bin", v.model)
		g.run(t, src, "add", "-q", "data.csv", "images", "model.bin")
		g.run(t, src, "push", "-q")
		repotest.Commit(t, src, v.tag)
		repotest.Git(t, src, "tag", v.tag)
		repotest.Git(t, src, "tag", "-a", "-m", "m", "mymodel@"+v.tag+".0.0")
		repotest.Write(t, src, "images/4.png", "dd")
	}
	repotest.Write(t, root, "ext/dir/x", "x")
	repotest.Write(t, root, "ext/dir/y", "y")
	repotest.Git(t, filepath.Join(root, "w"), "init", "-q", "-b", "main")
	g.run(t, filepath.Join(root, "w"), "init", "-q")
	g.bucket(t)
	return g
}

// bucket makes remote://s3r/, of which the recordings have files.
func (g *remoteGolden) bucket(t *testing.T) {
	store := s3mem.New()
	require.NoError(t, store.CreateBucket("imp"))
	for name, text := range map[string]string{"file.txt": "f", "dir/x": "x", "dir/y": "y"} {
		_, err := store.PutObject("imp", name, nil, strings.NewReader(text), int64(len(text)), nil)
		require.NoError(t, err)
	}
	s := httptest.NewServer(gofakes3.New(store).Server())
	t.Cleanup(s.Close)
	repotest.Write(t, g.root, "w/.dvc/config", "['remote \"s3r\"']\n    url = s3://imp\n    endpointurl = "+s.URL+
		"\n    access_key_id = a\n    secret_access_key = b\n    region = us-east-1\n")
}

// run is the program, which must succeed.
func (g *remoteGolden) run(t *testing.T, dir string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, &world{Dir: dir, Env: repotest.Env(g.home), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
	require.Zero(t, code, out.String())
}

// here puts the places of this run into a recorded text.
func (g *remoteGolden) here(text string) string {
	text = strings.ReplaceAll(text, "http://127.0.0.1:42080", g.server.URL)
	return strings.ReplaceAll(text, "/r/", g.root+"/")
}

func (g *remoteGolden) check(t *testing.T, name string, a *txtar.Archive) {
	want := map[string]string{}
	files := map[string]string{}
	for _, f := range a.Files {
		if file, ok := strings.CutPrefix(f.Name, "after/"); ok {
			files[file] = string(f.Data)
		} else {
			want[f.Name] = g.here(string(f.Data))
		}
	}
	args := strings.Fields(want["cmd"])[1:]
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, &world{Dir: filepath.Join(g.root, "w"), Env: repotest.Env(g.home), Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr})
	assert.Equal(t, strings.TrimSpace(want["rc"]), strconv.Itoa(code), name)
	assert.Equal(t, want["stdout"], stdout.String(), name)
	// Where dvc has an "unexpected error" the words are ours.
	if !strings.Contains(want["stderr"], "unexpected error") {
		assert.Equal(t, want["stderr"], stderr.String(), name)
	} else {
		assert.Contains(t, stderr.String(), "does not exist", name)
	}
	for file, text := range files {
		got, err := os.ReadFile(filepath.Join(g.root, "w", file))
		if assert.NoError(t, err, name) {
			// The recording ends each file with a line end.
			assert.Equal(t, strings.TrimRight(text, "\n"), strings.TrimRight(string(got), "\n"), "%s: %s", name, file)
		}
	}
}
