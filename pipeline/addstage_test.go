package pipeline_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

func TestAddStage(t *testing.T) {
	ctx := context.Background()
	dir := repotest.NewGit(t, map[string]string{"dvc.yaml": "# mine\nstages:\n  old:\n    cmd: x # why\n    desc: kept\n    outs: [o: {desc: d}]\n", "sub/in": ""})
	repo := repoAt(t, dir)
	require.NoError(t, repo.AddStage(ctx, pipeline.Stage{
		Name: "train", Cmd: []string{"python train.py"}, Wdir: "sub", Deps: []string{"in", "code.py"},
		Params: []pipeline.Params{{Keys: []string{"lr"}}, {File: "all.json"}},
		Outs: []pipeline.Out{{Path: "model"}, {Path: "keep", Persist: true}, {Path: "m.json", Kind: pipeline.Metric, NoCache: true},
			{Path: "logs", Kind: pipeline.Live, NoHTML: true}},
	}, nil))
	require.NoError(t, repo.AddStage(ctx, pipeline.Stage{Name: "old", Cmd: []string{"y"}, Outs: []pipeline.Out{{Path: "o"}}}, &pipeline.AddStageOptions{Force: true}))
	assert.Equal(t, `# mine
stages:
  old:
    cmd: y # why
    desc: kept
    outs: [o: {desc: d}]
  train:
    cmd: python train.py
    wdir: sub
    deps:
    - code.py
    - in
    params:
    - lr
    - all.json:
    outs:
    - keep:
        persist: true
    - model
    metrics:
    - m.json:
        cache: false
    live:
      logs:
        summary: true
        html: false
`, repotest.Read(t, dir, "dvc.yaml"))
	assert.Equal(t, "/model\n/keep\n/logs\n", repotest.Read(t, dir, "sub/.gitignore"))
	assert.Equal(t, "/o\n", repotest.Read(t, dir, ".gitignore"))
}

func TestAddStageRefuses(t *testing.T) {
	const before = "stages:\n  a:\n    cmd: x\n    outs: [o]\n    deps: [d]\n"
	dir := repotest.New(t, map[string]string{"dvc.yaml": before, "file": "", ".dvcignore": "ign\n"})
	outs := func(p string) []pipeline.Out { return []pipeline.Out{{Path: p}} }
	cmd := []string{"true"}
	tests := []struct {
		name string
		spec pipeline.Stage
		want string
	}{
		{"no command", pipeline.Stage{Name: "s"}, "command is not specified"},
		{"name", pipeline.Stage{Name: "a.b", Cmd: cmd}, "Stage name cannot contain punctuation characters."},
		{"exists", pipeline.Stage{Name: "a", Cmd: cmd}, "Stage 'a' already exists in 'dvc.yaml'. Use '--force' to overwrite."},
		{"taken", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("o")}, "output 'o' is already specified in stage: 'a'."},
		{"inside", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("o/p")}, "overlap"},
		{"cycle", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("d"), Deps: []string{"o"}}, "both a dependency and an output"},
		{"self", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("x"), Deps: []string{"x"}}, "is specified as an output and as a dependency."},
		{"twice", pipeline.Stage{Name: "s", Cmd: cmd, Deps: []string{"x", "./x"}}, "is specified more than once."},
		{"outside", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("/elsewhere")}, "Cached output(s) outside of DVC project: /elsewhere."},
		{"dvc file", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("x.dvc")}, "DVC file 'x.dvc' cannot be an output."},
		{"ignored", pipeline.Stage{Name: "s", Cmd: cmd, Outs: outs("ign")}, "is ignored by .dvcignore:1:ign"},
		{"no wdir", pipeline.Stage{Name: "s", Cmd: cmd, Wdir: "nope"}, "does not exist"},
		{"file as wdir", pipeline.Stage{Name: "s", Cmd: cmd, Wdir: "file"}, "is not directory"},
		{"wdir outside", pipeline.Stage{Name: "s", Cmd: cmd, Wdir: ".."}, "is outside of DVC repo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := repoAt(t, dir).AddStage(context.Background(), tt.spec, nil)
			assert.ErrorContains(t, err, tt.want)
			assert.Equal(t, before, repotest.Read(t, dir, "dvc.yaml"))
		})
	}
}

func TestFreeze(t *testing.T) {
	ctx := context.Background()
	dir := repotest.New(t, map[string]string{"dvc.yaml": "stages:\n  a:\n    cmd: x # c\n  p:\n    cmd: echo ${k}\n", "params.yaml": "k: 1\n",
		"d.dvc": "outs:\n- path: d # data\n"})
	repo := repoAt(t, dir)
	require.NoError(t, repo.Freeze(ctx, "a"))
	require.NoError(t, repo.Freeze(ctx, "d.dvc"))
	assert.Contains(t, repotest.Read(t, dir, "dvc.yaml"), "    cmd: x # c\n    frozen: true\n")
	assert.Equal(t, "outs:\n- path: d # data\nfrozen: true\n", repotest.Read(t, dir, "d.dvc"))
	require.NoError(t, repo.Unfreeze(ctx, "a"))
	assert.NotContains(t, repotest.Read(t, dir, "dvc.yaml"), "frozen")
	assert.EqualError(t, repo.Freeze(ctx, "nope"), "Stage 'nope' not found inside 'dvc.yaml' file")
	assert.ErrorContains(t, repo.Freeze(ctx, "p"), "cannot dump a parametrized stage: 'p'")
	assert.ErrorContains(t, repo.Freeze(ctx, "dvc.yaml"), "Stage name not provided")
}

func TestStages(t *testing.T) {
	ctx := context.Background()
	dir := repotest.New(t, map[string]string{
		"dvc.yaml": "stages:\n  a:\n    cmd: x\n    desc: |\n\n      first line\n      second\n  b:\n    cmd: x\n    deps: [d]\n    params: [k]\n" +
			"  c:\n    cmd: x\n    outs: [o]\n    metrics: [m]\n    plots: [p]\n  d:\n    cmd: x\n",
		"sub/dvc.yaml": "stages:\n  s:\n    cmd: x\n    outs: [o]\n", "bad/dvc.yaml": "foo: 1\n"})
	list, err := repoAt(t, dir).Stages(ctx, nil)
	require.NoError(t, err)
	assert.Equal(t, []pipeline.StageInfo{{Address: "a", Desc: "first line"}, {Address: "b", Desc: "Depends on d, params.yaml"},
		{Address: "c", Desc: "Outputs o; Reports m, p"}, {Address: "d", Desc: "No outputs or dependencies"}}, list)
	list, err = repoAt(t, dir).Stages(ctx, &pipeline.ListOptions{All: true})
	require.NoError(t, err)
	assert.Len(t, list, 5)
	assert.Equal(t, "sub/dvc.yaml:s", list[4].Address)
	_, err = repoAt(t, dir).Stages(ctx, &pipeline.ListOptions{All: true, Strict: true})
	assert.ErrorContains(t, err, "validation failed")
}

func TestDAG(t *testing.T) {
	ctx := context.Background()
	dir := repotest.New(t, map[string]string{"dvc.yaml": "stages:\n  m:\n    foreach: [x, y]\n    do: {cmd: c, deps: [raw], outs: ['${item}']}\n" +
		"  sum: {cmd: c, deps: [x, y], outs: [s]}\n", "raw.dvc": "outs:\n- path: raw\n"})
	draw := func(opts *pipeline.DAGOptions) string {
		text, err := repoAt(t, dir).DAG(ctx, opts)
		require.NoError(t, err)
		return text
	}
	assert.Contains(t, draw(nil), "| raw.dvc |")
	assert.Equal(t, "flowchart TD\n\tnode1[\"m\"]\n\tnode2[\"raw.dvc\"]\n\tnode3[\"sum\"]\n\tnode1-->node3\n\tnode2-->node1",
		draw(&pipeline.DAGOptions{Format: pipeline.Mermaid, Collapse: true}))
	assert.Equal(t, "flowchart TD\n\tnode1[\"raw\"]\n\tnode2[\"x\"]\n\tnode1-->node2",
		draw(&pipeline.DAGOptions{Format: pipeline.Mermaid, Outs: true, Target: "m@x"}))
	assert.Equal(t, "strict digraph {\n\"m@x\";\n\"raw.dvc\";\n\"raw.dvc\" -> \"m@x\";\n}\n",
		sortedDot(draw(&pipeline.DAGOptions{Format: pipeline.Dot, Target: "x"})))
	_, err := repoAt(t, dir).DAG(ctx, &pipeline.DAGOptions{Outs: true, Collapse: true})
	assert.Error(t, err)
	_, err = repoAt(t, dir).DAG(ctx, &pipeline.DAGOptions{Target: "nope"})
	assert.ErrorContains(t, err, "'nope' does not exist as an output or a stage name in 'dvc.yaml'")
}

// sortedDot puts the two nodes of a drawing in order.
func sortedDot(s string) string {
	const a, b = "\"m@x\";\n\"raw.dvc\";\n", "\"raw.dvc\";\n\"m@x\";\n"
	if i := len("strict digraph {\n"); s[i:i+len(b)] == b {
		return s[:i] + a + s[i+len(b):]
	}
	return s
}

func ExampleRepo_AddStage() {
	repo, remove := exampleRepo(nil)
	defer remove()
	ctx := context.Background()
	err := repo.AddStage(ctx, pipeline.Stage{Name: "train", Cmd: []string{"echo 1 > model"}, Outs: []pipeline.Out{{Path: "model"}}}, nil)
	if err != nil {
		fmt.Println(err)
	}
	text, _ := os.ReadFile(filepath.Join(repo.Root(), "dvc.yaml"))
	fmt.Print(string(text))
	// Output:
	// stages:
	//   train:
	//     cmd: echo 1 > model
	//     outs:
	//     - model
}

func ExampleRepo_DAG() {
	repo, remove := exampleRepo(map[string]string{
		"dvc.yaml": "stages:\n  prepare: {cmd: a, outs: [data]}\n  train: {cmd: b, deps: [data]}\n"})
	defer remove()
	text, err := repo.DAG(context.Background(), &pipeline.DAGOptions{Format: pipeline.Mermaid})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(text)
	// Output:
	// flowchart TD
	// 	node1["prepare"]
	// 	node2["train"]
	// 	node1-->node2
}
