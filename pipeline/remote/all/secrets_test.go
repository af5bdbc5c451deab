//go:build unix

package all

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// secrets are the options of each kind that nobody may see, in all combinations
// that log in; a URL may hold some as well.
var secrets = []struct {
	kind, name string
	url        func(addr string) string // nil = the kind's own
	options    map[string]string        // besides the kind's own
}{
	{"s3", "keys", nil, map[string]string{"session_token": secret + "T"}},
	{"s3", "customer key", nil, map[string]string{"sse_customer_key": base64.StdEncoding.EncodeToString([]byte((secret + secret + secret)[:32]))}},
	{"gs", "user", nil, map[string]string{"credentialpath": "CREDENTIALS", "allow_anonymous_login": "false"}},
	{"azure", "connection string", nil, nil},
	{"azure", "signature", nil, map[string]string{"connection_string": "BlobEndpoint=ADDR/devstoreaccount1;SharedAccessSignature=sv=2024&sig=" + url.QueryEscape(secret)}},
	{"http", "password", nil, nil},
	{"http", "URL", func(addr string) string {
		return strings.Replace(addr, "://", "://me:"+url.QueryEscape(secret)+"@", 1) + "/x"
	}, map[string]string{"user": "", "password": ""}},
	{"http", "header", nil, map[string]string{"auth": "custom", "custom_auth_header": "X-Key"}},
	{"webdav", "password", nil, nil},
	{"webdav", "token", nil, map[string]string{"token": secret, "password": ""}},
	{"webdav", "command", nil, map[string]string{"bearer_token_command": "echo '" + secret + "'", "password": ""}},
}

// replies are what servers that are wrong, hostile or talkative say.
var replies = map[string]http.HandlerFunc{
	"refuses and repeats all": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "you sent %v to %s", r.Header, r.URL)
	},
	"fails and repeats all": func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "<Error><Code>Bad</Code><Message>you sent %v to %s</Message></Error>", r.Header, r.URL)
	},
	"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "ftp://me:"+url.QueryEscape(secret)+"@elsewhere"+r.URL.String())
		w.WriteHeader(http.StatusFound)
	},
	"talks nonsense": func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("nonsense")) },
	"hangs up": func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			c.Close()
		}
	},
}

// TestSecrets provokes the errors of every kind of remote, and looks for secrets in
// all that is printed with -v and in all files that a command has written.
func TestSecrets(t *testing.T) {
	for _, s := range secrets {
		var k *kind
		for i := range kinds {
			if kinds[i].name == s.kind {
				k = &kinds[i]
			}
		}
		t.Run(s.kind+" "+s.name, func(t *testing.T) {
			t.Parallel()
			u := newClient(t, "", nil)
			for name, answer := range replies {
				if name == "hangs up" && os.Getenv("REPRODL_LONG") == "" {
					continue // each command tries for some seconds
				}
				server := httptest.NewServer(answer)
				place, options := k.config(server.URL)
				if s.url != nil {
					place = s.url(server.URL)
				}
				for o, value := range s.options {
					if value == "CREDENTIALS" {
						value = googleUser(t, server.URL)
					}
					options[o] = strings.ReplaceAll(value, "ADDR", server.URL)
				}
				u.remote(place, options)
				u.discreet(name, "push", "-v")
				u.discreet(name, "status", "-c", "-v")
				u.discreet(name, "gc", "-w", "-c", "-f", "-v")
				u.discreet(name, "import-url", "-v", "remote://r/some/file", "out")
				u.discreet(name, "list-url", "-v", "remote://r/some")
				server.CloseClientConnections()
				server.Close()
			}
			u.searchFiles()
		})
	}
	t.Run("ssh", func(t *testing.T) {
		s := sshtest.New(t)
		c := s.Config(t.TempDir(), "password", secret, "passphrase", secret+"P", "allow_agent", "false")
		u := newClient(t, "", nil)
		u.home = s.Home
		require.NoError(t, os.Remove(filepath.Join(s.Home, ".ssh", "id_ed25519")))
		u.remote(c.URL, c.Options)
		for _, args := range [][]string{{"push", "-v"}, {"status", "-c", "-v"}, {"import-url", "-v", "remote://r/some/file", "out"}} {
			u.discreet("refuses", args...)
		}
		s.Close()
		s.Cut()
		u.discreet("away", "push", "-v")
		u.searchFiles()
	})
}

// googleUser is a file of credentials whose tokens come from a server at addr.
func googleUser(t *testing.T, addr string) string {
	data, err := json.Marshal(map[string]string{"type": "authorized_user", "client_id": "id", "client_secret": secret,
		"refresh_token": secret + "R", "token_uri": addr + "/token"})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "user.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// shapes are the ways in which a secret may show.
func shapes() []string {
	return []string{secret, url.QueryEscape(secret), url.PathEscape(secret), "c0nf1dential",
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("me:" + secret)), base64.StdEncoding.EncodeToString([]byte(secret + secret))[:18], "Eby8vdM02xNOc"}
}

func (u *client) discreet(server string, args ...string) {
	u.t.Helper()
	out, _ := u.do(args...)
	for _, text := range shapes() {
		assert.NotContains(u.t, out, text, "a server that %s: %v", server, args)
	}
}

// searchFiles looks into all files but the configuration, and into git's objects.
func (u *client) searchFiles() {
	u.t.Helper()
	require.NoError(u.t, filepath.WalkDir(u.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), "config") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, text := range shapes() {
			assert.False(u.t, bytes.Contains(data, []byte(text)), path)
		}
		return err
	}))
	if _, err := os.Stat(filepath.Join(u.dir, ".git")); err != nil {
		return
	}
	cmd := exec.Command("git", "cat-file", "--batch", "--batch-all-objects")
	cmd.Dir = u.dir
	objects, err := cmd.Output()
	require.NoError(u.t, err)
	require.Contains(u.t, string(objects), "dvc.yaml")
	for _, text := range shapes() {
		assert.False(u.t, bytes.Contains(objects, []byte(text)), "in git")
	}
}

// TestSecretsOfExperiments: what is saved of an experiment, and its lock file, have
// none of the local configuration.
func TestSecretsOfExperiments(t *testing.T) {
	k := &kinds[0]
	server := httptest.NewServer(replies["refuses and repeats all"])
	defer server.Close()
	u := &client{t: t, dir: t.TempDir(), home: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(u.home, ".gitconfig"), []byte("[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n"), 0o600))
	git := func(args ...string) {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = u.dir, append(os.Environ(), "HOME="+u.home)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
	git("init", "-q")
	u.ok("init", "-q")
	place, options := k.config(server.URL)
	u.ok("remote", "add", "-q", "-d", "r", place)
	for name, value := range options {
		u.ok("remote", "modify", "-q", "--local", "r", name, value)
	}
	u.write("params.yaml", "p: 1\n")
	u.ok("stage", "add", "-q", "-n", "s", "-p", "p", "-o", "out", "echo hi >out")
	git("add", "-A")
	git("commit", "-qm", "init")
	u.discreet("", "exp", "run", "-v", "-n", "one", "-S", "p=2")
	u.write("params.yaml", "p: 3\n")
	u.discreet("", "repro", "-v", "--pull")
	u.discreet("", "exp", "save", "-v", "-n", "two")
	git("init", "-q", "--bare", filepath.Join(u.home, "origin"))
	git("remote", "add", "origin", filepath.Join(u.home, "origin"))
	u.discreet("refuses", "exp", "push", "-v", "origin", "one", "two")
	u.discreet("refuses", "push", "-v", "--run-cache", "--all-commits")
	u.searchFiles()
}
