package data_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
	_ "github.com/reprodl/reprodl/pipeline/remote/http"
	_ "github.com/reprodl/reprodl/pipeline/remote/s3"
)

// importRepo is a repository without git, and what it logs.
func importRepo(t *testing.T, config string) (*data.Repo, *bytes.Buffer) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, data.Init(t.Context(), dir, &data.InitOptions{NoSCM: true}))
	f, err := os.OpenFile(filepath.Join(dir, ".dvc/config"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(config)
	require.NoError(t, errors.Join(err, f.Close()))
	log := new(bytes.Buffer)
	return reopen(t, dir, log), log
}

func reopen(t *testing.T, dir string, log *bytes.Buffer) *data.Repo {
	t.Helper()
	r, err := data.Open(dir, &data.Options{Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	return r
}

// left are the files of a repository that are there for good, by their path.
func left(t *testing.T, r *data.Repo) []string {
	t.Helper()
	var list []string
	require.NoError(t, filepath.WalkDir(r.Root(), func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(r.Root(), path)
		rel = filepath.ToSlash(rel)
		if err == nil && !e.IsDir() && rel != ".dvcignore" &&
			(strings.HasPrefix(rel, ".dvc/cache/") || strings.HasPrefix(rel, ".dvc/tmp/reprodl/new") || !strings.HasPrefix(rel, ".dvc/")) {
			list = append(list, rel)
		}
		return err
	}))
	return list
}

// website serves one file, and may do something else instead.
type website struct {
	*httptest.Server
	mu    sync.Mutex
	tag   string
	text  string
	other func(w http.ResponseWriter, r *http.Request) bool
}

func newWebsite(t *testing.T) *website {
	s := &website{tag: `"1"`, text: strings.Repeat("0123456789", 100_000)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		tag, text, other := s.tag, s.text, s.other
		s.mu.Unlock()
		if other != nil && other(w, r) {
			return
		}
		if r.URL.Path != "/pub/file" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", tag)
		var from int
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(text)-1, len(text)))
			w.Header().Set("Content-Length", fmt.Sprint(len(text)-from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		}
		if r.Method == http.MethodGet {
			_, _ = w.Write([]byte(text[from:]))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *website) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// cutAfter makes responses with bodies break off, as long as more says so.
func (s *website) cutAfter(n int, more func() bool) {
	s.set(func() {
		s.other = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !more() {
				return false
			}
			var from int
			_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
			w.Header().Set("Content-Length", fmt.Sprint(len(s.text)-from))
			if from > 0 {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(s.text)-1, len(s.text)))
				w.WriteHeader(http.StatusPartialContent)
			}
			_, _ = w.Write([]byte(s.text[from : from+n]))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
}

func TestImportURLMendsABrokenConnection(t *testing.T) {
	site := newWebsite(t)
	r, _ := importRepo(t, "")
	cuts := 2
	site.cutAfter(1000, func() bool { cuts--; return cuts >= 0 })
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", nil)
	require.NoError(t, err)
	assert.Equal(t, -1, cuts, "it was cut as often as meant")
	got, err := os.ReadFile(filepath.Join(r.Root(), "file"))
	require.NoError(t, err)
	assert.Equal(t, site.text, string(got))
	dot, err := os.ReadFile(filepath.Join(r.Root(), "file.dvc"))
	require.NoError(t, err)
	assert.Contains(t, string(dot), "- checksum: '\"1\"'\n  size: 1000000\n  hash: md5\n  path: "+site.URL+"/pub/file\n")
}

func TestImportURLOfAFileThatIsReplacedMeanwhile(t *testing.T) {
	site := newWebsite(t)
	r, _ := importRepo(t, "")
	once := true
	site.cutAfter(1000, func() bool {
		if !once {
			return false
		}
		once = false
		site.set(func() { site.tag = `"2"` })
		return true
	})
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", nil)
	require.ErrorContains(t, err, "was replaced while it was downloaded")
	assert.NoFileExists(t, filepath.Join(r.Root(), "file"))
	assert.NoFileExists(t, filepath.Join(r.Root(), "file.dvc"))
}

func TestImportURLReplacesNothingUnasked(t *testing.T) {
	site := newWebsite(t)
	r, _ := importRepo(t, "")
	require.NoError(t, os.Mkdir(filepath.Join(r.Root(), "file"), 0o777))
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", nil)
	assert.ErrorContains(t, err, "The directory 'file' already exists locally")
	require.NoError(t, os.Remove(filepath.Join(r.Root(), "file")))
	require.NoError(t, os.WriteFile(filepath.Join(r.Root(), "file"), nil, 0o666))
	_, err = r.ImportURL(t.Context(), site.URL+"/pub/file", nil)
	assert.ErrorContains(t, err, "The file 'file' already exists locally")
}

func TestImportURLThatFailsLeavesNothing(t *testing.T) {
	site := newWebsite(t)
	for _, toRemote := range []bool{false, true} {
		remote := t.TempDir()
		r, _ := importRepo(t, "['remote \"r\"']\n    url = "+filepath.ToSlash(remote)+"\n")
		ctx, cancel := context.WithCancel(t.Context())
		site.cutAfter(1000, func() bool { cancel(); return true })
		_, err := r.ImportURL(ctx, site.URL+"/pub/file", &data.ImportURLOptions{ToRemote: toRemote, Remote: map[bool]string{true: "r"}[toRemote]})
		require.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, left(t, r))
		_, err = os.Stat(filepath.Join(remote, "files"))
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

func TestUpdateKeepsWhatItCannotReplace(t *testing.T) {
	site := newWebsite(t)
	r, _ := importRepo(t, "")
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", nil)
	require.NoError(t, err)
	dot, err := os.ReadFile(filepath.Join(r.Root(), "file.dvc"))
	require.NoError(t, err)
	before := left(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	site.set(func() { site.tag, site.text = `"2"`, "changed" })
	site.cutAfter(3, func() bool { cancel(); return true })
	require.Error(t, r.Update(ctx, nil, "file.dvc"))
	after, err := os.ReadFile(filepath.Join(r.Root(), "file.dvc"))
	require.NoError(t, err)
	assert.Equal(t, string(dot), string(after))
	assert.Equal(t, before, left(t, r))
	site.set(func() { site.other = nil })
	require.NoError(t, r.Update(t.Context(), nil, "file.dvc"))
	got, err := os.ReadFile(filepath.Join(r.Root(), "file"))
	require.NoError(t, err)
	assert.Equal(t, "changed", string(got))
}

// A query opens the door and is no part of the name.
func TestImportURLWithAQuery(t *testing.T) {
	site := newWebsite(t)
	asked := ""
	site.set(func() {
		site.other = func(_ http.ResponseWriter, r *http.Request) bool { asked = r.URL.RawQuery; return false }
	})
	r, _ := importRepo(t, "")
	file, err := r.ImportURL(t.Context(), site.URL+"/pub/file?sig=a%2Fb", nil)
	require.NoError(t, err)
	assert.Equal(t, "file.dvc", file)
	assert.Equal(t, "sig=a%2Fb", asked)
}

func TestPullPartialImport(t *testing.T) {
	site := newWebsite(t)
	r, log := importRepo(t, "")
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", &data.ImportURLOptions{ImportOptions: data.ImportOptions{NoDownload: true}})
	require.NoError(t, err)
	assert.NoFileExists(t, filepath.Join(r.Root(), "file"))
	done, _, err := r.Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 1, done.Files)
	assert.FileExists(t, filepath.Join(r.Root(), "file"))
	// Another process knows by then what was fetched.
	require.NoError(t, os.Remove(filepath.Join(r.Root(), "file")))
	list, err := reopen(t, r.Root(), log).Checkout(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"file"}, list.Added)
	// What the source holds by now is not what was imported.
	require.NoError(t, os.RemoveAll(r.CacheDir()))
	require.NoError(t, os.Remove(filepath.Join(r.Root(), "file")))
	site.set(func() { site.tag = `"2"` })
	_, _, err = reopen(t, r.Root(), log).Pull(t.Context(), nil)
	require.ErrorAs(t, err, new(*data.CheckoutError))
	assert.Contains(t, log.String(), "has changed since it was imported")
	assert.NoFileExists(t, filepath.Join(r.Root(), "file"))
}

func TestPullOfNoImportYet(t *testing.T) {
	site := newWebsite(t)
	r, log := importRepo(t, "")
	_, err := r.ImportURL(t.Context(), site.URL+"/pub/file", &data.ImportURLOptions{ImportOptions: data.ImportOptions{NoExec: true}})
	require.NoError(t, err)
	_, _, err = r.Pull(t.Context(), nil)
	require.ErrorAs(t, err, new(*data.CheckoutError))
	assert.Contains(t, log.String(), "nothing is recorded of '"+site.URL+"/pub/file' yet; dvc update fetches it")
}

func TestVersionAwareImport(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	backend := s3mem.New()
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	require.NoError(t, backend.CreateBucket("b"))
	require.NoError(t, backend.SetVersioningConfiguration("b", gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}))
	put := func(name, text string) {
		_, err := backend.PutObject("b", name, map[string]string{}, strings.NewReader(text), int64(len(text)), nil)
		require.NoError(t, err)
	}
	put("f", "old")
	put("d/a", "old a")
	put("d/b", "b")
	r, log := importRepo(t, "['remote \"s\"']\n    url = s3://b\n    endpointurl = "+server.URL+
		"\n    access_key_id = ID\n    secret_access_key = SECRETKEY\n    region = us-east-1\n")
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(r.Root(), name))
		require.NoError(t, err)
		return string(text)
	}
	for _, name := range []string{"f", "d"} {
		_, err := r.ImportURL(t.Context(), "remote://s/"+name, &data.ImportURLOptions{VersionAware: true})
		require.NoError(t, err)
	}
	put("f", "new")
	put("d/a", "new a")
	_, err := backend.DeleteObject("b", "d/b")
	require.NoError(t, err)
	// Whoever has only the .dvc files gets what was imported.
	for _, path := range []string{"f", "d", ".dvc/cache"} {
		require.NoError(t, os.RemoveAll(filepath.Join(r.Root(), path)))
	}
	done, _, err := reopen(t, r.Root(), log).Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 3, done.Files)
	assert.Equal(t, "old", read("f"))
	assert.Equal(t, "old a", read("d/a"))
	assert.Equal(t, "b", read("d/b"))
	require.NoError(t, reopen(t, r.Root(), log).Update(t.Context(), nil, "f.dvc", "d.dvc"))
	assert.Equal(t, "new", read("f"))
	assert.Equal(t, "new a", read("d/a"))
	assert.NoFileExists(t, filepath.Join(r.Root(), "d/b"))
	assert.Contains(t, read("f.dvc"), "push: false")
}
