package experiment_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
)

// dirty leaves the working tree in every state that git knows.
func (p *project) dirty() {
	p.write("notes.txt", "edited, not staged\n")
	p.write("staged.txt", "staged\n")
	p.git("add", "staged.txt")
	p.write("staged.txt", "staged and edited\n")
	p.write("untracked.txt", "mine\n")
	p.git("rm", "-q", "--cached", "sub/ünï code.txt")
}

func TestRunKeepsTheUsersWork(t *testing.T) {
	p := newProject(t, nil)
	p.dirty()
	results := []string{"params.yaml", "dvc.lock", "metrics.yaml", "model.txt", ".gitignore"}
	before := p.state(results...)
	e := p.mustRun("one", "lr=0.5")
	assert.Equal(t, before, p.state(results...))
	assert.Contains(t, p.log.String(), "untracked.txt", "what is left out is named")
	tree := p.git("ls-tree", "-r", "--name-only", "-z", e.Rev)
	assert.Contains(t, tree, "staged.txt")
	assert.NotContains(t, tree, "untracked.txt")
	assert.Equal(t, "edited, not staged", p.git("show", e.Rev+":notes.txt"))
	assert.Equal(t, "staged and edited", p.git("show", e.Rev+":staged.txt"))
	assert.Contains(t, p.git("show", e.Rev+":params.yaml"), "lr: 0.5")
	p.fsck()
}

func TestTempRunChangesNothing(t *testing.T) {
	p := newProject(t, nil)
	p.dirty()
	before := p.state()
	e, err := p.open().Run(t.Context(), &experiment.RunOptions{Temp: true, Set: []string{"lr=0.5"}})
	require.NoError(t, err)
	assert.Equal(t, before, p.state())
	assert.Contains(t, p.git("show", e.Rev+":metrics.yaml"), "lr: 0.5")
	entries, err := os.ReadDir(filepath.Join(p.dir, ".dvc", "tmp", "exps", "standalone"))
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Len(t, strings.Split(p.git("worktree", "list"), "\n"), 1)
	p.fsck()
}

func TestFailureLeavesFilesAsTheyWere(t *testing.T) {
	for name, cmd := range map[string]string{"command": "cp params.yaml metrics.yaml; echo x > model.txt; exit 3", "output": "cp params.yaml metrics.yaml"} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, map[string]string{"dvc.yaml": strings.Replace(stageYAML, "cp params.yaml metrics.yaml; cat in params.yaml > model.txt", cmd, 1)})
			p.dirty()
			before := p.state("model.txt")
			_, err := p.open().Run(t.Context(), &experiment.RunOptions{Set: []string{"lr=0.5"}})
			require.Error(t, err)
			assert.Equal(t, before, p.state("model.txt"))
			assert.Empty(t, p.git("for-each-ref", "refs/exps"))
			p.fsck()
		})
	}
}

func TestInterruptLeavesFilesAsTheyWere(t *testing.T) {
	p := newProject(t, map[string]string{"dvc.yaml": strings.Replace(stageYAML, "cat in", "touch started; sleep 60; cat in", 1)})
	p.dirty()
	before := p.state("started")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(p.dir, "started")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err := p.open().Run(ctx, &experiment.RunOptions{Set: []string{"lr=0.5"}})
	require.Error(t, err)
	assert.Equal(t, before, p.state("started"))
	p.fsck()
}

func TestEditMeanwhileIsKept(t *testing.T) {
	p := newProject(t, map[string]string{"dvc.yaml": strings.Replace(stageYAML, "cat in", "echo mine > params.yaml; exit 1; cat in", 1)})
	_, err := p.open().Run(t.Context(), &experiment.RunOptions{Set: []string{"lr=0.5"}})
	require.Error(t, err)
	assert.Equal(t, "mine\n", p.read("params.yaml"))
	assert.Contains(t, p.log.String(), "edited meanwhile")
}

func TestTwoRunsAtOnce(t *testing.T) {
	p := newProject(t, map[string]string{"dvc.yaml": strings.Replace(stageYAML, "cat in", "sleep 0.2; cat in", 1)})
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		r := p.open()
		wg.Go(func() {
			_, errs[i] = r.Run(context.Background(), &experiment.RunOptions{Temp: i > 1, Set: []string{"lr=" + string(rune('1'+i))}})
		})
	}
	wg.Wait()
	refused := 0
	for _, err := range errs[:2] {
		if err != nil {
			assert.ErrorContains(t, err, "another experiment is running")
			refused++
		}
	}
	assert.LessOrEqual(t, refused, 1)
	assert.NoError(t, errs[2])
	assert.NoError(t, errs[3])
	list, err := p.open().List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, list, 4-refused)
	p.fsck()
}

func TestCommitMeanwhileIsNoticed(t *testing.T) {
	p := newProject(t, map[string]string{"dvc.yaml": strings.Replace(stageYAML, "cat in", "git gc -q --prune=now; git commit -qm more --allow-empty; cat in", 1)})
	e, err := p.open().Run(t.Context(), &experiment.RunOptions{Name: "one", Set: []string{"lr=2"}})
	require.NoError(t, err)
	assert.Equal(t, p.git("rev-parse", "main~1"), e.Baseline, "the parent is what the run started from")
	assert.Equal(t, "commit", p.git("cat-file", "-t", e.Rev))
	p.fsck()
}

func TestHostileExperimentsAreRefused(t *testing.T) {
	p := newProject(t, nil)
	blob := p.git("hash-object", "-w", "notes.txt")
	out := filepath.Join(p.dir, "..", "escape")
	for name, line := range map[string]string{
		"parent": "100644 blob " + blob + "\t..\n", "git": "100644 blob " + blob + "\t.GIT\n", "link": "120000 blob " + link(p, "../escape") + "\tlink\n",
		"absolute": "120000 blob " + link(p, "/etc/passwd") + "\tlink\n",
	} {
		t.Run(name, func(t *testing.T) {
			p.write("mktree.in", line)
			tree := p.run("sh", "-c", "git mktree < mktree.in")
			require.NoError(t, os.Remove(filepath.Join(p.dir, "mktree.in")))
			head := p.git("rev-parse", "HEAD")
			commit := p.git("commit-tree", tree, "-p", head, "-m", "hostile")
			p.git("update-ref", "refs/exps/"+head[:2]+"/"+head[2:]+"/evil", commit)
			before := p.state()
			r := p.open()
			err := r.Apply(t.Context(), "evil")
			assert.Error(t, err)
			assert.Equal(t, before, p.state())
			assert.NoFileExists(t, out)
			_, err = r.Show(t.Context(), nil)
			assert.NoError(t, err, "showing it is harmless")
			require.NoError(t, r.Remove(t.Context(), "evil"))
		})
	}
}

func link(p *project, target string) string {
	p.write("target", target)
	defer os.Remove(filepath.Join(p.dir, "target"))
	return p.git("hash-object", "-w", "--no-filters", "target")
}

func TestHostileNames(t *testing.T) {
	p := newProject(t, nil)
	r := p.open()
	for _, name := range []string{"a/b", "..", "-x", "a b", "x.lock", "a..b", "~", "a\nb", "@{1}", "é\x7f"} {
		_, err := r.Run(t.Context(), &experiment.RunOptions{Name: name})
		assert.ErrorContains(t, err, "Invalid exp name", name)
		_, err = r.Find(t.Context(), name)
		assert.ErrorIs(t, err, experiment.ErrNotFound, name)
	}
	e, err := r.Run(t.Context(), &experiment.RunOptions{Name: "größe-✓"})
	require.NoError(t, err)
	assert.Equal(t, "größe-✓", e.Name)
	p.run("mkdir", "-p", ".git/refs/exps/zz/nothex")
	p.write(".git/refs/exps/zz/nothex/x", p.git("rev-parse", "HEAD")+"\n")
	list, err := r.List(t.Context(), &experiment.Selection{All: true})
	require.NoError(t, err)
	assert.Len(t, list, 1, "malformed references are no experiments")
}

func TestUnusualRepositories(t *testing.T) {
	p := newProject(t, nil)
	p.git("commit", "-q", "--allow-empty", "-m", "second")
	at := func(dir string) *project { q := *p; q.T, q.dir = t, dir; return &q }
	base := t.TempDir()

	p.git("worktree", "add", "-q", filepath.Join(base, "linked"), "-b", "other")
	linked := at(filepath.Join(base, "linked"))
	e := linked.mustRun("in-worktree", "lr=3")
	assert.Equal(t, linked.git("rev-parse", "other"), e.Baseline)
	assert.Empty(t, p.git("status", "--porcelain"))

	p.git("clone", "-q", "--depth=1", "file://"+p.dir, filepath.Join(base, "shallow"))
	shallow := at(filepath.Join(base, "shallow"))
	shallow.mustRun("in-shallow", "lr=4")
	list, err := shallow.open().List(t.Context(), &experiment.Selection{Num: -1})
	require.NoError(t, err)
	assert.Len(t, list, 1)

	p.git("clone", "-q", "--bare", p.dir, filepath.Join(base, "bare.git"))
	_, err = experiment.Open(filepath.Join(base, "bare.git"), nil)
	assert.ErrorContains(t, err, "bare git repository")

	p.git("sparse-checkout", "set", "--cone", ".dvc")
	p.mustRun("in-sparse", "lr=5")
	assert.Contains(t, p.git("ls-tree", "-r", "--name-only", "-z", "refs/exps/"+p.git("rev-parse", "HEAD")[:2]+"/"+p.git("rev-parse", "HEAD")[2:]+"/in-sparse"), "sub/")
	p.git("sparse-checkout", "disable")

	_, err = experiment.Open(base, nil)
	assert.Error(t, err)
	t.Setenv("PATH", base)
	_, err = p.open().Run(t.Context(), &experiment.RunOptions{Temp: true})
	assert.ErrorContains(t, err, "git command was not found")
}

func TestExperimentsSurviveARebase(t *testing.T) {
	p := newProject(t, nil)
	p.mustRun("old", "lr=2")
	p.git("stash", "-q", "-u")
	p.git("commit", "-q", "--amend", "-m", "rewritten")
	states, err := p.open().Show(t.Context(), nil)
	require.NoError(t, err)
	last := states[len(states)-1]
	assert.True(t, last.Orphan)
	require.Len(t, last.Experiments, 1)
	assert.Equal(t, "old", last.Experiments[0].Name)
	states, err = p.open().Show(t.Context(), &experiment.ShowOptions{HideOrphans: true})
	require.NoError(t, err)
	assert.Len(t, states, 2)
}
