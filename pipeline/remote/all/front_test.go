//go:build unix

package all

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/webdav"
)

// front is what stands before an HTTP server: it counts requests, and fault may
// answer one instead of the server.
type front struct {
	http.Handler
	requests atomic.Int64
	fault    atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	if fault := f.fault.Load(); fault != nil && (*fault)(w, r) {
		return
	}
	f.Handler.ServeHTTP(w, r)
}

func (f *front) set(fault func(http.ResponseWriter, *http.Request) bool) { f.fault.Store(&fault) }

// kind is a kind of remote whose servers speak HTTP.
type kind struct {
	name    string
	refused int // the exit code of a push that is refused or gets nobody, as DVC's
	// config is the URL and the options for a server at an address ("http://host:port").
	config func(addr string) (url string, options map[string]string)
	// server answers as the real one, in this process; nil = only .ci/servers has one.
	server func() http.Handler
	real   string // its name there
}

const secret = "c0nf1dential+/=" // of every kind, in all tests

var kinds = []kind{
	{name: "s3", refused: 255, config: func(addr string) (string, map[string]string) {
		return "s3://reprodl/x", map[string]string{"endpointurl": addr, "access_key_id": "reprodl", "secret_access_key": secret, "region": "us-east-1", "read_timeout": "1"}
	}, server: func() http.Handler {
		backend := s3mem.New()
		backend.CreateBucket("reprodl")
		return gofakes3.New(backend).Server()
	}},
	{name: "gs", refused: 255, config: func(addr string) (string, map[string]string) {
		return "gs://reprodl/x", map[string]string{"endpointurl": addr, "allow_anonymous_login": "true"}
	}, real: "fake-gcs-server"},
	{name: "azure", refused: 255, config: func(addr string) (string, map[string]string) {
		const emulator = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
		return "azure://reprodl/x", map[string]string{"read_timeout": "1", "connection_string": "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=" +
			emulator + ";BlobEndpoint=" + addr + "/devstoreaccount1;"}
	}, real: "azurite"},
	{name: "http", refused: 1, config: func(addr string) (string, map[string]string) {
		return addr + "/x", map[string]string{"method": "PUT", "user": "me", "password": secret, "read_timeout": "1"}
	}, server: func() http.Handler { return &putFiles{data: map[string][]byte{}} }},
	{name: "webdav", refused: 255, config: func(addr string) (string, map[string]string) {
		return strings.Replace(addr, "http", "webdav", 1) + "/x", map[string]string{"user": "me", "password": secret, "timeout": "1"}
	}, server: func() http.Handler {
		return &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()}
	}},
}

// serve starts a front with the server of a kind behind it; nil if there is none.
func (k *kind) serve(t *testing.T, start func(http.Handler) *httptest.Server) (*front, *httptest.Server) {
	f := new(front)
	if k.server != nil {
		f.Handler = k.server()
	} else {
		addr := realServer(t, k.real)
		f.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(addr)
			r.Out.Host = addr.Host
		}}
	}
	s := start(f)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return f, s
}

// realServer is the address of one that .ci/servers has started.
func realServer(t *testing.T, name string) *url.URL {
	data, _ := os.ReadFile(os.Getenv("REPRODL_REMOTES"))
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, name+" ") {
			continue
		}
		i := strings.LastIndex(line, "http://")
		addr, _, _ := strings.Cut(strings.TrimSpace(line[i+len("http://"):]), "/")
		host, _, _ := strings.Cut(addr, " ")
		return &url.URL{Scheme: "http", Host: host}
	}
	t.Skip("REPRODL_REMOTES names no " + name + ": see .ci/servers")
	return nil
}

// putFiles is a web server that keeps what is put.
type putFiles struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (p *putFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	data, ok := p.data[r.URL.Path]
	switch {
	case r.Method == http.MethodPut && err == nil:
		p.data[r.URL.Path] = body
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, md5.Sum(data)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// environment is that of before any test has changed it: Go's cache is below HOME.
var environment = os.Environ()

// program is the command, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "reprodl-all")
	if err != nil {
		return "", err
	}
	exe := filepath.Join(dir, "reprodl")
	cmd := exec.Command("go", "build", "-o", exe, "github.com/reprodl/reprodl/examples/reprodl")
	cmd.Env = environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return exe, err
})

func TestMain(m *testing.M) {
	for _, name := range []string{"AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
		"http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "STORAGE_EMULATOR_HOST"} {
		os.Unsetenv(name)
	}
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	code := m.Run()
	if exe, err := program(); err == nil && started.Load() {
		os.RemoveAll(filepath.Dir(exe))
	}
	os.Exit(code)
}

// started: the program has been built.
var started atomic.Bool

// client has a repository and runs commands in it.
type client struct {
	t    *testing.T
	dir  string
	env  []string
	home string
}

// newClient makes a repository whose remote r is the default, with some data.
func newClient(t *testing.T, url string, options map[string]string) *client {
	t.Helper()
	u := &client{t: t, dir: filepath.Join(t.TempDir(), "repo"), home: t.TempDir()}
	require.NoError(t, os.MkdirAll(u.dir, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(u.home, ".gitconfig"), []byte("[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n"), 0o600))
	u.ok("init", "--no-scm")
	u.remote(url, options)
	for i := range 5 {
		u.write(fmt.Sprintf("d/%d", i), strings.Repeat(fmt.Sprint(i), 1000+i))
	}
	u.write("f", strings.Repeat("f", 300_000))
	u.ok("add", "d", "f")
	return u
}

// remote writes the configuration, secrets to the local one.
func (u *client) remote(url string, options map[string]string) {
	text := "[core]\n    remote = r\n    no_scm = true\n['remote \"r\"']\n    url = " + url + "\n"
	for name, value := range options {
		text += "    " + name + " = " + value + "\n"
	}
	u.write(".dvc/config", text)
}

func (u *client) write(name, text string) {
	u.t.Helper()
	path := filepath.Join(u.dir, filepath.FromSlash(name))
	require.NoError(u.t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(u.t, os.WriteFile(path, []byte(text), 0o666))
}

// command is one of the program.
func (u *client) command(args ...string) *exec.Cmd {
	u.t.Helper()
	exe, err := program()
	require.NoError(u.t, err)
	started.Store(true)
	cmd := exec.CommandContext(u.t.Context(), exe, args...)
	cmd.Dir = u.dir
	cmd.Env = append(append(os.Environ(), "HOME="+u.home, "DVC_GLOBAL_CONFIG_DIR="+u.home, "DVC_SYSTEM_CONFIG_DIR="+u.home, "SSH_AUTH_SOCK=",
		"AWS_SHARED_CREDENTIALS_FILE="+u.home+"/none", "AWS_CONFIG_FILE="+u.home+"/none"), u.env...)
	return cmd
}

// do runs the program.
func (u *client) do(args ...string) (out string, rc int) {
	u.t.Helper()
	text, err := u.command(args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	require.NoError(u.t, err)
	return string(text), 0
}

func (u *client) ok(args ...string) string {
	u.t.Helper()
	out, rc := u.do(args...)
	require.Zero(u.t, rc, "%v: %s", args, out)
	return out
}

// forget removes the data, so that a pull has to get all of it.
func (u *client) forget() {
	u.t.Helper()
	for _, name := range []string{".dvc/cache", ".dvc/tmp", "d", "f"} {
		require.NoError(u.t, os.RemoveAll(filepath.Join(u.dir, name)))
	}
}

// whole requires all of the data.
func (u *client) whole() {
	u.t.Helper()
	for i := range 5 {
		data, err := os.ReadFile(filepath.Join(u.dir, "d", fmt.Sprint(i)))
		require.NoError(u.t, err)
		require.Equal(u.t, strings.Repeat(fmt.Sprint(i), 1000+i), string(data))
	}
	data, err := os.ReadFile(filepath.Join(u.dir, "f"))
	require.NoError(u.t, err)
	require.Equal(u.t, strings.Repeat("f", 300_000), string(data))
}

// closedAddr is an address where nobody listens.
func closedAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
