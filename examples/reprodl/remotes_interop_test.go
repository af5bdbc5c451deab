//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// TestRemotesInterop: what one tool pushes the other pulls, on each of the real
// servers that .ci/servers starts; status -c and gc -c agree.
func TestRemotesInterop(t *testing.T) {
	list, pair := interopServers(t)
	for _, fields := range list {
		t.Run(fields[0], func(t *testing.T) {
			x := pair
			x.url, x.options, x.base = fmt.Sprintf("%s/%d", fields[1], time.Now().UnixNano()), fields[2:], t.TempDir()
			x.run(t)
		})
	}
}

// interopServers are the servers that .ci/servers has started, a name, a URL and options
// each, and the two tools without one.
func interopServers(t *testing.T) (list [][]string, x interop) {
	t.Helper()
	name, peer := os.Getenv("REPRODL_REMOTES"), os.Getenv("REPRODL_DVC_REMOTES")
	if name == "" || peer == "" {
		t.Skip("REPRODL_REMOTES names no list of servers, or REPRODL_DVC_REMOTES no dvc: see .ci/servers")
	}
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		list = append(list, strings.Fields(line))
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	return list, interop{home: interopHome(t), ours: tool{exe, "REPRODL_TEST_MAIN=1"}, theirs: tool{peer, "DVC_NO_ANALYTICS=1"}}
}

// interopHome is a home directory with a name for git and the keys of the servers.
func interopHome(t *testing.T) string {
	known, err := os.ReadFile(os.Getenv("REPRODL_KNOWN_HOSTS"))
	require.NoError(t, err)
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".ssh", "known_hosts"), known, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n"), 0o600))
	t.Setenv("HOME", home)
	return home
}

type tool struct{ exe, env string }

// interop is one server with the repositories that use it.
type interop struct {
	home, base, url string
	options         []string
	ours, theirs    tool
}

func (x *interop) do(t *testing.T, p tool, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(p.exe, args...)
	cmd.Dir = filepath.Join(x.base, dir)
	cmd.Env = append(os.Environ(), p.env, "DVC_SITE_CACHE_DIR="+filepath.Join(x.base, "site-"+filepath.Base(p.exe)),
		"DVC_GLOBAL_CONFIG_DIR="+x.home, "DVC_SYSTEM_CONFIG_DIR="+x.home, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", filepath.Base(p.exe), strings.Join(args, " "), out)
	return string(out)
}

// shell runs lines of sh in the directory of all repositories.
func (x *interop) shell(t *testing.T, script string) {
	t.Helper()
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = x.base
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}

// clone makes a repository with what another tracks, and no data.
func (x *interop) clone(t *testing.T, from, to string) {
	t.Helper()
	x.shell(t, "cp -r "+from+" "+to+"; cd "+to+"; rm -rf .dvc/cache .dvc/tmp dir loose.bin")
}

// same compares the data of two repositories.
func (x *interop) same(t *testing.T, a, b string) {
	t.Helper()
	x.shell(t, "diff -r "+a+"/dir "+b+"/dir && cmp "+a+"/loose.bin "+b+"/loose.bin")
}

func (x *interop) addRemote(t *testing.T, repo, name string) {
	x.do(t, x.ours, repo, "remote", "add", "-f", "-d", name, x.url+"/"+name)
	for _, o := range x.options {
		option, value, _ := strings.Cut(o, "=")
		x.do(t, x.ours, repo, "remote", "modify", name, option, value)
	}
}

func (x *interop) run(t *testing.T) {
	x.shell(t, "mkdir src; cd src; git init -q; mkdir -p dir/sub; for i in 1 2 3; do echo $i >dir/$i; done; : >dir/empty; "+
		"head -c 300000 /dev/urandom >dir/sub/large; echo loose >loose.bin")
	x.do(t, x.ours, "src", "init")
	x.do(t, x.ours, "src", "add", "dir", "loose.bin")
	x.addRemote(t, "src", "twin")
	x.addRemote(t, "src", "main")

	assert.Contains(t, x.do(t, x.ours, "src", "push"), "7 files pushed")
	x.clone(t, "src", "theirs")
	x.do(t, x.theirs, "theirs", "pull")
	x.same(t, "src", "theirs")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "push"), "Everything is up to date.")

	x.shell(t, "cd theirs; rm dir/1; echo new >dir/sub/new; rm loose.bin; echo changed >loose.bin")
	x.do(t, x.theirs, "theirs", "add", "dir", "loose.bin")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "push"), "3 files pushed")
	x.clone(t, "theirs", "again")
	x.do(t, x.ours, "again", "pull")
	x.same(t, "theirs", "again")
	assert.Contains(t, x.do(t, x.ours, "again", "push"), "Everything is up to date.")
	assert.Contains(t, x.do(t, x.ours, "again", "status", "-c"), "in sync")

	// What is not pushed, and what only the remote has.
	x.shell(t, "cd again; echo more >dir/more; rm loose.bin; echo other >loose.bin")
	x.do(t, x.ours, "again", "add", "dir", "loose.bin")
	x.shell(t, "cd again; rm -rf .dvc/cache/files/md5/26/ab0db90d72e28ad0ba1e22ee510510")
	assert.Equal(t, sortedLines(x.do(t, x.theirs, "again", "status", "-c")), sortedLines(x.do(t, x.ours, "again", "status", "-c")))
	if strings.HasPrefix(x.url, "http") {
		return // nobody can list it
	}
	// Both begin with both versions, and keep one.
	x.do(t, x.ours, "src", "push", "-r", "twin")
	x.do(t, x.ours, "theirs", "push", "-r", "twin")
	require.Equal(t, x.keys(t, "main"), x.keys(t, "twin"))
	all := len(x.keys(t, "main"))
	x.clone(t, "theirs", "twin")
	ours := x.do(t, x.ours, "theirs", "gc", "-w", "-c", "-f", "-r", "main")
	theirs := x.do(t, x.theirs, "twin", "gc", "-w", "-c", "-f", "-r", "twin")
	assert.Contains(t, ours, "Removed 3 objects from remote.")
	assert.Contains(t, theirs, "Removed 3 objects from remote.")
	assert.Equal(t, x.keys(t, "twin"), x.keys(t, "main"))
	assert.Len(t, x.keys(t, "main"), all-3)
}

// keys are those of all objects of a remote.
func (x *interop) keys(t *testing.T, name string) []string {
	c := remote.Config{Name: name, URL: x.url + "/" + name, Options: map[string]string{}}
	for _, o := range x.options {
		option, value, _ := strings.Cut(o, "=")
		c.Options[option] = value
	}
	r, err := remote.Open(t.Context(), c)
	require.NoError(t, err)
	var list []string
	for info, err := range r.(remote.Lister).List(t.Context(), "files/") {
		require.NoError(t, err)
		list = append(list, info.Key)
	}
	slices.Sort(list)
	return list
}
