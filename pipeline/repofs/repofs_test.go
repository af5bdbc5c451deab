package repofs_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/data"
	_ "github.com/reprodl/reprodl/pipeline/remote/http"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// published is a repository whose data a web server has.
type published struct {
	t        *testing.T
	dir, env string
	store    string // directory that the server serves
	server   *httptest.Server
}

func publishHTTP(t *testing.T) *published {
	t.Helper()
	p := &published{t: t, env: t.TempDir(), store: t.TempDir()}
	p.dir = repotest.NewGit(t, map[string]string{"notes.txt": "plain\n", "code/run.sh": "exit\n", "empty.txt": ""})
	require.NoError(t, os.Chmod(filepath.Join(p.dir, "code/run.sh"), 0o755))
	p.server = httptest.NewServer(http.FileServer(http.Dir(p.store)))
	t.Cleanup(p.server.Close)
	p.config(p.store)
	repotest.Write(t, p.dir, "data.csv", "id,v\n")
	repotest.Write(t, p.dir, "images/1.png", "one")
	repotest.Write(t, p.dir, "images/sub/2.png", "two")
	repotest.Write(t, p.dir, "images/sub-x/3.png", "three")
	repotest.Write(t, p.dir, "sub/dir/model.bin", "model")
	r, err := data.Open(p.dir, &data.Options{Env: repotest.Env(p.env)})
	require.NoError(t, err)
	_, err = r.Add(t.Context(), nil, "data.csv", "images", "sub/dir/model.bin")
	require.NoError(t, err)
	_, err = r.Push(t.Context(), nil)
	require.NoError(t, err)
	p.config(p.server.URL)
	repotest.Commit(t, p.dir, "data")
	repotest.Git(t, p.dir, "tag", "v1")
	return p
}

func (p *published) config(url string) {
	repotest.Write(p.t, p.dir, ".dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = "+url+"\n")
}

func (p *published) open(url, rev string) *repofs.FS {
	p.t.Helper()
	f, err := repofs.Open(p.t.Context(), url, &repofs.Options{Rev: rev, Env: repotest.Env(p.env)})
	require.NoError(p.t, err)
	p.t.Cleanup(func() { assert.NoError(p.t, f.Close()) })
	return f
}

// TestFS holds an FS to the rules of all file systems: a working tree, a commit
// of it with its cache, and a clone whose data is streamed.
func TestFS(t *testing.T) {
	p := publishHTTP(t)
	for name, f := range map[string]*repofs.FS{
		"working tree": p.open(p.dir, ""), "commit": p.open(p.dir, "v1"), "clone": p.open("file://"+p.dir, ""),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, fstest.TestFS(f, "data.csv", "data.csv.dvc", "images/1.png", "images/sub/2.png", "images/sub-x/3.png",
				"notes.txt", "code/run.sh", "empty.txt", "sub/dir/model.bin"))
			text, err := fs.ReadFile(f, "images/sub/2.png")
			require.NoError(t, err)
			assert.Equal(t, "two", string(text))
			fi, err := fs.Stat(f, "code/run.sh")
			require.NoError(t, err)
			assert.Equal(t, fs.FileMode(0o555), fi.Mode())
			fi, err = fs.Stat(f, "images/1.png")
			require.NoError(t, err)
			assert.Equal(t, int64(3), fi.Size())
			assert.True(t, fi.Sys().(repofs.Entry).Tracked)
			_, err = f.Open(".dvc/config")
			assert.ErrorIs(t, err, fs.ErrNotExist, "DVC's own files are not in it")
			_, err = f.Open("images/nope")
			assert.ErrorIs(t, err, fs.ErrNotExist)

			file, err := f.Open("images/sub-x/3.png")
			require.NoError(t, err)
			defer file.Close()
			_, err = file.(io.Seeker).Seek(-3, io.SeekEnd)
			require.NoError(t, err)
			rest, err := io.ReadAll(file)
			require.NoError(t, err)
			assert.Equal(t, "ree", string(rest))
			_, err = file.(io.Seeker).Seek(0, io.SeekStart)
			require.NoError(t, err)
			rest, err = io.ReadAll(file)
			require.NoError(t, err)
			assert.Equal(t, "three", string(rest))
		})
	}
}

func TestGet(t *testing.T) {
	p := publishHTTP(t)
	f := p.open("file://"+p.dir, "")
	dir := t.TempDir()
	n, err := f.Get(t.Context(), "images", filepath.Join(dir, "deep", "got"), nil)
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	assert.Equal(t, "two", repotest.Read(t, dir, "deep/got/sub/2.png"))
	_, err = f.Get(t.Context(), "images", filepath.Join(dir, "deep", "got"), nil)
	assert.ErrorIs(t, err, fs.ErrExist)
	assert.ErrorContains(t, err, "The directory '")
	// What is not the repository's stays.
	repotest.Write(t, dir, "deep/got/mine", "mine")
	repotest.Write(t, dir, "deep/got/1.png", "other")
	_, err = f.Get(t.Context(), "images", filepath.Join(dir, "deep", "got"), &repofs.GetOptions{Force: true})
	require.NoError(t, err)
	assert.Equal(t, "one", repotest.Read(t, dir, "deep/got/1.png"))
	assert.Equal(t, "mine", repotest.Read(t, dir, "deep/got/mine"))
	n, err = f.Get(t.Context(), "code", filepath.Join(dir, "code"), nil)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	fi, err := os.Stat(filepath.Join(dir, "code/run.sh"))
	require.NoError(t, err)
	assert.NotZero(t, fi.Mode()&0o100)
}

// TestGetLeavesNothing lacks an object, has a damaged one, and is cancelled.
func TestGetLeavesNothing(t *testing.T) {
	p := publishHTTP(t)
	objects := map[string]string{}
	require.NoError(t, filepath.WalkDir(p.store, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			text, rerr := os.ReadFile(path)
			objects[string(text)], err = path, rerr
		}
		return err
	}))
	dir := t.TempDir()
	get := func(ctx context.Context) error {
		_, err := p.open("file://"+p.dir, "").Get(ctx, "images", filepath.Join(dir, "got"), nil)
		entries, rerr := os.ReadDir(dir)
		require.NoError(t, rerr)
		assert.Empty(t, entries)
		return err
	}
	require.NoError(t, os.Chmod(objects["two"], 0o666))
	require.NoError(t, os.WriteFile(objects["two"], []byte("tow"), 0o666))
	assert.ErrorContains(t, get(t.Context()), "corrupt")
	require.NoError(t, os.Remove(objects["two"]))
	assert.ErrorAs(t, get(t.Context()), new(*repofs.DataError))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, get(ctx), context.Canceled)

	// Cancelled after the first file of three, when no copy fails.
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	f, err := repofs.Open(t.Context(), p.dir, &repofs.Options{Env: repotest.Env(p.env), Jobs: 1})
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Get(ctx, "images", filepath.Join(dir, "got"), &repofs.GetOptions{Progress: func(int, int, int64) { cancel() }})
	assert.ErrorIs(t, err, context.Canceled)
	assert.NoDirExists(t, filepath.Join(dir, "got"))
}

func TestOpenErrors(t *testing.T) {
	p := publishHTTP(t)
	for _, url := range []string{p.dir, "file://" + p.dir} {
		_, err := repofs.Open(t.Context(), url, &repofs.Options{Rev: "nosuch", Env: repotest.Env(p.env)})
		assert.ErrorAs(t, err, new(*repofs.RevError))
	}
	_, err := repofs.Open(t.Context(), filepath.Join(p.dir, "nowhere"), &repofs.Options{Env: repotest.Env(p.env)})
	assert.ErrorAs(t, err, new(*repofs.CloneError))
	// The server is gone: what git has can still be read.
	p.server.Close()
	f := p.open("file://"+p.dir, "")
	_, err = f.ReadFile("notes.txt")
	assert.NoError(t, err)
	_, err = f.ReadFile("data.csv")
	assert.ErrorAs(t, err, new(*repofs.DataError))
	assert.ErrorContains(t, err, p.server.URL)
}

// TestImportedFromAnother reads data that a repository has only imported.
// TestNoSuchRemote: a remote that is asked for by its name must be there, also where all
// of the data could be had without it.
func TestNoSuchRemote(t *testing.T) {
	p := publishHTTP(t)
	for _, url := range []string{p.dir, "file://" + p.dir} {
		f, err := repofs.Open(t.Context(), url, &repofs.Options{Remote: "nope", Env: repotest.Env(p.env)})
		require.NoError(t, err)
		defer f.Close()
		_, err = f.List(".", nil)
		assert.ErrorContains(t, err, "remote 'nope' doesn't exist")
		_, err = f.Get(t.Context(), "data.csv", filepath.Join(t.TempDir(), "got"), nil)
		assert.ErrorContains(t, err, "remote 'nope' doesn't exist")
	}
}

func TestImportedFromAnother(t *testing.T) {
	p := publishHTTP(t)
	f := p.open(p.dir, "")
	commit, err := f.Commit()
	require.NoError(t, err)
	e, err := f.Entry("images")
	require.NoError(t, err)
	importer := repotest.NewGit(t, map[string]string{"pics.dvc": "md5: 0d4e928a6e2262f1680566aca55c4557\nfrozen: true\ndeps:\n- path: images\n  repo:\n" +
		"    url: file://" + p.dir + "\n    rev_lock: " + commit + "\nouts:\n- md5: " + e.MD5 + "\n  size: 11\n  nfiles: 3\n  hash: md5\n  path: pics\n"})
	for _, url := range []string{importer, "file://" + importer} {
		text, err := p.open(url, "").ReadFile("pics/sub/2.png")
		require.NoError(t, err)
		assert.Equal(t, "two", string(text))
	}
}

// TestRepositoryWithin finds the data of a repository in a directory of another.
func TestRepositoryWithin(t *testing.T) {
	p := publishHTTP(t)
	require.NoError(t, os.Mkdir(filepath.Join(p.dir, "inner"), 0o777))
	require.NoError(t, data.Init(t.Context(), filepath.Join(p.dir, "inner"), &data.InitOptions{Subdir: true}))
	repotest.Write(t, p.dir, "inner/.dvc/config", repotest.Read(t, p.dir, ".dvc/config"))
	repotest.Write(t, p.dir, "inner/deep/x.bin", "inner data")
	r, err := data.Open(filepath.Join(p.dir, "inner"), &data.Options{Env: repotest.Env(p.env)})
	require.NoError(t, err)
	_, err = r.Add(t.Context(), nil, "deep/x.bin")
	require.NoError(t, err)
	repotest.Commit(t, p.dir, "inner")
	f := p.open(p.dir, "HEAD")
	text, err := f.ReadFile("inner/deep/x.bin")
	require.NoError(t, err)
	assert.Equal(t, "inner data", string(text))
	list, err := f.ReadDir(".")
	require.NoError(t, err)
	for _, e := range list {
		assert.NotEqual(t, "inner", e.Name())
	}
}

func TestArtifact(t *testing.T) {
	p := publishHTTP(t)
	repotest.Write(t, p.dir, "dvc.yaml", "artifacts:\n  net:\n    path: data.csv\n    type: model\n")
	repotest.Write(t, p.dir, "models/dvc.yaml", "artifacts:\n  other:\n    path: ../notes.txt\n")
	repotest.Commit(t, p.dir, "artifacts")
	repotest.Git(t, p.dir, "tag", "-a", "-m", "m", "net@v1.9.0")
	repotest.Git(t, p.dir, "tag", "-a", "-m", "m", "net#prod#1")
	first := head(t, p)
	repotest.Git(t, p.dir, "commit", "-q", "--allow-empty", "-m", "more")
	repotest.Git(t, p.dir, "tag", "-a", "-m", "m", "net@v1.10.0")
	repotest.Git(t, p.dir, "tag", "-a", "-m", "m", "models=other@v0.1.0")
	repotest.Git(t, p.dir, "tag", "net@v9.0.0") // names only a commit
	last := head(t, p)
	for _, url := range []string{p.dir, "file://" + p.dir} {
		f := p.open(url, "")
		for _, c := range []struct {
			name      string
			opts      repofs.ArtifactOptions
			rev, file string
		}{
			{"net", repofs.ArtifactOptions{}, last, "data.csv"},
			{"net", repofs.ArtifactOptions{Version: "v1.9.0"}, first, "data.csv"},
			{"dvc.yaml:net", repofs.ArtifactOptions{Stage: "prod"}, first, "data.csv"},
			{"models/dvc.yaml:other", repofs.ArtifactOptions{}, last, "notes.txt"},
			{"models:other", repofs.ArtifactOptions{}, last, "notes.txt"},
		} {
			rev, file, err := f.Artifact(c.name, &c.opts)
			require.NoError(t, err, c.name)
			assert.Equal(t, [2]string{c.rev, c.file}, [2]string{rev, file}, "%+v", c)
		}
		for _, opts := range []repofs.ArtifactOptions{{Version: "1.9.0"}, {Version: "v9.0.0"}, {Stage: "dev"}} {
			_, _, err := f.Artifact("net", &opts)
			assert.ErrorIs(t, err, repofs.ErrArtifact)
		}
	}
}

func head(t *testing.T, p *published) string {
	commit, err := p.open(p.dir, "").Commit()
	require.NoError(t, err)
	return strings.TrimSpace(commit)
}

// TestContext ends all reading with the context of Open.
func TestContext(t *testing.T) {
	p := publishHTTP(t)
	ctx, cancel := context.WithCancel(t.Context())
	f, err := repofs.Open(ctx, "file://"+p.dir, &repofs.Options{Env: repotest.Env(p.env)})
	require.NoError(t, err)
	defer f.Close()
	_, err = f.ReadFile("data.csv")
	require.NoError(t, err)
	cancel()
	_, err = f.ReadFile("images/1.png")
	assert.True(t, errors.Is(err, context.Canceled), err)
}
