package external_test

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/external"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/data"
)

// source is a repository with data of two commits, tagged v1 and v2, all of it in
// a remote.
type source struct {
	t        *testing.T
	dir, env string
}

func newSource(t *testing.T) *source {
	t.Helper()
	s := &source{t, repotest.NewGit(t, map[string]string{"notes.txt": "plain\n", "code/a.py": "print(1)\n"}), t.TempDir()}
	repotest.Write(t, s.dir, ".dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = "+t.TempDir()+"\n")
	for _, v := range []string{"v1", "v2"} {
		repotest.Write(t, s.dir, "data.csv", "csv "+v)
		repotest.Write(t, s.dir, "images/1.png", "one")
		repotest.Write(t, s.dir, "images/sub/2.png", "two "+v)
		s.add("data.csv", "images")
		repotest.Commit(t, s.dir, v)
		repotest.Git(t, s.dir, "tag", v)
	}
	return s
}

func (s *source) add(targets ...string) {
	s.t.Helper()
	r, err := data.Open(s.dir, &data.Options{Env: repotest.Env(s.env)})
	require.NoError(s.t, err)
	_, err = r.Add(s.t.Context(), nil, targets...)
	require.NoError(s.t, err)
	_, err = r.Push(s.t.Context(), nil)
	require.NoError(s.t, err)
}

// open opens it, closing it with the test.
func (s *source) open(url string, opts external.Options) *external.Repo {
	s.t.Helper()
	opts.Env = repotest.Env(s.env)
	r, err := external.Open(s.t.Context(), url, &opts)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { assert.NoError(s.t, r.Close()) })
	return r
}

// fails is the error of opening it.
func (s *source) fails(url string, opts external.Options) error {
	s.t.Helper()
	opts.Env = repotest.Env(s.env)
	_, err := external.Open(s.t.Context(), url, &opts)
	require.Error(s.t, err)
	return err
}

func read(t *testing.T, r *external.Repo, name string) string {
	t.Helper()
	n, err := r.Node(name)
	require.NoError(t, err)
	f, err := r.Open(n)
	require.NoError(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(text)
}

func names(t *testing.T, r *external.Repo) (list []string) {
	t.Helper()
	require.NoError(t, r.Walk(t.Context(), ".", func(n *external.Node) error {
		if !n.Dir {
			list = append(list, n.Path)
		}
		return nil
	}))
	return list
}

func TestOpen(t *testing.T) {
	s := newSource(t)
	short := strings.TrimSpace(string(output(t, s.dir, "rev-parse", "--short", "v1")))
	repotest.Git(t, s.dir, "branch", "old", "v1")
	all := []string{".gitignore", "code/a.py", "data.csv", "data.csv.dvc", "images/1.png", "images/sub/2.png", "images.dvc", "notes.txt"}
	for _, url := range []string{s.dir, "file://" + s.dir} {
		for rev, want := range map[string]string{"": "v2", "HEAD": "v2", "v1": "v1", "old": "v1", "HEAD~1": "v1", short: "v1", "main": "v2"} {
			r := s.open(url, external.Options{Rev: rev})
			assert.Equal(t, "csv "+want, read(t, r, "data.csv"), "%s at %q", url, rev)
			assert.Equal(t, "two "+want, read(t, r, "images/sub/2.png"))
			assert.Equal(t, "print(1)\n", read(t, r, "code/a.py"))
			assert.ElementsMatch(t, all, names(t, r))
			commit, err := r.Commit(t.Context())
			require.NoError(t, err)
			assert.Equal(t, strings.TrimSpace(string(output(t, s.dir, "rev-parse", want))), commit)
			_, err = r.Node("images/nope")
			assert.ErrorIs(t, err, fs.ErrNotExist)
			_, err = r.Node("data.csv/nope")
			assert.ErrorIs(t, err, fs.ErrNotExist)
		}
		err := s.fails(url, external.Options{Rev: "nosuch"})
		assert.ErrorIs(t, err, git.ErrNotFound)
		assert.EqualError(t, err, "unknown Git revision 'nosuch'")
	}
	err := s.fails(filepath.Join(s.dir, "nowhere"), external.Options{})
	assert.ErrorAs(t, err, new(*external.CloneError))
	err = s.fails("https://token:secret@127.0.0.1:1/x.git", external.Options{})
	assert.NotContains(t, err.Error(), "secret")
}

func output(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err)
	return out
}

// TestCloneIsKept follows a repository whose history moves and is rewritten.
func TestCloneIsKept(t *testing.T) {
	s := newSource(t)
	url := "file://" + s.dir
	first, err := s.open(url, external.Options{}).Commit(t.Context())
	require.NoError(t, err)
	repotest.Write(t, s.dir, "notes.txt", "other\n")
	repotest.Git(t, s.dir, "commit", "-q", "-a", "--amend", "-m", "rewritten")
	repotest.Git(t, s.dir, "tag", "-f", "v2")
	assert.Equal(t, "other\n", read(t, s.open(url, external.Options{}), "notes.txt"))
	assert.Equal(t, "other\n", read(t, s.open(url, external.Options{Rev: "v2"}), "notes.txt"), "a tag that was moved")
	clones, err := filepath.Glob(filepath.Join(s.env, "site", "clones-*", "*.lock"))
	require.NoError(t, err)
	require.Len(t, clones, 1, "one clone")

	// What a killed process leaves is no hindrance.
	dir := strings.TrimSuffix(clones[0], ".lock")
	repotest.Write(t, dir, "packed-refs.lock", "")
	repotest.Write(t, dir, "refs/heads/main.lock", "")
	repotest.Write(t, dir, "objects/pack/tmp_pack_x", "half")
	repotest.Write(t, s.dir, "notes.txt", "third\n")
	repotest.Commit(t, s.dir, "third")
	assert.Equal(t, "third\n", read(t, s.open(url, external.Options{}), "notes.txt"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "HEAD"), []byte("damaged"), 0o666))
	assert.Equal(t, "third\n", read(t, s.open(url, external.Options{}), "notes.txt"))

	// A commit that is known is there without the repository, also one that no
	// branch has any more.
	require.NoError(t, os.Rename(s.dir, s.dir+"-away"))
	_ = s.fails(url, external.Options{})
	assert.Equal(t, "other\n", read(t, s.open(url, external.Options{Rev: string(revParse(t, s.dir+"-away", "v2"))}), "notes.txt"))
	_ = first
}

func revParse(t *testing.T, dir, rev string) string {
	return strings.TrimSpace(string(output(t, dir, "rev-parse", rev)))
}

// TestOpenAtOnce clones one repository several times side by side.
func TestOpenAtOnce(t *testing.T) {
	s := newSource(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			r, err := external.Open(t.Context(), "file://"+s.dir, &external.Options{Env: repotest.Env(s.env)})
			if assert.NoError(t, err) {
				_, err = r.Node("data.csv")
				assert.NoError(t, err)
				assert.NoError(t, r.Close())
			}
		})
	}
	wg.Wait()
}

// TestFetch puts files of git and of DVC into a cache of another repository.
func TestFetch(t *testing.T) {
	s := newSource(t)
	// Without its own cache the data comes from the remote.
	for _, url := range []string{"file://" + s.dir, s.dir} {
		cache := object.OpenCache(t.TempDir(), nil)
		r := s.open(url, external.Options{Rev: "v1", Cache: cache})
		m, err := r.Fetch(t.Context(), "images")
		require.NoError(t, err)
		n, err := r.Node("images")
		require.NoError(t, err)
		assert.Equal(t, object.Meta{Hash: n.Hash, Size: 9, Files: 2}, m)
		ok, err := cache.Has(t.Context(), m.Hash)
		require.NoError(t, err)
		assert.True(t, ok)
		m, err = r.Fetch(t.Context(), "code")
		require.NoError(t, err)
		entries, err := cache.Tree(m.Hash)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		assert.Equal(t, "a.py", entries[0].Path)
		m, err = r.Fetch(t.Context(), "images/sub/2.png")
		require.NoError(t, err)
		assert.Equal(t, int64(6), m.Size)
	}
}

// TestRemoteOptions reads from another remote than the repository's.
func TestRemoteOptions(t *testing.T) {
	s := newSource(t)
	url := "file://" + s.dir
	conf := repotest.Read(t, s.dir, ".dvc/config")
	_, store, _ := strings.Cut(conf, "url = ")
	store = strings.TrimSpace(store)
	repotest.Write(t, s.dir, ".dvc/config", "['remote \"other\"']\n    url = "+store+"\n")
	repotest.Commit(t, s.dir, "no default remote")
	r := s.open(url, external.Options{})
	n, err := r.Node("data.csv")
	require.NoError(t, err)
	_, err = r.Open(n)
	assert.ErrorAs(t, err, new(*external.DataError))
	assert.ErrorContains(t, err, "no remote specified")
	assert.Equal(t, "csv v2", read(t, s.open(url, external.Options{Remote: "other"}), "data.csv"))
	assert.Equal(t, "csv v2", read(t, s.open(url, external.Options{RemoteConfig: map[string]string{"url": store}}), "data.csv"))
	repotest.Write(t, s.env, "more", "[core]\n    remote = other\n")
}

// TestDamagedRemote finds out that a remote holds other bytes.
func TestDamagedRemote(t *testing.T) {
	s := newSource(t)
	r := s.open("file://"+s.dir, external.Options{})
	n, err := r.Node("data.csv")
	require.NoError(t, err)
	place, err := r.Address(n)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(place, 0o666))
	require.NoError(t, os.WriteFile(place, []byte("wrong!"), 0o666))
	f, err := r.Open(n)
	require.NoError(t, err)
	defer f.Close()
	_, err = io.ReadAll(f)
	assert.ErrorIs(t, err, object.ErrBadCopy)
}
