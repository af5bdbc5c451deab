//go:build unix

package hub_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// TestAHubInAnotherClone: the machine of the hub is lost with its repository. Another
// clone, which has not even the baseline, serves what is left, and has what was done.
func TestAHubInAnotherClone(t *testing.T) {
	_, url := hub.Site(t, nil)
	remote := filepath.ToSlash(t.TempDir())
	f := &fleet{Project: exptest.New(t, map[string]string{".dvc/config": "[core]\n    remote = r\n['remote \"r\"']\n    url = " + remote + "\n"})}
	there := *f.Project
	there.Dir = filepath.Join(t.TempDir(), "clone")
	f.Git("clone", "-q", f.Dir, there.Dir)
	f.Write("notes.txt", "not known to the clone\n")
	f.Git("commit", "-qam", "later")
	f.repo = f.Open()
	f.serve(hub.WithTerm(hub.Options{URL: url, Login: &hub.Login{}}))
	var err error
	f.token, err = f.hub.Token(hub.Worker, 0)
	require.NoError(t, err)
	ids := f.add("s", "lr=range(0,3)")
	w := f.worker("HUB_TEST_IDLE=1")
	require.NoError(t, w.Wait())
	_, err = f.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	ids = append(ids, f.add("late", "lr=range(3,5)")...)
	gone := f.add("gone", "lr=9")
	_, err = f.queue.Remove(t.Context(), &queue.TaskFilter{Names: gone})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return f.hub.Kept(t.Context(), "task.") == 5 && f.hub.Kept(t.Context(), "result.") == 3 && f.hub.Kept(t.Context(), "log.") == 3 && f.hub.Kept(t.Context(), "base.") == 1
	}, time.Minute, 20*time.Millisecond)
	first := f.Git("rev-parse", f.ref("s-1"))
	f.hub.Close()
	f.conn.Close()
	head := f.Git("rev-parse", "HEAD")
	require.NoError(t, os.Rename(f.Dir, f.Dir+".lost"))

	g := &fleet{Project: &there, token: f.token}
	g.repo = g.Open()
	g.serve(hub.WithTerm(hub.Options{URL: url, Login: &hub.Login{}}))
	assert.Equal(t, "not known to the clone", strings.TrimSpace(g.Git("show", head+":notes.txt")))
	g.worker()
	done, err := g.queue.Wait(t.Context(), ids...)
	require.NoError(t, err)
	ref := func(name string) string { return "refs/exps/" + head[:2] + "/" + head[2:] + "/" + name }
	for i, task := range done {
		assert.Equal(t, queue.Success, task.State)
		assert.Equal(t, task.Result, g.Git("rev-parse", ref(task.Name)))
		assert.Contains(t, g.Git("show", ref(task.Name)+":metrics.yaml"), fmt.Sprintf("lr: %d\n", i))
	}
	assert.Equal(t, first, g.Git("rev-parse", ref("s-1")), "it did not run again")
	require.Eventually(t, func() bool {
		var log strings.Builder
		err := g.queue.Log(t.Context(), "s-1", &log, nil)
		return err == nil && strings.Contains(log.String(), "Running stage 'train'")
	}, time.Minute, 20*time.Millisecond, "its log is here, too")
	assert.Len(t, strings.Fields(g.Git("for-each-ref", "--format=%(refname)", "refs/exps/")), 5)
	assert.Empty(t, g.Git("for-each-ref", "refs/reprodl/queue"))
	g.Fsck()
}

// TestDataThatOneMachineHas: without a DVC remote a hub over the site's server would have
// it alone, and has to be told that it may be so.
func TestDataThatOneMachineHas(t *testing.T) {
	_, url := hub.Site(t, nil)
	remote := filepath.ToSlash(t.TempDir())
	for config, here := range map[string]bool{"": true, "[core]\n    remote = r\n['remote \"r\"']\n    url = " + remote + "\n": false} {
		f := &fleet{Project: exptest.New(t, map[string]string{".dvc/config": config})}
		f.repo = f.Open()
		opts := hub.WithTerm(hub.Options{URL: url, Space: fmt.Sprint("s", here), Login: &hub.Login{}})
		if here {
			_, err := hub.Serve(t.Context(), f.repo, opts)
			require.ErrorIs(t, err, hub.ErrDataHere)
			opts.DataHere = true
		}
		f.serve(opts)
		var err error
		f.token, err = f.hub.Token(hub.Worker, 0)
		require.NoError(t, err)
		ids := f.add("s", "lr=1")
		require.NoError(t, f.worker("HUB_TEST_IDLE=1").Wait())
		_, err = f.queue.Wait(t.Context(), ids...)
		require.NoError(t, err)
		f.hub.Close()
	}
}
