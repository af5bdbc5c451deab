//go:build unix

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
)

// remoteGolden is the directory /r of the recordings.
type remoteGolden struct {
	root, home string
	server     *httptest.Server
	s3         *httptest.Server
	page       atomic.Pointer[page]
	// strict: the server of S3 tells no versions of a bucket that keeps none, and the
	// directory holds nothing else.
	strict bool
}

type page struct{ text, tag string }

func newRemoteGolden(t *testing.T, strict bool) *remoteGolden {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	g := &remoteGolden{root: root, home: t.TempDir(), strict: strict}
	g.page.Store(&page{"over http\n", `"65937d25-a"`})
	g.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pub/file.txt" {
			http.NotFound(w, r)
			return
		}
		p := g.page.Load()
		w.Header().Set("ETag", p.tag)
		_, _ = w.Write([]byte(p.text))
	}))
	t.Cleanup(g.server.Close)
	g.source(t)
	repotest.Write(t, root, "ext/dir/x", "x")
	repotest.Write(t, root, "ext/dir/y", "y")
	repotest.Write(t, root, "ext/file.txt", "ext file\n")
	w := filepath.Join(root, "w")
	require.NoError(t, os.MkdirAll(w, 0o777))
	repotest.Git(t, w, "init", "-q", "-b", "main")
	g.run(t, w, "init", "-q")
	g.buckets(t)
	return g
}

// source makes the repository /r/src.
func (g *remoteGolden) source(t *testing.T) {
	src := filepath.Join(g.root, "src")
	require.NoError(t, os.MkdirAll(src, 0o777))
	repotest.Git(t, src, "init", "-q", "-b", "main")
	g.run(t, src, "init", "-q")
	repotest.Write(t, src, ".dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = "+filepath.Join(g.root, "store")+"\n")
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
}

// buckets makes remote://s3r/ and remote://s3v/, whose bucket keeps versions.
func (g *remoteGolden) buckets(t *testing.T) {
	store := s3mem.New()
	for _, name := range []string{"imp", "impv"} {
		require.NoError(t, store.CreateBucket(name))
	}
	require.NoError(t, store.SetVersioningConfiguration("impv", gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}))
	for _, bucket := range []string{"imp", "impv"} {
		for name, text := range map[string]string{"file.txt": "over s3\n", "dir/x": "x", "dir/y": "y"} {
			_, err := store.PutObject(bucket, name, nil, strings.NewReader(text), int64(len(text)), nil)
			require.NoError(t, err)
		}
	}
	handler := gofakes3.New(store).Server()
	g.s3 = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.strict && strings.HasPrefix(r.URL.Path, "/imp/") {
			w = &unversioned{w}
			defer w.Header().Del("x-amz-version-id") // of a response without a body
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(g.s3.Close)
	access := "    endpointurl = " + g.s3.URL + "\n    access_key_id = a\n    secret_access_key = b\n    region = us-east-1\n"
	repotest.Write(t, g.root, "w/.dvc/config", "[core]\n    remote = lremote\n['remote \"lremote\"']\n    url = "+filepath.Join(g.root, "lremote")+
		"\n['remote \"s3r\"']\n    url = s3://imp\n"+access+"['remote \"s3v\"']\n    url = s3://impv\n"+access)
}

// unversioned is a response without a version.
type unversioned struct{ http.ResponseWriter }

func (u *unversioned) Write(p []byte) (int, error) {
	u.Header().Del("x-amz-version-id")
	return u.ResponseWriter.Write(p)
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
	text = strings.ReplaceAll(text, "http://127.0.0.1:42210", g.s3.URL)
	return strings.ReplaceAll(text, "/r/", g.root+"/")
}
