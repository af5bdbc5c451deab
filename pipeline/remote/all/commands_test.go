//go:build unix

package all

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommands runs all that has to do with remotes against each of the servers that
// .ci/servers starts: several revisions, a remote below another, the run cache,
// what is missing, what is too many, experiments.
func TestCommands(t *testing.T) {
	for _, fields := range servers(t) {
		t.Run(fields[0], func(t *testing.T) {
			t.Parallel()
			home := knowing(t)
			require.NoError(t, os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[user]\nname = t\nemail = t@example.com\n[init]\ndefaultBranch = main\n"), 0o600))
			u := &client{t: t, dir: filepath.Join(t.TempDir(), "repo"), home: home}
			require.NoError(t, os.MkdirAll(u.dir, 0o777))
			u.commands(fields[1], fields[2:])
		})
	}
}

// sh runs a line in the repository.
func (u *client) sh(line string) string {
	u.t.Helper()
	cmd := exec.Command("sh", "-ec", line)
	cmd.Dir, cmd.Env = u.dir, append(os.Environ(), "HOME="+u.home)
	out, err := cmd.CombinedOutput()
	require.NoError(u.t, err, "%s: %s", line, out)
	return string(out)
}

// fresh is a clone without any data.
func (u *client) fresh() *client {
	u.t.Helper()
	c := *u
	c.dir = filepath.Join(u.t.TempDir(), "clone")
	u.sh("git clone -q . " + c.dir)
	return &c
}

func (u *client) commands(url string, options []string) {
	t := u.t
	lists := !strings.HasPrefix(url, "http") // a web server cannot tell what it holds
	u.sh("git init -q")
	u.ok("init", "-q")
	u.ok("remote", "add", "-q", "base", fmt.Sprintf("%s/%d", url, time.Now().UnixNano()))
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		u.ok("remote", "modify", "-q", "base", name, value)
	}
	u.ok("remote", "add", "-q", "-d", "below", "remote://base/further/down")
	u.write("d/0", "zero")
	u.write("d/1", "one")
	u.ok("add", "-q", "d")
	u.ok("stage", "add", "-q", "-n", "s", "-d", "d", "-o", "out", "cat d/* >out; echo ran >>ran")
	u.write(".gitignore", "/d\n/out\n/ran\n")
	u.ok("repro", "-q")
	u.sh("git add -A; git commit -qm one; git tag v1")
	u.write("d/0", "two")
	u.ok("add", "-q", "d")
	u.ok("repro", "-q")
	u.sh("git add -A; git commit -qm two")

	// d/0, d/1 and out of both revisions, and two manifests.
	dry := u.ok("push", "--dry-run", "--all-commits")
	assert.Contains(t, dry, "7 files")
	assert.Contains(t, u.ok("data", "status", "--not-in-remote"), "Not in remote")
	assert.Contains(t, u.ok("status", "-c"), "new:")
	push := []string{"push", "-j", "2", "--all-commits"}
	pushed := u.ok(append(push, "--run-cache")...)
	assert.Contains(t, pushed, "pushed")
	assert.Equal(t, !lists, strings.Contains(pushed, "WARNING: failed to push run cache: run-cache is not supported for http filesystem: http://"), pushed)
	assert.Contains(t, u.ok("push", "--all-tags", "--all-branches"), "Everything is up to date.")
	assert.Contains(t, u.ok("push", "--dry-run", "--all-commits"), "0 files")
	assert.Contains(t, u.ok("status", "-c", "-j", "1"), "in sync")
	assert.NotContains(t, u.ok("data", "status", "--not-in-remote"), "Not in remote")

	c := u.fresh()
	assert.Contains(t, c.ok("pull", "--dry-run"), "4 files")
	assert.NoDirExists(t, filepath.Join(c.dir, "d"))
	c.ok("pull", "-j", "1")
	assert.Equal(t, "twoone", c.sh("cat out"))
	c.ok("fetch", "--all-tags", "-j", "3")
	c.sh("git checkout -q v1")
	c.ok("checkout", "-q")
	assert.Equal(t, "zeroone", c.sh("cat out"))

	c = u.fresh()
	c.ok("repro", "--pull")
	assert.NoFileExists(t, filepath.Join(c.dir, "ran"), "what could be pulled was made")

	if !lists {
		return
	}
	c = u.fresh()
	c.ok("fetch", "-q", "--run-cache")
	c.ok("pull", "-q", "d")
	c.sh("rm dvc.lock")
	c.ok("repro")
	assert.NoFileExists(t, filepath.Join(c.dir, "ran"), "the run cache came along")
	c = u.fresh()
	c.ok("pull", "-q", "d")
	c.sh("rm dvc.lock")
	c.ok("repro", "--pull")
	assert.NoFileExists(t, filepath.Join(c.dir, "ran"), "the run cache is pulled when it is needed")

	u.ok("exp", "run", "-q", "-n", "trial", "--force")
	origin := filepath.Join(t.TempDir(), "origin")
	u.sh("git init -q --bare " + origin + "; git remote add origin " + origin)
	u.ok("exp", "push", "origin", "trial")
	c = u.fresh()
	c.sh("git remote set-url origin " + origin)
	c.ok("exp", "pull", "origin", "trial")
	c.ok("exp", "apply", "trial")
	assert.Equal(t, "twoone", c.sh("cat out"))

	u.sh("git tag -d v1")
	gc := u.ok("gc", "-w", "-c", "-f", "--dry")
	assert.Contains(t, gc, "3 objects")
	assert.Contains(t, u.ok("gc", "-w", "-c", "-f"), "Removed 3 objects from remote.")
	assert.Contains(t, u.ok("status", "-c"), "in sync")
	c = u.fresh()
	c.ok("pull")
	assert.Equal(t, "twoone", c.sh("cat out"))
}
