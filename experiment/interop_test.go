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
)

func showJSON(t *testing.T, r *experiment.Repo, opts *experiment.ShowOptions) string {
	t.Helper()
	states, err := r.Show(t.Context(), opts)
	require.NoError(t, err)
	return string(experiment.AppendJSON(nil, states))
}

// TestDVCReadsOurs runs every DVC command that takes an experiment on those we
// saved.
func TestDVCReadsOurs(t *testing.T) {
	dvcCommand(t)
	p := newProject(t, nil)
	p.mustRun("one", "lr=0.5")
	p.mustRun("two", "lr=0.25", "model.name=big", "+extra=[a,1.5]")
	_, err := p.open().Run(t.Context(), &experiment.RunOptions{Name: "apart", Temp: true, Set: []string{"lr=9"}, Message: "my words"})
	require.NoError(t, err)
	_, err = p.open().Save(t.Context(), &experiment.SaveOptions{Name: "saved"})
	require.NoError(t, err)

	assert.ElementsMatch(t, []string{"one", "two", "apart", "saved"}, strings.Fields(p.dvc("exp", "list", "--name-only")))
	assert.Equal(t, p.dvc("exp", "show", "--json"), showJSON(t, p.open(), nil))
	variants := map[string][]string{"--csv": {"--sort-by", "params.yaml:lr", "--sort-order", "desc"}, "--md": {"--only-changed"}, "--hide-workspace": {"--drop", "metrics.*", "--keep", "in"}}
	for format, args := range variants {
		states, err := p.open().Show(t.Context(), &experiment.ShowOptions{HideWorkspace: format == "--hide-workspace"})
		require.NoError(t, err)
		opts := tableOptions(args)
		opts.CSV = format == "--csv"
		table, err := experiment.Tabulate(states, opts)
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
		assert.Equal(t, p.dvc(append([]string{"exp", "show", format}, args...)...), strings.TrimSpace(string(ours)), "%v", args)
	}
	d, err := p.open().Diff(t.Context(), "one", "two", nil)
	require.NoError(t, err)
	ours, err := d.AppendJSON(nil)
	require.NoError(t, err)
	assert.JSONEq(t, p.dvc("exp", "diff", "one", "two", "--json"), string(ours))
	assert.Equal(t, p.dvc("exp", "diff", "one", "two"), strings.TrimSpace(string(d.AppendText(nil, &experiment.DiffTableOptions{A: "one", B: "two"}))))

	p.dvc("exp", "apply", "apart")
	assert.Contains(t, p.read("params.yaml"), "lr: 9\n")
	assert.Contains(t, p.read("model.txt"), "lr: 9\n")
	p.dvc("exp", "branch", "one", "promoted")
	p.dvc("exp", "rename", "one", "uno")
	remote := filepath.Join(t.TempDir(), "remote.git")
	p.git("init", "-q", "--bare", remote)
	p.git("remote", "add", "origin", remote)
	p.dvc("exp", "push", "--no-cache", "origin", "two")
	p.dvc("exp", "remove", "two", "uno")
	left, err := p.open().List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, left, 2)
	_, _, err = p.open().PullRefs(t.Context(), "origin", &experiment.SyncOptions{Names: []string{"two"}})
	require.NoError(t, err)
	assert.Contains(t, p.dvc("exp", "list", "--name-only"), "two")
	p.fsck()
}

func tableOptions(args []string) *experiment.TableOptions {
	o := &experiment.TableOptions{}
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
	dvcCommand(t)
	p := newProject(t, nil)
	p.dvc("exp", "run", "-q", "-n", "one", "-S", "lr=0.5")
	p.dvc("exp", "run", "-q", "-n", "apart", "--temp", "-S", "lr=9")
	p.dvc("exp", "save", "-q", "-n", "saved")
	ctx := t.Context()
	r := p.open()
	assert.Equal(t, p.dvc("exp", "show", "--json"), showJSON(t, r, nil))
	require.NoError(t, r.Apply(ctx, "apart"))
	assert.Contains(t, p.read("params.yaml"), "lr: 9\n")
	assert.Contains(t, p.read("model.txt"), "lr: 9\n")
	assert.Equal(t, "{}", p.dvc("status", "--json"), "nothing changed since")
	_, err := r.Branch(ctx, "one", "")
	require.NoError(t, err)
	assert.Equal(t, p.git("rev-parse", "one-branch~1"), p.git("rev-parse", "main"))
	require.NoError(t, r.Rename(ctx, "one", "uno", false))
	assert.Contains(t, p.dvc("exp", "list", "--name-only"), "uno")

	remote := filepath.Join(t.TempDir(), "remote.git")
	p.git("init", "-q", "--bare", remote)
	p.git("remote", "add", "origin", remote)
	s, _, err := r.PushRefs(ctx, "origin", &experiment.SyncOptions{Names: []string{"uno"}})
	require.NoError(t, err)
	assert.Equal(t, []string{"uno"}, s.Done)
	require.NoError(t, r.Remove(ctx, "uno"))
	p.dvc("exp", "pull", "--no-cache", "origin", "uno")
	e, err := r.Find(ctx, "uno")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(e.Message, "dvc: commit experiment "))
	_, err = r.RemoveRemote(ctx, "origin", nil, false, "uno")
	require.NoError(t, err)
	assert.NotContains(t, p.dvc("exp", "list", "origin"), "uno")
}

// TestSameCommitAsDVC compares what both save from the same state.
func TestSameCommitAsDVC(t *testing.T) {
	dvcCommand(t)
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
	tree := func(p *project, ref string) string {
		lines := strings.Split(p.git("ls-tree", "-r", ref), "\n")
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
			p := newProject(t, files)
			p.git("rm", "-q", "--cached", "other.yaml")
			p.git("commit", "-qm", "untracked params")
			prepare := func() {
				p.write("extra.txt", "untracked dependency\n")
				p.write("top.json", "{\"x\": 1}\n")
				p.write("junk.txt", "not part of it\n")
				p.write("notes.txt", "edited\n")
			}
			prepare()
			args := []string{"exp", "run", "-q", "-n", "theirs", "-S", "lr=3"}
			opts := &experiment.RunOptions{Name: "ours", Set: []string{"lr=3"}}
			switch how {
			case "temp":
				p.git("add", "extra.txt", "top.json", "other.yaml") // a copy has no untracked files
				args, opts.Temp = append(args, "--temp"), true
			case "save":
				p.dvc("repro", "-q")
				args = []string{"exp", "save", "-q", "-n", "theirs", "-I", "junk.txt"}
			}
			p.dvc(args...)
			theirs := p.git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/theirs")
			p.git("checkout", "-q", "--", "params.yaml")
			p.run("rm", "-rf", "dvc.lock", "m.json", "plot.csv", ".dvc/cache/runs")
			if how == "save" {
				p.dvc("repro", "-q")
				_, err := p.open().Save(t.Context(), &experiment.SaveOptions{Name: "ours", Untracked: []string{"junk.txt"}})
				require.NoError(t, err)
			} else {
				p.write(".gitignore", "")
				p.run("rm", ".gitignore")
				_, err := p.open().Run(t.Context(), opts)
				require.NoError(t, err)
			}
			ours := p.git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/ours")
			assert.Equal(t, tree(p, theirs), tree(p, ours))
			assert.Equal(t, p.git("log", "-1", "--format=%B%P", theirs), p.git("log", "-1", "--format=%B%P", ours))
		})
	}
}

func TestShowIsJSON(t *testing.T) {
	p := newProject(t, nil)
	p.mustRun("one")
	assert.True(t, json.Valid([]byte(showJSON(t, p.open(), nil))))
}
