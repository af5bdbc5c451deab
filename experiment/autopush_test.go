package experiment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline/data"
)

// pushing is a repository that pushes its experiments by itself to a bare
// repository, up, and a directory.
func pushing(t *testing.T) (p *exptest.Project, up string) {
	t.Helper()
	p = exptest.New(t, nil)
	up = filepath.Join(t.TempDir(), "up")
	p.Git("init", "-q", "--bare", up)
	p.Git("remote", "add", "up", up)
	p.Git("push", "-q", "up", "HEAD")
	p.Write(".dvc/config", "[core]\n    remote = r\n[exp]\n    auto_push = true\n    git_remote = up\n['remote \"r\"']\n    url = "+filepath.ToSlash(t.TempDir())+"\n")
	p.Git("commit", "-qam", "remotes")
	p.Git("push", "-q", "up", "HEAD")
	return p, up
}

// pushed are the names of the experiments over there.
func pushed(p *exptest.Project, up string) (names []string) {
	p.Helper()
	for name := range strings.FieldsSeq(p.Git("--git-dir="+up, "for-each-ref", "--format=%(refname)", "refs/exps")) {
		names = append(names, filepath.Base(name))
	}
	return names
}

// TestAutoPush: every way to make an experiment pushes it, workers too.
func TestAutoPush(t *testing.T) {
	p, up := pushing(t)
	p.MustRun("here", "lr=1")
	assert.Equal(t, []string{"here"}, pushed(p, up))
	said := p.Messages.String()
	assert.Less(t, strings.Index(said, "Pushing experiment to 'up'"), strings.Index(said, "Ran experiment(s)"), "in DVC's order")
	_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Name: "temp", Temp: true, Set: []string{"lr=2"}})
	require.NoError(t, err)
	_, err = p.Open().Save(t.Context(), &experiment.SaveOptions{Name: "saved"})
	require.NoError(t, err)
	q := queue.Open(p.Open(), nil)
	_, err = q.Add(t.Context(), &experiment.RunOptions{Name: "queued", Set: []string{"lr=3"}})
	require.NoError(t, err)
	require.NoError(t, q.Work(t.Context(), nil))
	assert.ElementsMatch(t, []string{"here", "temp", "saved", "queued"}, pushed(p, up))

	p.Env = append(p.Env, "DVC_EXP_AUTO_PUSH=0")
	p.MustRun("not", "lr=4")
	assert.NotContains(t, pushed(p, up), "not", "the environment outweighs the configuration")
}

// TestAutoPushMisconfigured: what cannot work is told in DVC's words, and the
// experiment is made.
func TestAutoPushMisconfigured(t *testing.T) {
	for name, c := range map[string]struct{ remote, dvc, want string }{
		"no remote":     {"nosuch", "r", "Failed to validate remotes. Disabling auto push: 'nosuch' is not a valid Git remote or URL"},
		"no directory":  {"/no/such/directory", "r", "Disabling auto push: '/no/such/directory' is not a valid Git remote or URL"},
		"no DVC remote": {"up", "", "Disabling auto push: config file error: no remote specified in "},
		"no repository": {"empty", "r", "Something went wrong while auto pushing experiment to the remote 'empty'"},
	} {
		t.Run(name, func(t *testing.T) {
			p, up := pushing(t)
			p.Git("remote", "add", "empty", t.TempDir())
			config := strings.Replace(p.Read(".dvc/config"), "git_remote = up", "git_remote = "+c.remote, 1)
			if c.dvc == "" {
				config = strings.Replace(config, "remote = r\n", "\n", 1)
			}
			p.Write(".dvc/config", config)
			p.MustRun("e", "lr=1")
			assert.Contains(t, p.Messages.String(), c.want)
			assert.Empty(t, pushed(p, up))
		})
	}
}

// TestTransferWithABrokenWorkspace: what travels is what the experiments
// declare, so that a broken dvc.yaml of the workspace is no matter, nor is
// what only the workspace has.
func TestTransferWithABrokenWorkspace(t *testing.T) {
	p, _ := pushing(t)
	p.Env = append(p.Env, "DVC_EXP_AUTO_PUSH=0")
	e := p.MustRun("e", "lr=1")
	p.Write("dvc.yaml", p.Read("dvc.yaml")+"\ninvalid")
	_, exps, err := p.Open().PushRefs(t.Context(), "up", &experiment.SyncOptions{Names: []string{"e"}})
	require.NoError(t, err)
	n, err := p.Open().PushData(t.Context(), exps, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	require.NoError(t, os.RemoveAll(filepath.Join(p.Dir, ".dvc", "cache")))
	var heard []string
	hear := func(p data.Progress) { heard = append(heard, p.Phase) }
	require.NoError(t, p.Open().FetchData(t.Context(), exps, &experiment.DataOptions{Progress: hear}))
	assert.Contains(t, heard, "downloading")
	p.Write("dvc.yaml", p.Git("show", e.Rev+":dvc.yaml"))
	require.NoError(t, p.Open().Apply(t.Context(), "e"))
	assert.Contains(t, p.Read("model.txt"), "lr: 1")
}
