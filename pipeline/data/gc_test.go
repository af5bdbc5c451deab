//go:build unix

package data_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/pipeline/data"
)

// gitRepo is a dataRepo in git.
func newGitDataRepo(t *testing.T) *dataRepo {
	t.Helper()
	d := &dataRepo{t, t.TempDir()}
	d.git("init", "-q", "-b", "main")
	require.NoError(t, data.Init(t.Context(), d.dir, nil))
	return d
}

func (d *dataRepo) git(args ...string) {
	d.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = d.dir
	cmd.Env = append(os.Environ(), "HOME="+d.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com",
		"GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	out, err := cmd.CombinedOutput()
	require.NoError(d.t, err, "git %v: %s", args, out)
}

// version records and commits one content of the data.
func (d *dataRepo) version(text string) {
	d.t.Helper()
	d.write("data/a", text)
	d.write("data/b", "shared")
	_, err := d.open().Add(d.t.Context(), nil, "data")
	require.NoError(d.t, err)
	d.git("add", "-A")
	d.git("commit", "-q", "-m", text)
}

// has reports whether the cache has an object with this content.
func (d *dataRepo) has(text string) bool {
	d.t.Helper()
	d.write("probe", text)
	m, err := project.Of(d.open()).Hasher().Hash(d.t.Context(), d.path("probe"))
	require.NoError(d.t, err)
	require.NoError(d.t, os.Remove(d.path("probe")))
	ok, err := project.Of(d.open()).Cache().Has(d.t.Context(), m.Hash)
	require.NoError(d.t, err)
	return ok
}

// TestGCKeepsWhatIsNeeded makes data that only a tag, a branch, an experiment,
// an old commit and the workspace need, and collects with each choice.
func TestGCKeepsWhatIsNeeded(t *testing.T) {
	all := []string{"old", "tagged", "branch", "experiment", "head", "work"}
	for _, tt := range []struct {
		name string
		opts data.GCOptions
		keep []string
	}{
		{"workspace", data.GCOptions{Workspace: true}, []string{"work"}},
		{"branches", data.GCOptions{Commits: data.Commits{AllBranches: true}}, []string{"work", "head", "branch"}},
		{"tags", data.GCOptions{Commits: data.Commits{AllTags: true}}, []string{"work", "tagged"}},
		{"experiments", data.GCOptions{Commits: data.Commits{AllExperiments: true}}, []string{"work", "experiment"}},
		{"commits", data.GCOptions{Commits: data.Commits{AllCommits: true}}, all},
		{"revision", data.GCOptions{Commits: data.Commits{Revs: []string{"HEAD"}, Num: 2}}, []string{"work", "head", "tagged"}},
		{"dry", data.GCOptions{Workspace: true, Dry: true}, all},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newGitDataRepo(t)
			d.version("old")
			d.version("tagged")
			d.git("tag", "v1")
			d.git("checkout", "-q", "-b", "other")
			d.version("branch")
			d.git("checkout", "-q", "main")
			d.git("checkout", "-q", "--detach")
			d.version("experiment")
			d.git("update-ref", "refs/exps/00/11/e1", "HEAD")
			d.git("checkout", "-q", "main")
			d.version("head")
			d.write("data/a", "work")
			_, err := d.open().Add(t.Context(), nil, "data")
			require.NoError(t, err)

			require.NoError(t, d.open().GC(t.Context(), &tt.opts))
			for _, text := range all {
				assert.Equal(t, contains(tt.keep, text), d.has(text), text)
			}
			assert.True(t, d.has("shared"))
			status, err := d.open().DataStatus(t.Context(), nil)
			require.NoError(t, err)
			assert.True(t, status.Uncommitted.IsZero() && len(status.NotInCache) == 0, "%+v", status)
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestGCNeedsToKnow refuses to collect when it cannot tell what is needed.
func TestGCNeedsToKnow(t *testing.T) {
	d := newGitDataRepo(t)
	d.version("one")
	d.version("two")
	for h, err := range project.Of(d.open()).Cache().Objects(t.Context(), false) {
		require.NoError(t, err)
		if h.IsDir() {
			require.NoError(t, project.Of(d.open()).Cache().Remove(h))
		}
	}
	opts := &data.GCOptions{Workspace: true}
	err := d.open().GC(t.Context(), opts)
	require.ErrorIs(t, err, object.ErrMissing)
	assert.ErrorContains(t, err, "nothing was removed")
	assert.True(t, d.has("one"))
	opts.SkipFailed = true
	require.NoError(t, d.open().GC(t.Context(), opts))

	require.Error(t, d.open().GC(t.Context(), nil))
	require.Error(t, d.open().GC(t.Context(), &data.GCOptions{}))
}

// TestGCProgress: what is listed in the remote and what is removed, here and there, is
// counted, and before anything is logged it is said that nothing is under way.
func TestGCProgress(t *testing.T) {
	d := newGitDataRepo(t)
	d.write(".dvc/config", "[core]\n    remote = r\n['remote \"r\"']\n    url = "+t.TempDir()+"\n")
	d.version("old")
	d.version("new")
	_, err := d.open().Push(t.Context(), &data.TransferOptions{Commits: data.Commits{AllCommits: true}})
	require.NoError(t, err)
	var phases []string
	listed := 0
	last := map[string]data.Progress{}
	require.NoError(t, d.open().GC(t.Context(), &data.GCOptions{Workspace: true, Cloud: true, Progress: func(p data.Progress) {
		if n := len(phases); n == 0 || phases[n-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
		last[p.Remote+" "+p.Phase] = p
		if p.Phase == "querying" {
			listed = max(listed, p.Files)
		}
	}}))
	assert.Equal(t, []string{"", "removing", "", "querying", "removing", "", "querying", ""}, phases)
	assert.Equal(t, 2, last[" removing"].Files)
	assert.Equal(t, last[" removing"].TotalFiles, last[" removing"].Files)
	assert.Equal(t, last[" removing"].Bytes, last["r removing"].Bytes)
	assert.Equal(t, 2, last["r removing"].Files)
	assert.Equal(t, 5, listed)
}
