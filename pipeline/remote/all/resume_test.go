//go:build unix

package all

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// TestResume kills the command in the middle of a large file or of a directory: the next
// one asks only for what had not come. It is so for what a remote stores by its hash,
// and for URLs, whose servers tell one state of a file from another by a tag or by the
// time of its last change.
func TestResume(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			_, s := k.serve(t, httptest.NewServer)
			l := newLine(t, s.Listener.Addr().String())
			url, options := k.unique("http://" + l.addr)
			how := fully
			switch {
			case k.server == nil:
				how = briefly
			case k.name == "http":
				how = byFile
			}
			resumes(t, l, newClient(t, url, options), how, nil)
		})
	}
	t.Run("http without tags", func(t *testing.T) {
		dir := t.TempDir()
		s := httptest.NewServer(&untagged{dir})
		t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
		l := newLine(t, s.Listener.Addr().String())
		u := newClient(t, "http://"+l.addr+"/x", map[string]string{"method": "PUT"})
		resumes(t, l, u, byFile, func() { makeOld(t, dir) })
	})
	t.Run("ssh", func(t *testing.T) {
		s := sshtest.New(t)
		l := newLine(t, s.Addr)
		s.Addr = l.addr
		s.Know(t, s.Signer.PublicKey())
		_, port, err := net.SplitHostPort(l.addr)
		require.NoError(t, err)
		dir := t.TempDir()
		u := newClient(t, "ssh://me@127.0.0.1"+dir, map[string]string{"port": port, "keyfile": filepath.Join(s.Home, ".ssh", "id_ed25519")})
		u.home = s.Home
		resumes(t, l, u, fully, func() { makeOld(t, dir) })
	})
}

// untagged is a web server of a directory that tells no ETag.
type untagged struct{ dir string }

func (s *untagged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := filepath.Join(s.dir, filepath.FromSlash(path.Clean("/"+r.URL.Path)))
	if r.Method != http.MethodPut {
		http.ServeFile(w, r, name)
		return
	}
	data, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(name), 0o777)
	}
	if err == nil {
		err = os.WriteFile(name, data, 0o666)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// makeOld makes all files some minutes old: one that is changed within the second of its
// time does not show it.
func makeOld(t *testing.T, dir string) {
	then := time.Now().Add(-time.Hour)
	require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	}))
}

// extent is how much is tried: a server that tells no names has no directories, and an
// emulator in another process is slow.
type extent int

const (
	briefly extent = iota
	byFile
	fully
)

func resumes(t *testing.T, l *line, u *client, how extent, pushed func()) {
	const size, cut, slack = 64 << 20, 48 << 20, 24 << 20 // what is on its way at the cut is lost
	const files = 32
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	u.write("large", string(data))
	for i := range files { // no two are the same, and all together they are as large
		u.write(fmt.Sprintf("many/sub/%d", i), string(data[i*size/files:][:size/files]))
	}
	// What is at home is sent, and what lies under its name is put there.
	for _, name := range []string{"large", "many"} {
		u.ok("add", name)
	}
	u.ok("push")
	for i := range files {
		u.put(fmt.Sprintf("plain/sub/%d", i), data[i*size/files:][:size/files])
	}
	u.put("large", data)
	if pushed != nil {
		pushed()
	}

	same := func(name string, want []byte) {
		t.Helper()
		got, err := os.ReadFile(filepath.Join(u.dir, name))
		require.NoError(t, err)
		require.Equal(t, len(want), len(got))
		require.True(t, string(want) == string(got), name)
	}
	whole := func(out string) {
		t.Helper()
		if fi, err := os.Stat(filepath.Join(u.dir, out)); out == "" || err == nil && !fi.IsDir() {
			if out != "" {
				same(out, data)
			}
			return
		}
		for i := range files {
			same(fmt.Sprintf("%s/sub/%d", out, i), data[i*size/files:][:size/files])
		}
	}
	twice := func(out string, args ...string) {
		t.Helper()
		before := l.got.Load()
		cmd := u.command(args...)
		started := make(chan struct{})
		l.kills(func() { <-started; cmd.Process.Kill() })
		l.arm(cut, works)
		require.NoError(t, cmd.Start())
		close(started)
		require.Error(t, cmd.Wait(), "it was killed")
		l.kills(nil)
		l.arm(-1, works)
		if out != "" {
			require.NoFileExists(t, filepath.Join(u.dir, out))
		}
		u.ok(args...)
		assert.Less(t, l.got.Load()-before, int64(size+slack), "%v: what had come was asked for again", args)
		whole(out)
		for _, pattern := range []string{".dvc/cache/files/md5/.*", ".dvc/tmp/reprodl/*/of-*", ".get-*"} {
			left, _ := filepath.Glob(filepath.Join(u.dir, pattern))
			// One that is killed between two system calls leaves some bytes for a week.
			left = slices.DeleteFunc(left, func(name string) bool { return strings.HasSuffix(name, ".sums") })
			assert.Empty(t, left, "%v", args)
		}
	}
	again := func(out string, args ...string) {
		t.Helper()
		u.forget()
		for _, name := range []string{"large", "many", "copy", "copies", "copy.dvc", "copies.dvc"} {
			require.NoError(t, os.RemoveAll(filepath.Join(u.dir, name)))
		}
		twice(out, args...)
	}
	again("large", "pull", "large.dvc")
	again("copy", "get-url", "remote://r/large", "copy")
	again("copy", "import-url", "remote://r/large", "copy")
	if how == briefly {
		return
	}
	again("many", "pull", "many.dvc")
	again("copy", "get", ".", "large", "-o", "copy")
	again("copies", "get", ".", "many", "-o", "copies")
	again("", "import-url", "--to-remote", "-f", "remote://r/large", "relayed")
	if how == fully {
		again("copies", "get-url", "remote://r/plain", "copies")
		again("copies", "import-url", "remote://r/plain", "copies")
		again("", "add", "--to-remote", "-f", "remote://r/plain", "-o", "relays")
	}
}

// put stores a file under its name in the remote.
func (u *client) put(name string, data []byte) {
	u.t.Helper()
	p, err := project.Open(u.dir, project.Options{Env: u.command().Env})
	require.NoError(u.t, err)
	c, err := transfer.Config(p, "")
	require.NoError(u.t, err)
	u.t.Setenv("HOME", u.home)
	r, err := remote.Open(u.t.Context(), c)
	require.NoError(u.t, err)
	_, err = r.Put(u.t.Context(), name, remote.Bytes(data))
	require.NoError(u.t, err)
}
