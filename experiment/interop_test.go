package experiment_test

import (
	"encoding/json"
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

func showJSON(t *testing.T, r *experiment.Repo, opts *compare.ShowOptions) string {
	t.Helper()
	states, err := compare.Show(t.Context(), r, opts)
	require.NoError(t, err)
	return string(compare.AppendJSON(nil, states))
}

// TestDVCReadsOurs runs every DVC command that takes an experiment on those we
// saved.
func TestDVCReadsOurs(t *testing.T) {
	exptest.DVCCommand(t)
	p := exptest.New(t, nil)
	p.MustRun("one", "lr=0.5")
	p.MustRun("two", "lr=0.25", "model.name=big", "+extra=[a,1.5]")
	_, err := p.Open().Run(t.Context(), &experiment.RunOptions{Name: "apart", Temp: true, Set: []string{"lr=9"}, Message: "my words"})
	require.NoError(t, err)
	_, err = p.Open().Save(t.Context(), &experiment.SaveOptions{Name: "saved"})
	require.NoError(t, err)

	assert.ElementsMatch(t, []string{"one", "two", "apart", "saved"}, strings.Fields(p.DVC("exp", "list", "--name-only")))
	assert.Equal(t, p.DVC("exp", "show", "--json"), showJSON(t, p.Open(), nil))
	variants := map[string][]string{"--csv": {"--sort-by", "params.yaml:lr", "--sort-order", "desc"}, "--md": {"--only-changed"}, "--hide-workspace": {"--drop", "metrics.*", "--keep", "in"}}
	for format, args := range variants {
		states, err := compare.Show(t.Context(), p.Open(), &compare.ShowOptions{HideWorkspace: format == "--hide-workspace"})
		require.NoError(t, err)
		opts := tableOptions(args)
		opts.CSV = format == "--csv"
		table, err := compare.Tabulate(states, opts)
		require.NoError(t, err)
		var ours []byte
		switch format {
		case "--csv":
			ours = table.AppendCSV(nil)
		case "--md":
			ours = table.AppendMarkdown(nil)
		default:
			ours = table.AppendText(nil, false)
		}
		assert.Equal(t, p.DVC(append([]string{"exp", "show", format}, args...)...), strings.TrimSpace(string(ours)), "%v", args)
	}
	d, err := compare.Diff(t.Context(), p.Open(), "one", "two", nil)
	require.NoError(t, err)
	ours, err := d.AppendJSON(nil)
	require.NoError(t, err)
	assert.JSONEq(t, p.DVC("exp", "diff", "one", "two", "--json"), string(ours))
	assert.Equal(t, p.DVC("exp", "diff", "one", "two"), strings.TrimSpace(string(d.AppendText(nil, &compare.DiffTableOptions{A: "one", B: "two"}))))

	p.DVC("exp", "apply", "apart")
	assert.Contains(t, p.Read("params.yaml"), "lr: 9\n")
	assert.Contains(t, p.Read("model.txt"), "lr: 9\n")
	p.DVC("exp", "branch", "one", "promoted")
	p.DVC("exp", "rename", "one", "uno")
	remote := filepath.Join(t.TempDir(), "remote.git")
	p.Git("init", "-q", "--bare", remote)
	p.Git("remote", "add", "origin", remote)
	p.DVC("exp", "push", "--no-cache", "origin", "two")
	p.DVC("exp", "remove", "two", "uno")
	left, err := p.Open().List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, left, 2)
	_, _, err = p.Open().PullRefs(t.Context(), "origin", &experiment.SyncOptions{Names: []string{"two"}})
	require.NoError(t, err)
	assert.Contains(t, p.DVC("exp", "list", "--name-only"), "two")
	p.Fsck()
}

func tableOptions(args []string) *compare.TableOptions {
	o := &compare.TableOptions{}
	for i, a := range args {
		switch a {
		case "--only-changed":
			o.OnlyChanged = true
		case "--drop":
			o.Drop = append(o.Drop, args[i+1])
		case "--keep":
			o.Keep = append(o.Keep, args[i+1])
		case "--sort-by":
			o.SortBy = args[i+1]
		case "--sort-order":
			o.Descending = args[i+1] == "desc"
		}
	}
	return o
}

// TestWeReadDVCs does with DVC's experiments what DVC does with ours.
func TestWeReadDVCs(t *testing.T) {
	exptest.DVCCommand(t)
	p := exptest.New(t, nil)
	p.DVC("exp", "run", "-q", "-n", "one", "-S", "lr=0.5")
	p.DVC("exp", "run", "-q", "-n", "apart", "--temp", "-S", "lr=9")
	p.DVC("exp", "save", "-q", "-n", "saved")
	ctx := t.Context()
	r := p.Open()
	assert.Equal(t, p.DVC("exp", "show", "--json"), showJSON(t, r, nil))
	require.NoError(t, r.Apply(ctx, "apart"))
	assert.Contains(t, p.Read("params.yaml"), "lr: 9\n")
	assert.Contains(t, p.Read("model.txt"), "lr: 9\n")
	assert.Equal(t, "{}", p.DVC("status", "--json"), "nothing changed since")
	_, err := r.Branch(ctx, "one", "")
	require.NoError(t, err)
	assert.Equal(t, p.Git("rev-parse", "one-branch~1"), p.Git("rev-parse", "main"))
	require.NoError(t, r.Rename(ctx, "one", "uno", nil))
	assert.Contains(t, p.DVC("exp", "list", "--name-only"), "uno")

	remote := filepath.Join(t.TempDir(), "remote.git")
	p.Git("init", "-q", "--bare", remote)
	p.Git("remote", "add", "origin", remote)
	s, _, err := r.PushRefs(ctx, "origin", &experiment.SyncOptions{Names: []string{"uno"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"uno"}, s.Done)
	require.NoError(t, r.Remove(ctx, "uno"))
	p.DVC("exp", "pull", "--no-cache", "origin", "uno")
	e, err := r.Find(ctx, "uno")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(e.Message, "dvc: commit experiment "))
	_, err = r.RemoveRemote(ctx, "origin", &experiment.RemoveRemoteOptions{Names: []string{"uno"}})
	require.NoError(t, err)
	assert.NotContains(t, p.DVC("exp", "list", "origin"), "uno")
}

// TestSameCommitAsDVC compares what both save from the same state.
func TestSameCommitAsDVC(t *testing.T) {
	exptest.DVCCommand(t)
	files := map[string]string{
		"dvc.yaml": `stages:
  a:
    cmd: cat in > a.txt
    deps: [in]
    outs: [a.txt]
  b:
    cmd: cp params.yaml m.json && cat a.txt > plot.csv
    deps: [a.txt, extra.txt]
    params: [lr]
    metrics: [{m.json: {cache: false}}]
    plots: [{plot.csv: {cache: false}}]
metrics: [top.json]
params: [other.yaml]
`,
		"other.yaml": "k: 1\n",
	}
	tree := func(p *exptest.Project, ref string) string {
		lines := strings.Split(p.Git("ls-tree", "-r", ref), "\n")
		var keep []string
		for _, l := range lines {
			if !strings.HasSuffix(l, ".dvc/tmp/repro.dat") {
				keep = append(keep, l)
			}
		}
		return strings.Join(keep, "\n")
	}
	for _, how := range []string{"run", "temp", "save"} {
		if how == "temp" && os.Getenv("REPRODL_LONG") == "" {
			continue
		}
		t.Run(how, func(t *testing.T) {
			p := exptest.New(t, files)
			p.Git("rm", "-q", "--cached", "other.yaml")
			p.Git("commit", "-qm", "untracked params")
			prepare := func() {
				p.Write("extra.txt", "untracked dependency\n")
				p.Write("top.json", "{\"x\": 1}\n")
				p.Write("junk.txt", "not part of it\n")
				p.Write("notes.txt", "edited\n")
			}
			prepare()
			args := []string{"exp", "run", "-q", "-n", "theirs", "-S", "lr=3"}
			opts := &experiment.RunOptions{Name: "ours", Set: []string{"lr=3"}}
			switch how {
			case "temp":
				p.Git("add", "extra.txt", "top.json", "other.yaml") // a copy has no untracked files
				args, opts.Temp = append(args, "--temp"), true
			case "save":
				p.DVC("repro", "-q")
				args = []string{"exp", "save", "-q", "-n", "theirs", "-I", "junk.txt"}
			}
			p.DVC(args...)
			theirs := p.Git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/theirs")
			p.Git("checkout", "-q", "--", "params.yaml")
			p.Command("rm", "-rf", "dvc.lock", "m.json", "plot.csv", ".dvc/cache/runs")
			if how == "save" {
				p.DVC("repro", "-q")
				_, err := p.Open().Save(t.Context(), &experiment.SaveOptions{Name: "ours", Untracked: []string{"junk.txt"}})
				require.NoError(t, err)
			} else {
				p.Write(".gitignore", "")
				p.Command("rm", ".gitignore")
				_, err := p.Open().Run(t.Context(), opts)
				require.NoError(t, err)
			}
			ours := p.Git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/ours")
			assert.Equal(t, tree(p, theirs), tree(p, ours))
			assert.Equal(t, p.Git("log", "-1", "--format=%B%P", theirs), p.Git("log", "-1", "--format=%B%P", ours))
		})
	}
}

func TestShowIsJSON(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("one")
	assert.True(t, json.Valid([]byte(showJSON(t, p.Open(), nil))))
}
