//go:build unix

package data_test

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/data"
)

// dataRepo is a repository without git in a temporary directory.
type dataRepo struct {
	t   *testing.T
	dir string
}

func newDataRepo(t *testing.T) *dataRepo {
	t.Helper()
	d := &dataRepo{t, t.TempDir()}
	require.NoError(t, data.Init(t.Context(), d.dir, &data.InitOptions{NoSCM: true}))
	return d
}

func (d *dataRepo) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d *dataRepo) write(name, text string) {
	d.t.Helper()
	require.NoError(d.t, os.MkdirAll(filepath.Dir(d.path(name)), 0o777))
	require.NoError(d.t, os.WriteFile(d.path(name), []byte(text), 0o666))
}

func (d *dataRepo) open() *data.Repo {
	d.t.Helper()
	r, err := data.Open(d.dir, &data.Options{Env: []string{"HOME=" + d.dir, "PATH=" + os.Getenv("PATH")}})
	require.NoError(d.t, err)
	return r
}

// dataOp is an operation that the tests interrupt.
func dataOp(ctx context.Context, r *data.Repo, op string) error {
	switch op {
	case "add":
		_, err := r.Add(ctx, nil, "data", "big")
		return err
	case "commit":
		return r.Commit(ctx, &data.CommitOptions{Force: true})
	case "checkout":
		_, err := r.Checkout(ctx, nil)
		return err
	case "push":
		_, err := r.Push(ctx, nil)
		return err
	case "pull":
		_, _, err := r.Pull(ctx, nil)
		return err
	}
	return fmt.Errorf("no operation %q", op)
}

// TestKilledHelper is the process that TestKilled kills.
func TestKilledHelper(t *testing.T) {
	dir, op := os.Getenv("REPRODL_KILL_DIR"), os.Getenv("REPRODL_KILL_OP")
	if dir == "" {
		t.Skip("run by TestKilled")
	}
	require.NoError(t, dataOp(t.Context(), (&dataRepo{t, dir}).open(), op))
}

// content writes the data of a round: many small files and a large one.
func (d *dataRepo) content(seed int) {
	d.t.Helper()
	for i := range 60 {
		d.write(fmt.Sprintf("data/%d/f%d", i%7, i), strings.Repeat(fmt.Sprintf("%d-%d ", i, seed), 50+i))
	}
	d.write("big", strings.Repeat(fmt.Sprintf("large %d ", seed), 400_000))
}

// intact requires that every object has its hash, in the cache and over there.
func (d *dataRepo) intact() {
	d.t.Helper()
	cache := project.Of(d.open()).Cache()
	for h, err := range cache.Objects(d.t.Context(), false) {
		require.NoError(d.t, err)
		if !h.IsDir() {
			require.NoError(d.t, cache.Verify(d.t.Context(), h))
		} else {
			_, err := cache.Tree(h)
			require.NoError(d.t, err)
		}
	}
}

// remoteIntact requires that every file of the remote has the hash it is named
// by, and returns how many there are.
func (d *dataRepo) remoteIntact(remote string) (n int) {
	d.t.Helper()
	err := filepath.WalkDir(filepath.Join(remote, "files", "md5"), func(path string, e fs.DirEntry, err error) error {
		// A name of its own is what a copy has until it is whole.
		if err != nil || e.IsDir() || len(e.Name()) < 30 || len(e.Name()) > 34 {
			return err
		}
		data, err := os.ReadFile(path)
		sum := md5.Sum(data)
		assert.Equal(d.t, hex.EncodeToString(sum[:]), filepath.Base(filepath.Dir(path))+strings.TrimSuffix(e.Name(), ".dir"))
		n++
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(d.t, err)
	}
	return n
}

// clean requires that nothing is left over and nothing differs.
func (d *dataRepo) clean() {
	d.t.Helper()
	status, err := d.open().DataStatus(d.t.Context(), nil)
	require.NoError(d.t, err)
	assert.True(d.t, status.Uncommitted.IsZero() && len(status.NotInCache) == 0, "%+v", status)
	left, _ := filepath.Glob(filepath.Join(d.dir, ".dvc/tmp/reprodl/new/*"))
	assert.Empty(d.t, left, "temporary files")
	names, err := os.ReadDir(d.dir)
	require.NoError(d.t, err)
	for _, n := range names {
		assert.Contains(d.t, []string{".dvc", ".dvcignore", "data", "big", "data.dvc", "big.dvc"}, n.Name())
	}
}

// TestKilled kills processes at random moments of add, commit, checkout, push
// and pull: the next run succeeds, and no object has wrong content, here or in
// the remote.
func TestKilled(t *testing.T) {
	rounds := 10
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 200
	}
	d := newDataRepo(t)
	remote := t.TempDir()
	d.write(".dvc/config", "[core]\n    no_scm = true\n    remote = r\n['remote \"r\"']\n    url = "+remote+"\n")
	usual := map[string]time.Duration{}
	timed := func(op string) {
		start := time.Now()
		require.Zero(t, d.kill(op, time.Hour))
		usual[op] = time.Since(start)
	}
	lose := func(seed int) {
		require.NoError(t, os.RemoveAll(d.path("data")))
		require.NoError(t, os.Remove(d.path("big")))
		if seed%2 == 0 { // a directory that is there in part
			d.write("data/0/f0", strings.Repeat(fmt.Sprintf("%d-%d ", 0, seed), 50))
		}
	}
	d.content(0)
	ops := []string{"add", "push", "pull", "checkout", "commit"}
	for _, op := range ops {
		if op == "pull" {
			require.NoError(t, os.RemoveAll(d.path(".dvc/cache")))
		}
		timed(op)
	}
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	killed, seed := 0, 0
	for round := range rounds {
		op := ops[round%len(ops)]
		switch op {
		case "add", "commit":
			seed++
			d.content(seed)
		case "pull":
			lose(seed)
			require.NoError(t, os.RemoveAll(d.path(".dvc/cache")))
		case "checkout":
			lose(seed)
		}
		killed += d.kill(op, time.Duration(rng.Int64N(int64(usual[op]))))
		d.intact()
		d.remoteIntact(remote)
		require.NoError(t, dataOp(t.Context(), d.open(), op), "round %d: %s after kill", round, op)
		d.clean()
		if op == "push" {
			done, err := d.open().Push(t.Context(), &data.TransferOptions{Verify: true})
			require.NoError(t, err)
			assert.Zero(t, done.Files, "round %d: all of it is there", round)
		}
		if op == "checkout" || op == "pull" {
			d.content(seed) // what must have come back
			d.clean()
		}
		if t.Failed() {
			return
		}
	}
	assert.NotZero(t, d.remoteIntact(remote))
	t.Logf("%d of %d processes were killed before they ended", killed, rounds)
}

// kill runs an operation in a process of its own and kills it after a while. It
// returns 1 if the process had not ended by then.
func (d *dataRepo) kill(op string, after time.Duration) int {
	d.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledHelper$")
	cmd.Env = append(os.Environ(), "REPRODL_KILL_DIR="+d.dir, "REPRODL_KILL_OP="+op)
	require.NoError(d.t, cmd.Start())
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return 1
	}
	return 0
}
