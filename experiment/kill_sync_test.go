//go:build unix

package experiment_test

import (
	"context"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/data"
)

// pushAll pushes all experiments with their data, as exp push does.
func pushAll(ctx context.Context, r *experiment.Repo) error {
	_, exps, err := r.PushRefs(ctx, "up", &experiment.SyncOptions{Selection: experiment.Selection{All: true}})
	if err == nil {
		_, err = r.PushData(ctx, exps, nil)
	}
	return err
}

// pullAll pulls all experiments with their data, as exp pull does.
func pullAll(ctx context.Context, r *experiment.Repo) error {
	_, exps, err := r.PullRefs(ctx, "up", &experiment.SyncOptions{Selection: experiment.Selection{All: true}})
	if err == nil {
		err = r.FetchData(ctx, exps, nil)
	}
	return err
}

// TestKillSync kills exp push and exp pull at random moments, with git and alone:
// whatever reference is there has its commit whole, no object is wrong, the
// workspace is untouched, and the same command again completes the work.
func TestKillSync(t *testing.T) {
	rounds := 8
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 100
	}
	p, up := pushing(t)
	_, store, _ := strings.Cut(strings.TrimSpace(p.Read(".dvc/config")), "url = ")
	p.Env = append(p.Env, "DVC_EXP_AUTO_PUSH=0")
	p.Write("notes.txt", "edited\n")
	var names []string
	for _, name := range []string{"one", "two", "three"} {
		_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Name: name, Set: []string{"lr=" + name}, Temp: true})
		require.NoError(t, err)
		names = append(names, name)
	}
	refs, before := experimentRefs(p, p.Dir), p.State()

	// empty takes everything from the side that the next operation fills.
	empty := func(op string) {
		dir := p.Dir
		if op == "push" {
			dir = up
			require.NoError(t, os.RemoveAll(filepath.Join(store, "files")))
		} else {
			require.NoError(t, os.RemoveAll(filepath.Join(p.Dir, ".dvc", "cache")))
		}
		for line := range strings.Lines(experimentRefs(p, dir)) {
			_, name, _ := strings.Cut(strings.TrimSpace(line), " ")
			p.Git("--git-dir="+gitDir(dir), "update-ref", "-d", name)
		}
		// Without the objects, too, so that they travel again.
		p.Git("--git-dir="+gitDir(dir), "reflog", "expire", "--expire=now", "--all")
		p.Git("--git-dir="+gitDir(dir), "gc", "-q", "--prune=now")
	}
	complete := func(op string) {
		require.Equal(t, refs, experimentRefs(p, p.Dir), op)
		require.Equal(t, refs, experimentRefs(p, up), op)
		require.Equal(t, before, p.State(), op)
		for _, dir := range []string{p.Dir, up} {
			require.Empty(t, p.Git("--git-dir="+gitDir(dir), "fsck", "--strict", "--no-dangling", "--no-progress"), op)
		}
		for _, name := range names {
			_, err := p.Open().Find(t.Context(), name)
			require.NoError(t, err)
		}
		exps, err := p.Open().List(t.Context(), &experiment.Selection{All: true})
		require.NoError(t, err)
		var revs []string
		for _, e := range exps {
			revs = append(revs, e.Rev)
		}
		pl, err := p.Open().Pipeline()
		require.NoError(t, err)
		opts := &data.TransferOptions{Commits: data.Commits{Revs: revs}, CommitsOnly: true, Verify: true}
		sent, err := pl.Push(t.Context(), opts)
		require.NoError(t, err)
		assert.Zero(t, sent.Files, "all of it is in the remote")
		got, err := pl.Fetch(t.Context(), opts)
		require.NoError(t, err)
		assert.Zero(t, got.Files, "all of it is in the cache")
	}
	took := map[string]time.Duration{}
	for _, op := range []string{"push", "pull"} {
		empty(op)
		began := time.Now()
		require.NoError(t, child(p, op).Run(), op)
		took[op] = time.Since(began)
		complete(op)
	}
	for i := range rounds {
		op := []string{"push", "pull"}[i%2]
		empty(op)
		cmd := child(p, op)
		require.NoError(t, cmd.Start())
		time.Sleep(time.Duration(rand.Int64N(int64(took[op]) + 1)))
		if i/2%2 == 0 {
			repotest.KillTree(t, cmd.Process.Pid)
		} else {
			syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
		}
		cmd.Wait()
		// What is named is there, half way as well.
		for _, dir := range []string{p.Dir, up} {
			for line := range strings.Lines(experimentRefs(p, dir)) {
				assert.Contains(t, refs, strings.TrimSpace(line))
				id, _, _ := strings.Cut(line, " ")
				p.Git("--git-dir="+gitDir(dir), "rev-list", "--objects", "-n1", id)
			}
		}
		_, err := p.Open().List(t.Context(), &experiment.Selection{All: true})
		require.NoError(t, err)
		// A git that was killed leaves its locks, as it says itself; one that was not
		// may still hold them.
		var out []byte
		for try := 0; try < 50; try++ {
			if out, err = child(p, op).CombinedOutput(); err == nil || !strings.Contains(string(out), ".lock") {
				break
			}
			time.Sleep(100 * time.Millisecond)
			if i/2%2 == 0 {
				removeLocks(t, p.Dir, up)
			}
		}
		require.NoError(t, err, "round %d: %s again: %s", i, op, out)
		complete(op)
		if t.Failed() {
			return
		}
	}
}

// removeLocks deletes the locks of references, of git processes that were killed.
func removeLocks(t *testing.T, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(gitDir(dir), "refs"), func(path string, _ fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".lock") {
				return os.Remove(path)
			}
			return err
		})
		require.NoError(t, err)
	}
}
