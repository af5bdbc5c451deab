package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// smallDisk is a repository of which one directory is a small disk.
type smallDisk struct {
	*testing.T
	dir  string // of the repository
	disk string // the small one
	env  []string
	lr   int // raised for each run, so that nothing is restored from an earlier one
}

const smallDiskStages = `stages:
  train:
    cmd: sh -c 'cat in params.yaml > out && cp params.yaml metrics.yaml'
    deps: [in]
    params: [lr]
    outs: [out]
    metrics:
    - metrics.yaml:
        cache: false
`

// newSmallDisk mounts the small disk at a path of the repository; "tmp" is what
// TMPDIR says.
func newSmallDisk(t *testing.T, at string) *smallDisk {
	t.Helper()
	base := t.TempDir()
	d := &smallDisk{T: t, dir: filepath.Join(base, "repo")}
	d.disk = filepath.Join(d.dir, at)
	if at == "tmp" {
		d.disk = filepath.Join(base, "tmp")
	}
	for _, dir := range []string{d.dir, filepath.Join(base, "tmp")} {
		require.NoError(t, os.MkdirAll(dir, 0o777))
	}
	d.env = append(os.Environ(), "REPRODL_TEST_MAIN=1", "HOME="+base, "TMPDIR="+filepath.Join(base, "tmp"), "SHELL=/bin/sh", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b", "DVC_SITE_CACHE_DIR="+filepath.Join(base, "site"))
	inner := strings.HasPrefix(at, ".dvc")
	if !inner {
		d.mount()
	}
	d.command("git", "init", "-q")
	d.dvc("init", "-q")
	if inner {
		d.mount()
	}
	d.write("in", strings.Repeat("input ", 60_000))
	d.write("params.yaml", "lr: 0\n")
	d.write("dvc.yaml", smallDiskStages)
	d.data(0)
	d.dvc("add", "-q", "big", "many")
	d.dvc("repro", "-q")
	d.command("git", "add", "-A")
	d.command("git", "commit", "-qm", "base")
	return d
}

func (d *smallDisk) mount() {
	d.Helper()
	require.NoError(d, os.MkdirAll(d.disk, 0o777))
	if err := unix.Mount("none", d.disk, "tmpfs", 0, "size=64m"); err != nil {
		d.Skip("cannot mount a small file system, which needs root: ", err)
	}
	d.Cleanup(func() { assert.NoError(d, unix.Unmount(d.disk, unix.MNT_DETACH)) })
}

func (d *smallDisk) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d *smallDisk) write(name, text string) {
	d.Helper()
	require.NoError(d, os.MkdirAll(filepath.Dir(d.path(name)), 0o777))
	os.Remove(d.path(name)) // it may be protected
	require.NoError(d, os.WriteFile(d.path(name), []byte(text), 0o666))
}

func (d *smallDisk) read(name string) string {
	d.Helper()
	data, err := os.ReadFile(d.path(name))
	require.NoError(d, err)
	return string(data)
}

// data writes what is under version control by hand.
func (d *smallDisk) data(seed int) {
	d.Helper()
	for name, text := range dataOf(seed) {
		d.write(name, text)
	}
}

func dataOf(seed int) map[string]string {
	files := map[string]string{"big": strings.Repeat(fmt.Sprintf("big %d ", seed), 50_000)}
	for i := range 20 {
		files[fmt.Sprintf("many/f%d", i)] = strings.Repeat(fmt.Sprintf("%d of %d ", i, seed), 500)
	}
	return files
}

// run returns the exit code and what was printed.
func (d *smallDisk) run(name string, args ...string) (int, string) {
	d.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = d.dir, d.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		require.NoError(d, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func (d *smallDisk) command(name string, args ...string) string {
	d.Helper()
	code, out := d.run(name, args...)
	require.Zero(d, code, "%s %v: %s", name, args, out)
	return out
}

func (d *smallDisk) dvc(args ...string) string {
	d.Helper()
	self, err := os.Executable()
	require.NoError(d, err)
	return d.command(self, args...)
}

// full runs a command with so many bytes left on the small disk, and then makes
// room again.
func (d *smallDisk) full(left int64, args ...string) (int, string) {
	d.Helper()
	var fs unix.Statfs_t
	require.NoError(d, unix.Statfs(d.disk, &fs))
	ballast := filepath.Join(d.disk, "ballast")
	f, err := os.Create(ballast)
	require.NoError(d, err)
	if n := int64(fs.Bavail)*fs.Bsize - left; n > 0 {
		require.NoError(d, unix.Fallocate(int(f.Fd()), 0, 0, n))
	}
	require.NoError(d, f.Close())
	self, err := os.Executable()
	require.NoError(d, err)
	code, out := d.run(self, args...)
	require.NoError(d, os.Remove(ballast))
	return code, out
}

// whole requires that the data of a seed is there, here or in the cache.
func (d *smallDisk) whole(seed int) {
	d.Helper()
	d.dvc("checkout", "-q")
	for name, text := range dataOf(seed) {
		require.Equal(d, text, d.read(name), name)
	}
}

// ran requires that the outputs are those of the parameters.
func (d *smallDisk) ran() {
	d.Helper()
	assert.Equal(d, d.read("in")+d.read("params.yaml"), d.read("out"))
	assert.Equal(d, d.read("params.yaml"), d.read("metrics.yaml"))
	assert.Contains(d, d.dvc("status"), "up to date")
}

// TestDiskFull fills the disk of the repository, the cache and the temporary
// directories in turn. A command then fails or has done its work; with room
// again the same command succeeds, and nothing is lost.
func TestDiskFull(t *testing.T) {
	room := []int64{0, 300_000}
	if os.Getenv("REPRODL_LONG") != "" {
		room = []int64{0, 4 << 10, 16 << 10, 50_000, 100_000, 200_000, 300_000, 400_000, 500_000, 700_000, 1_000_000}
	}
	for _, at := range []string{"", ".dvc/cache", ".dvc/tmp", "tmp"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			d := newSmallDisk(t, at)
			seed, failed := 0, 0
			for _, left := range room {
				try := func(args ...string) bool {
					t.Helper()
					code, out := d.full(left, args...)
					require.NotContains(t, out, "panic", "%v", args)
					if code != 0 {
						failed++
						require.NotEmpty(t, out, "%v says why", args)
					}
					return code == 0
				}
				for _, op := range []string{"add", "commit"} {
					seed++
					d.data(seed)
					args := []string{op, "big", "many"}
					if op == "commit" {
						args = append(args, "-f")
					}
					try(args...)
					for name, text := range dataOf(seed) {
						require.Equal(t, text, d.read(name), "%s after %s", name, op)
					}
					d.dvc(args...)
					d.whole(seed)
				}
				for name := range dataOf(seed) {
					require.NoError(t, os.Remove(d.path(name)))
				}
				try("checkout")
				d.dvc("checkout")
				d.whole(seed)

				d.lr++
				d.write("params.yaml", fmt.Sprintf("lr: %d\n", d.lr))
				try("repro")
				d.dvc("repro")
				d.ran()

				d.experiments(try)
				d.whole(seed)
				d.command("git", "fsck", "--strict")
			}
			t.Logf("%d commands failed for want of room", failed)
			if at != "tmp" { // which nothing may need
				assert.NotZero(t, failed)
			}
		})
	}
}

// experiments tries those in the workspace, in a copy, and of the queue.
func (d *smallDisk) experiments(try func(args ...string) bool) {
	d.Helper()
	before := d.read("params.yaml")
	run := func(name string, more ...string) {
		d.Helper()
		d.lr++
		args := append([]string{"exp", "run", "-n", name, "-S", fmt.Sprint("lr=", d.lr)}, more...)
		if !try(args...) {
			d.dvc("exp", "list") // which puts right what is left, if anything
			assert.Equal(d, before, d.read("params.yaml"), "%v", args)
			if strings.Contains(d.dvc("exp", "list", "--name-only")+d.dvc("queue", "status"), name) {
				return // all but the last of it was done
			}
			d.dvc(args...)
		}
	}
	here := fmt.Sprint("here", d.lr)
	run(here)
	assert.Contains(d, d.dvc("exp", "list"), here)
	if d.read("params.yaml") == before {
		d.dvc("exp", "apply", here)
	}
	d.ran()
	before = d.read("params.yaml")
	temp := fmt.Sprint("temp", d.lr)
	run(temp, "--temp")
	queued := fmt.Sprint("queued", d.lr)
	run(queued, "--queue")
	try("exp", "run", "--run-all")
	// Those that failed for want of room are tried again.
	if strings.Contains(d.dvc("queue", "status"), "Failed") {
		d.dvc("queue", "retry")
	}
	d.dvc("exp", "run", "--run-all")
	list := d.dvc("exp", "list")
	for _, name := range []string{here, temp, queued} {
		assert.Equal(d, 1, strings.Count(list, "["+name+"]"), "%s in %s", name, list)
		d.dvc("exp", "show", "--csv")
	}
	d.dvc("exp", "apply", queued)
	d.ran()
	d.command("git", "checkout", "-q", "dvc.lock")
	d.dvc("checkout", "-q", "-f")
	d.write("params.yaml", "lr: 0\n")
}
