//go:build unix

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVersionsInterop: on the real servers that keep versions, what one tool pushes
// the other pulls, finds complete and continues; both write the same files.
func TestVersionsInterop(t *testing.T) {
	list, pair := interopServers(t)
	for _, fields := range list {
		if !strings.HasSuffix(fields[0], "-versioned") {
			continue
		}
		for _, kind := range []string{"version_aware=true", "worktree=true"} {
			t.Run(fields[0]+"/"+kind, func(t *testing.T) {
				x := pair
				x.url = fields[1] + "/" + strings.ReplaceAll(time.Now().Format("150405.000000"), ".", "")
				x.options, x.base = append(fields[2:], kind), t.TempDir()
				x.versions(t, kind == "worktree=true")
			})
		}
	}
}

var versionID = regexp.MustCompile(`(?m)^( +version_id:).*(\n +\S+=*$)?`)

// files are the files that record versions, without these.
func (x *interop) files(t *testing.T, dir string) string {
	t.Helper()
	var all string
	for _, name := range []string{"dir.dvc", "loose.bin.dvc", "dvc.lock"} {
		text, err := os.ReadFile(filepath.Join(x.base, dir, name))
		require.NoError(t, err)
		require.Contains(t, string(text), "version_id")
		all += versionID.ReplaceAllString(string(text), "$1 ID")
	}
	return all
}

func (x *interop) versions(t *testing.T, worktree bool) {
	x.shell(t, "mkdir src; cd src; git init -q; mkdir -p dir/sub; for i in 1 2 3; do echo $i >dir/$i; done; : >dir/empty; "+
		"head -c 300000 /dev/urandom >dir/sub/large; echo loose >loose.bin; "+
		`printf 'stages:\n  s:\n    cmd: cp -r dir made\n    deps: [dir]\n    outs: [made]\n' >dvc.yaml`)
	x.do(t, x.ours, "src", "init")
	x.do(t, x.ours, "src", "add", "dir", "loose.bin")
	x.do(t, x.ours, "src", "repro")
	x.shell(t, "cp -r src twin")
	x.addRemote(t, "src", "up")
	x.addRemote(t, "twin", "up")
	url := x.url + "/twin"
	x.do(t, x.ours, "twin", "remote", "modify", "up", "url", url)

	// The same state, pushed by each to a place of its own, makes the same files.
	assert.Contains(t, x.do(t, x.ours, "src", "push"), "11 files pushed")
	assert.Contains(t, x.do(t, x.theirs, "twin", "push"), "11 files pushed")
	assert.Equal(t, x.files(t, "twin"), x.files(t, "src"))
	assert.Contains(t, x.do(t, x.ours, "src", "push"), "Everything is up to date.")

	x.clone(t, "src", "theirs")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "pull"), "fetched")
	x.same(t, "src", "theirs")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "push"), "Everything is up to date.")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "status"), "up to date")
	x.shell(t, "cmp src/dir.dvc theirs/dir.dvc && cmp src/loose.bin.dvc theirs/loose.bin.dvc && cmp src/dvc.lock theirs/dvc.lock")
	x.clone(t, "twin", "ours")
	x.do(t, x.ours, "ours", "pull")
	x.same(t, "twin", "ours")
	assert.Contains(t, x.do(t, x.ours, "ours", "push"), "Everything is up to date.")
	assert.Contains(t, x.do(t, x.ours, "ours", "status"), "up to date")
	x.shell(t, "cmp twin/dir.dvc ours/dir.dvc && cmp twin/dvc.lock ours/dvc.lock")

	// One changes, the other goes on.
	x.shell(t, "cd theirs; rm dir/1; echo new >dir/sub/new; rm loose.bin; echo changed >loose.bin")
	x.do(t, x.theirs, "theirs", "add", "dir", "loose.bin")
	assert.Contains(t, x.do(t, x.theirs, "theirs", "push", "dir", "loose.bin"), "2 files pushed")
	x.clone(t, "theirs", "again")
	x.do(t, x.ours, "again", "pull")
	x.same(t, "theirs", "again")
	x.shell(t, "cd again; echo more >dir/more; rm dir/2; echo 22 >dir/2")
	x.do(t, x.ours, "again", "add", "dir")
	assert.Contains(t, x.do(t, x.ours, "again", "push"), "2 files pushed")
	x.clone(t, "again", "last")
	x.do(t, x.theirs, "last", "pull")
	x.same(t, "again", "last")

	// What was pushed first is still there, though it was replaced and deleted.
	x.clone(t, "src", "old")
	x.do(t, x.theirs, "old", "pull")
	x.same(t, "src", "old")
	x.clone(t, "src", "older")
	x.do(t, x.ours, "older", "pull")
	x.same(t, "src", "older")

	if worktree {
		x.do(t, x.ours, "older", "update", "dir.dvc", "loose.bin.dvc")
		x.shell(t, "test $(cat older/dir/2) = 22 && cmp older/loose.bin again/loose.bin")
		x.clone(t, "older", "oldest")
		x.do(t, x.theirs, "oldest", "pull")
		x.same(t, "older", "oldest")
	}
}
