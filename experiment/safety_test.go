package experiment_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

func TestRunKeepsTheUsersWork(t *testing.T) {
	p := exptest.New(t, nil)
	p.Dirty()
	results := []string{"params.yaml", "dvc.lock", "metrics.yaml", "model.txt", ".gitignore"}
	before := p.State(results...)
	e := p.MustRun("one", "lr=0.5")
	assert.Equal(t, before, p.State(results...))
	assert.Contains(t, p.Messages.String(), "untracked.txt", "what is left out is named")
	tree := p.Git("ls-tree", "-r", "--name-only", "-z", e.Rev)
	assert.Contains(t, tree, "staged.txt")
	assert.NotContains(t, tree, "untracked.txt")
	assert.Equal(t, "edited, not staged", p.Git("show", e.Rev+":notes.txt"))
	assert.Equal(t, "staged and edited", p.Git("show", e.Rev+":staged.txt"))
	assert.Contains(t, p.Git("show", e.Rev+":params.yaml"), "lr: 0.5")
	p.Fsck()
}

func TestTempRunChangesNothing(t *testing.T) {
	p := exptest.New(t, nil)
	p.Dirty()
	before := p.State()
	e, err := p.Open().Run(t.Context(), &experiment.RunOptions{Temp: true, Set: []string{"lr=0.5"}})
	require.NoError(t, err)
	assert.Equal(t, before, p.State())
	assert.Contains(t, p.Git("show", e.Rev+":metrics.yaml"), "lr: 0.5")
	entries, err := os.ReadDir(filepath.Join(p.Dir, ".dvc", "tmp", "exps", "standalone"))
	require.NoError(t, err)
	assert.Empty(t, entries)
	assert.Len(t, strings.Split(p.Git("worktree", "list"), "\n"), 1)
	p.Fsck()
}

func TestFailureLeavesFilesAsTheyWere(t *testing.T) {
	for name, cmd := range map[string]string{"command": "cp params.yaml metrics.yaml; echo x > model.txt; exit 3", "output": "cp params.yaml metrics.yaml"} {
		t.Run(name, func(t *testing.T) {
			p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cp params.yaml metrics.yaml; cat in params.yaml > model.txt", cmd, 1)})
			p.Dirty()
			before := p.State("model.txt")
			_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Set: []string{"lr=0.5"}})
			require.Error(t, err)
			assert.Equal(t, before, p.State("model.txt"))
			assert.Empty(t, p.Git("for-each-ref", "refs/exps"))
			assert.NoDirExists(t, filepath.Join(p.Dir, ".dvc/tmp/exps/run/workspace"), "nothing runs here any more")
			p.Fsck()
		})
	}
}

func TestInterruptLeavesFilesAsTheyWere(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "touch started; sleep 60; cat in", 1)})
	p.Dirty()
	before := p.State("started")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(p.Dir, "started")); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	_, err := p.Open().Run(ctx, &experiment.RunOptions{Set: []string{"lr=0.5"}})
	assert.Equal(t, strconv.Itoa(os.Getpid()), strings.TrimSpace(p.Read(".dvc/tmp/exps/rwlock.lock")), "whom the editor's Stop button ends")
	require.Error(t, err)
	assert.Equal(t, before, p.State("started"))
	p.Fsck()
}

func TestEditMeanwhileIsKept(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "echo mine > params.yaml; exit 1; cat in", 1)})
	_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Set: []string{"lr=0.5"}})
	require.Error(t, err)
	assert.Equal(t, "mine\n", p.Read("params.yaml"))
	assert.Contains(t, p.Messages.String(), "edited meanwhile")
}

func TestTwoRunsAtOnce(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "sleep 0.2; cat in", 1)})
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		r := p.Open()
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
	list, err := p.Open().List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, list, 4-refused)
	p.Fsck()
}

func TestCommitMeanwhileIsNoticed(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(exptest.StageYAML, "cat in", "git gc -q --prune=now; git commit -qm more --allow-empty; cat in", 1)})
	e, err := p.Open().Run(t.Context(), &experiment.RunOptions{Name: "one", Set: []string{"lr=2"}})
	require.NoError(t, err)
	assert.Equal(t, p.Git("rev-parse", "main~1"), e.Baseline, "the parent is what the run started from")
	assert.Equal(t, "commit", p.Git("cat-file", "-t", e.Rev))
	p.Fsck()
}

func TestHostileExperimentsAreRefused(t *testing.T) {
	p := exptest.New(t, nil)
	blob := p.Git("hash-object", "-w", "notes.txt")
	out := filepath.Join(p.Dir, "..", "escape")
	for name, line := range map[string]string{
		"parent": "100644 blob " + blob + "\t..\n", "git": "100644 blob " + blob + "\t.GIT\n", "link": "120000 blob " + link(p, "../escape") + "\tlink\n",
		"absolute": "120000 blob " + link(p, "/etc/passwd") + "\tlink\n",
	} {
		t.Run(name, func(t *testing.T) {
			p.Write("mktree.in", line)
			tree := p.Command("sh", "-c", "git mktree < mktree.in")
			require.NoError(t, os.Remove(filepath.Join(p.Dir, "mktree.in")))
			head := p.Git("rev-parse", "HEAD")
			commit := p.Git("commit-tree", tree, "-p", head, "-m", "hostile")
			p.Git("update-ref", "refs/exps/"+head[:2]+"/"+head[2:]+"/evil", commit)
			before := p.State()
			r := p.Open()
			err := r.Apply(t.Context(), "evil")
			assert.Error(t, err)
			assert.Equal(t, before, p.State())
			assert.NoFileExists(t, out)
			_, err = compare.Show(t.Context(), r, nil)
			assert.NoError(t, err, "showing it is harmless")
			require.NoError(t, r.Remove(t.Context(), "evil"))
		})
	}
}

func link(p *exptest.Project, target string) string {
	p.Write("target", target)
	defer os.Remove(filepath.Join(p.Dir, "target"))
	return p.Git("hash-object", "-w", "--no-filters", "target")
}

func TestHostileNames(t *testing.T) {
	p := exptest.New(t, nil)
	r := p.Open()
	for _, name := range []string{"a/b", "..", "-x", "a b", "x.lock", "a..b", "~", "a\nb", "@{1}", "é\x7f"} {
		_, err := r.Run(t.Context(), &experiment.RunOptions{Name: name})
		assert.ErrorContains(t, err, "Invalid exp name", name)
		_, err = r.Find(t.Context(), name)
		assert.ErrorIs(t, err, experiment.ErrNotFound, name)
	}
	e, err := r.Run(t.Context(), &experiment.RunOptions{Name: "größe-✓"})
	require.NoError(t, err)
	assert.Equal(t, "größe-✓", e.Name)
	p.Command("mkdir", "-p", ".git/refs/exps/zz/nothex")
	p.Write(".git/refs/exps/zz/nothex/x", p.Git("rev-parse", "HEAD")+"\n")
	list, err := r.List(t.Context(), &experiment.Selection{All: true})
	require.NoError(t, err)
	assert.Len(t, list, 1, "malformed references are no experiments")
}

func TestUnusualRepositories(t *testing.T) {
	p := exptest.New(t, nil)
	p.Git("commit", "-q", "--allow-empty", "-m", "second")
	at := func(dir string) *exptest.Project { q := *p; q.T, q.Dir = t, dir; return &q }
	base := t.TempDir()

	p.Git("worktree", "add", "-q", filepath.Join(base, "linked"), "-b", "other")
	linked := at(filepath.Join(base, "linked"))
	e := linked.MustRun("in-worktree", "lr=3")
	assert.Equal(t, linked.Git("rev-parse", "other"), e.Baseline)
	assert.Empty(t, p.Git("status", "--porcelain"))

	p.Git("clone", "-q", "--depth=1", "file://"+p.Dir, filepath.Join(base, "shallow"))
	shallow := at(filepath.Join(base, "shallow"))
	shallow.MustRun("in-shallow", "lr=4")
	list, err := shallow.Open().List(t.Context(), &experiment.Selection{Num: -1})
	require.NoError(t, err)
	assert.Len(t, list, 1)

	p.Git("clone", "-q", "--bare", p.Dir, filepath.Join(base, "bare.git"))
	_, err = experiment.Open(filepath.Join(base, "bare.git"), nil)
	assert.ErrorContains(t, err, "bare git repository")

	p.Git("sparse-checkout", "set", "--cone", ".dvc")
	p.MustRun("in-sparse", "lr=5")
	assert.Contains(t, p.Git("ls-tree", "-r", "--name-only", "-z", "refs/exps/"+p.Git("rev-parse", "HEAD")[:2]+"/"+p.Git("rev-parse", "HEAD")[2:]+"/in-sparse"), "sub/")
	p.Git("sparse-checkout", "disable")

	_, err = experiment.Open(base, nil)
	assert.Error(t, err)
	t.Setenv("PATH", base)
	_, err = p.Open().Run(t.Context(), &experiment.RunOptions{Temp: true})
	assert.ErrorContains(t, err, "git command was not found")
}

func TestExperimentsSurviveARebase(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("old", "lr=2")
	p.Git("stash", "-q", "-u")
	p.Git("commit", "-q", "--amend", "-m", "rewritten")
	states, err := compare.Show(t.Context(), p.Open(), nil)
	require.NoError(t, err)
	last := states[len(states)-1]
	assert.True(t, last.Orphan)
	require.Len(t, last.Experiments, 1)
	assert.Equal(t, "old", last.Experiments[0].Name)
	states, err = compare.Show(t.Context(), p.Open(), &compare.ShowOptions{HideOrphans: true})
	require.NoError(t, err)
	assert.Len(t, states, 2)
}
