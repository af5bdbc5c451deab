package experiment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

func TestProvenanceExplainsADifference(t *testing.T) {
	p := exptest.New(t, nil)
	ctx := t.Context()
	run := func(name, backend string, set ...string) {
		_, err := p.Open().Run(ctx, &experiment.RunOptions{Name: name, Backend: backend, Seed: "7", Set: set, Force: true})
		require.NoError(t, err)
	}
	run("cpu", "simplego")
	run("gpu", "xla")
	run("lr", "simplego", "lr=0.5")
	r := p.Open()
	rec, err := r.Provenance(ctx, "cpu")
	require.NoError(t, err)
	assert.Equal(t, "7", rec.Seed)
	assert.NotEmpty(t, rec.Code.Go)
	assert.Contains(t, rec.System, "gomaxprocs")
	assert.Contains(t, rec.Data, "in")
	assert.Contains(t, rec.Params, "params.yaml")
	explain := func(a, b string) string {
		d, err := compare.Diff(ctx, r, a, b, nil)
		require.NoError(t, err)
		return d.Explain()
	}
	assert.Equal(t, "same code, params and data; backend differs", explain("cpu", "gpu"))
	assert.Equal(t, "same code and data; params differs", explain("cpu", "lr"))
	assert.Equal(t, "same code, params, data, backend, seed and system", explain("cpu", "cpu"))
	assert.Empty(t, explain("HEAD", "cpu"), "HEAD has no record")

	require.NoError(t, r.Remove(ctx, "cpu", "gpu", "lr"))
	assert.Empty(t, p.Git("for-each-ref", "refs/reprodl"), "records go with their experiments")
}

func TestRecordsTravel(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("one", "lr=2")
	remote := filepath.Join(t.TempDir(), "remote.git")
	p.Git("init", "-q", "--bare", remote)
	p.Git("remote", "add", "origin", remote)
	r := p.Open()
	ctx := t.Context()
	s, exps, err := r.PushRefs(ctx, "origin", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"one"}, s.Done)
	require.Len(t, exps, 1)
	require.NoError(t, r.Remove(ctx, "one"))
	p.MustRun("one", "lr=3") // another of that name
	s, _, err = r.PullRefs(ctx, "origin", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"one"}, s.Diverged)
	_, _, err = r.PullRefs(ctx, "origin", &experiment.SyncOptions{Force: true, Names: []string{"one"}})
	require.NoError(t, err)
	e, err := r.Find(ctx, "one")
	require.NoError(t, err)
	assert.Equal(t, exps[0].Rev, e.Rev)
	_, err = r.Provenance(ctx, "one")
	assert.NoError(t, err)
	require.NoError(t, r.RenameRemote(ctx, "origin", "one", "uno", nil))
	list, err := r.ListRemote(ctx, "origin", nil)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, "uno", list[0].Name)
	records := func() string {
		return p.Git("--git-dir="+remote, "for-each-ref", "--format=%(refname)", "refs/reprodl")
	}
	assert.Equal(t, "refs/reprodl/provenance/"+e.Rev[:2]+"/"+e.Rev[2:]+"/uno", records(), "the record goes with it")
	removed, err := r.RemoveRemote(ctx, "origin", &experiment.RemoveRemoteOptions{Names: []string{"uno"}, Keep: true})
	require.NoError(t, err)
	assert.Empty(t, removed)
	removed, err = r.RemoveRemote(ctx, "origin", nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"uno"}, removed)
	assert.Empty(t, records())
	_, err = r.ListRemote(ctx, "--upload-pack=evil", nil)
	assert.ErrorContains(t, err, "not a valid Git remote")
}

// TestRecordsAreNotLeftBehind: what another git holds, as that of a pull that was
// killed, is an error and no silent gap, and the next try brings it.
func TestRecordsAreNotLeftBehind(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("one", "lr=2")
	remote := filepath.Join(t.TempDir(), "remote.git")
	p.Git("init", "-q", "--bare", remote)
	p.Git("remote", "add", "origin", remote)
	r, ctx := p.Open(), t.Context()
	refs := experimentRefs(p, p.Dir)
	record := p.Git("for-each-ref", "--format=%(refname)", "refs/reprodl")
	sync := map[string]func() error{
		"push": func() error { _, _, err := r.PushRefs(ctx, "origin", nil); return err },
		"pull": func() error { _, _, err := r.PullRefs(ctx, "origin", nil); return err },
	}
	for _, op := range []string{"push", "pull"} {
		dir := remote
		if op == "pull" {
			dir = p.Dir
			for ref := range strings.FieldsSeq(p.Git("for-each-ref", "--format=%(refname)", "refs/exps", "refs/reprodl")) {
				p.Git("update-ref", "-d", ref)
			}
		}
		lock := filepath.Join(gitDir(dir), filepath.FromSlash(record)+".lock")
		require.NoError(t, os.MkdirAll(filepath.Dir(lock), 0o777))
		require.NoError(t, os.WriteFile(lock, nil, 0o666))
		assert.ErrorContains(t, sync[op](), ".lock", op)
		require.NoError(t, os.Remove(lock))
		require.NoError(t, sync[op](), op)
		assert.Equal(t, refs, experimentRefs(p, dir), op)
	}
}

func TestApplyKeepsWhatWasThere(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("one", "lr=2")
	p.MustRun("two", "lr=3")
	p.Write("notes.txt", "edited\n")
	p.Write("untracked.txt", "mine\n")
	before := p.Files()
	index := p.Git("ls-files", "--stage")
	require.NoError(t, p.Open().Apply(t.Context(), "one"))
	assert.Contains(t, p.Read("params.yaml"), "lr: 2")
	assert.Contains(t, p.Read("model.txt"), "lr: 2")
	assert.Equal(t, "mine\n", p.Read("untracked.txt"))
	assert.Equal(t, index, p.Git("ls-files", "--stage"))
	p.Git("reset", "-q", "--hard")
	require.NoError(t, os.Remove(filepath.Join(p.Dir, "untracked.txt")))
	p.Command("sh", "-c", "rm -f dvc.lock metrics.yaml .gitignore")
	p.Git("stash", "apply", "-q", "refs/exps/apply/stash")
	strip := func(s string) string {
		var keep []string
		for _, l := range strings.Split(s, "\n") {
			if !strings.HasSuffix(l, " model.txt") { // ignored by git
				keep = append(keep, l)
			}
		}
		return strings.Join(keep, "\n")
	}
	assert.Equal(t, strip(before), strip(p.Files()), "what was there can be brought back by git")
	p.Fsck()
}

// gitDir is the git directory of a bare repository or of a working tree.
func gitDir(dir string) string {
	if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
		return filepath.Join(dir, ".git")
	}
	return dir
}

// experimentRefs lists the references to experiments and their records, each with its commit.
func experimentRefs(p *exptest.Project, dir string) string {
	p.Helper()
	return p.Git("--git-dir="+gitDir(dir), "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps", "refs/reprodl/provenance")
}
