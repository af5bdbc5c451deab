//go:build unix

package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
)

// TestGoldenRemote runs recorded commands about URLs and paths, in their order and in
// one repository, against servers in this process: the texts, the exit code, the .dvc
// files and the data must be DVC's. What depends on the place of the recording is
// translated: paths and hosts. A file's own checksum is over them, and is compared only
// where none of them is in the file.
func TestGoldenRemote(t *testing.T) {
	dir := golden.Dir(t, "remote")
	w := newRemoteWorld(t)
	for _, name := range []string{
		"15-import-url-local-file", "16-import-url-local-dir", "17-import-url-http", "18-import-url-s3-remote",
		"19-import-url-s3-dir", "20-import-url-s3-version-aware", "21-import-url-s3-dir-version-aware",
		"22-import-url-s3-fsconfig", "23-import-url-no-download", "24-import-url-no-exec", "25-import-url-to-remote",
		"26-import-url-missing", "27-import-url-exists", "28-add-to-remote", "31-update-url-local", "32-update-url-http",
	} {
		ok := t.Run(name, func(t *testing.T) {
			a, err := txtar.ParseFile(filepath.Join(dir, name+".txtar"))
			require.NoError(t, err)
			switch name[:2] {
			case "31":
				require.NoError(t, os.WriteFile(filepath.Join(w.base, "ext/file.txt"), []byte("changed\n"), 0o666))
			case "32":
				w.web.Store([]byte("changed http\n"))
			}
			w.check(t, a)
		})
		if !ok {
			return // the others build on it
		}
	}
}

// remoteWorld is what the commands were recorded in.
type remoteWorld struct {
	base, work string
	env        []string
	web        *page
	http, s3   string // addresses
}

// page is a file of a web server.
type page struct{ data []byte }

func (p *page) Store(data []byte) { p.data = data }

func newRemoteWorld(t *testing.T) *remoteWorld {
	base, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	w := &remoteWorld{base: base, work: filepath.Join(base, "w"), web: &page{[]byte("over http\n")}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/pub/file.txt" {
			http.NotFound(rw, r)
			return
		}
		rw.Header().Set("ETag", fmt.Sprintf(`"65937d25-%x"`, len(w.web.data)))
		http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(w.web.data))
	}))
	t.Cleanup(server.Close)
	w.http = strings.TrimPrefix(server.URL, "http://")
	backend := s3mem.New()
	bucket := gofakes3.New(backend).Server()
	store := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw = &noVersions{rw, strings.HasPrefix(r.URL.Path, "/impv")}
		bucket.ServeHTTP(rw, r)
		rw.(*noVersions).drop()
	}))
	t.Cleanup(store.Close)
	w.s3 = strings.TrimPrefix(store.URL, "http://")
	for _, b := range []string{"imp", "impv"} {
		require.NoError(t, backend.CreateBucket(b))
		if b == "impv" {
			require.NoError(t, backend.SetVersioningConfiguration(b, gofakes3.VersioningConfiguration{Status: gofakes3.VersioningEnabled}))
		}
		for name, text := range map[string]string{"file.txt": "over s3\n", "dir/x": "x", "dir/y": "y"} {
			_, err := backend.PutObject(b, name, map[string]string{}, strings.NewReader(text), int64(len(text)), nil)
			require.NoError(t, err)
		}
	}
	for file, text := range map[string]string{"ext/file.txt": "ext file\n", "ext/dir/x": "x", "ext/dir/y": "y"} {
		file = filepath.Join(base, file)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
	}
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": "SECRETKEY", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent"} {
		t.Setenv(name, value)
	}
	w.env = append(os.Environ(), "HOME="+base, "DVC_GLOBAL_CONFIG_DIR="+base, "DVC_SYSTEM_CONFIG_DIR="+base)
	require.NoError(t, os.Mkdir(w.work, 0o777))
	w.must(t, "init", "--no-scm")
	require.NoError(t, os.WriteFile(filepath.Join(w.work, ".dvc/config"), fmt.Appendf(nil, "[core]\n    no_scm = True\n    remote = l\n"+
		"['remote \"l\"']\n    url = %s\n['remote \"s3r\"']\n    url = s3://imp\n    endpointurl = %s\n['remote \"s3v\"']\n    url = s3://impv\n    endpointurl = %[2]s\n",
		filepath.Join(base, "lremote"), store.URL), 0o666))
	return w
}

// noVersions leaves out the versions that the server makes up for a bucket that
// has none.
type noVersions struct {
	http.ResponseWriter
	keep bool
}

func (w *noVersions) WriteHeader(code int) {
	w.drop()
	w.ResponseWriter.WriteHeader(code)
}

func (w *noVersions) Write(p []byte) (int, error) {
	w.drop()
	return w.ResponseWriter.Write(p)
}

func (w *noVersions) drop() {
	if !w.keep {
		maps.DeleteFunc(w.Header(), func(name string, _ []string) bool { return strings.EqualFold(name, "X-Amz-Version-Id") })
	}
}

func (w *remoteWorld) call(t *testing.T, args ...string) (rc int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	rc = run(t.Context(), args, &world{Dir: w.work, Env: w.env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return rc, out.String(), errs.String()
}

func (w *remoteWorld) must(t *testing.T, args ...string) {
	t.Helper()
	rc, out, errs := w.call(t, args...)
	require.Zero(t, rc, out+errs)
}

// here translates the places of the recording.
func (w *remoteWorld) here(text string) string {
	return strings.NewReplacer("/r/ext", w.base+"/ext", "127.0.0.1:42080", w.http, "127.0.0.1:42210", w.s3).Replace(text)
}

// hints are about git, which this repository does without; ids vary.
var (
	hints  = regexp.MustCompile(`\nTo track the changes with git, run:\n\n\t.*\n\nTo enable auto staging, run:\n\n\t.*\n`)
	ids    = regexp.MustCompile(`version_id:\s+\S+`)
	tags   = regexp.MustCompile(`checksum: '"[0-9a-f]+-`)
	ownSum = regexp.MustCompile(`(?m)^md5: .*\n`)
)

func (w *remoteWorld) check(t *testing.T, a *txtar.Archive) {
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
	}
	args := strings.Fields(strings.TrimPrefix(w.here(strings.TrimSpace(files["cmd"])), "dvc "))
	rc, stdout, stderr := w.call(t, args...)
	assert.Equal(t, strings.TrimSpace(files["rc"]), fmt.Sprint(rc), stderr)
	assert.Equal(t, strings.TrimRight(w.here(hints.ReplaceAllString(files["stdout"], "")), "\n"), strings.TrimRight(stdout, "\n"))
	assert.Equal(t, strings.TrimRight(w.here(files["stderr"]), "\n"), strings.TrimRight(stderr, "\n"))
	for name, want := range files {
		name, ok := strings.CutPrefix(name, "after/")
		if !ok || name == ".gitignore" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(w.work, name))
		require.NoError(t, err)
		got := string(data)
		if strings.HasSuffix(name, ".dvc") {
			placed := w.here(want)
			if placed != want || strings.Contains(want, "version_id") || strings.Contains(want, "checksum") {
				placed, got = ownSum.ReplaceAllString(placed, ""), ownSum.ReplaceAllString(got, "")
			}
			for _, vary := range []*regexp.Regexp{ids, tags} {
				placed, got = vary.ReplaceAllString(placed, ""), vary.ReplaceAllString(got, "")
			}
			want = placed
		}
		// The archive ends files with a line end.
		assert.Equal(t, strings.TrimSuffix(want, "\n"), strings.TrimSuffix(got, "\n"), name)
	}
	for _, line := range strings.Fields(files["new objects"]) {
		key, ok := strings.CutPrefix(line, "/r/lremote/")
		if ok && !strings.Contains(key, ".tmp") {
			assert.FileExists(t, filepath.Join(w.base, "lremote", key))
		}
	}
}
