package stagegraph_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/stagegraph"
)

// stage makes a node declared by ./dvc.yaml.
func stage(name string, deps, outs []string) stagegraph.Node {
	n := stagegraph.Node{Address: name, File: "dvc.yaml", Deps: deps}
	for _, o := range outs {
		n.Outs = append(n.Outs, stagegraph.Out{Path: o})
	}
	return n
}

func names(g *stagegraph.Graph, order []int) []string {
	var all []string
	for _, i := range order {
		all = append(all, g.Node(i).Address)
	}
	return all
}

func build(t *testing.T, nodes ...stagegraph.Node) *stagegraph.Graph {
	t.Helper()
	g, err := stagegraph.New(nodes)
	require.NoError(t, err)
	return g
}

func documented(t *testing.T) *stagegraph.Graph {
	return build(t,
		stage("c", []string{"b1", "b2"}, []string{"c"}),
		stage("b", []string{"a"}, []string{"b1"}),
		stage("bb", []string{"a"}, []string{"b2"}),
		stage("a", []string{"in"}, []string{"a"}),
		stage("z", nil, []string{"z"}))
}

func TestPlan(t *testing.T) {
	g := documented(t)
	tests := []struct {
		name string
		opts *stagegraph.PlanOptions
		want []string
	}{
		{"everything", nil, []string{"a", "b", "bb", "c", "z"}},
		{"target and what it needs", &stagegraph.PlanOptions{Targets: []int{2}}, []string{"a", "bb"}},
		{"downstream", &stagegraph.PlanOptions{Targets: []int{1}, Downstream: true}, []string{"b", "c"}},
		{"pipeline", &stagegraph.PlanOptions{Targets: []int{1}, Pipeline: true}, []string{"a", "b", "bb", "c"}},
		{"no targets at all", &stagegraph.PlanOptions{Targets: []int{}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.want, names(g, g.Plan(tt.opts)))
		})
	}
}

func TestEdgesByContainment(t *testing.T) {
	g := build(t,
		stage("dir", nil, []string{"data/"}),
		stage("one", nil, []string{"sub/x"}),
		stage("two", nil, []string{"sub/y"}),
		stage("inside", []string{"data/a/b"}, nil),
		stage("around", []string{"sub"}, nil),
		stage("sibling", []string{"data2", "sub/xx"}, nil),
		stage("root", []string{"."}, nil))
	assert.Equal(t, []int{0}, g.Producers(3))
	assert.Equal(t, []int{1, 2}, g.Producers(4))
	assert.Empty(t, g.Producers(5))
	assert.Equal(t, []int{0, 1, 2}, g.Producers(6))
	assert.Equal(t, []int{3, 6}, g.Consumers(0))
}

func TestFrozenIsUnconnected(t *testing.T) {
	frozen := stage("b", []string{"a"}, []string{"b"})
	frozen.Frozen = true
	g := build(t, stage("c", []string{"b"}, nil), frozen, stage("a", nil, []string{"a"}))
	assert.Equal(t, []string{"a", "b", "c"}, names(g, g.Plan(nil)))
	assert.Equal(t, []string{"b", "c", "a"}, names(g, g.Active().Plan(nil)))
	assert.Equal(t, []string{"b", "c"}, names(g, g.Active().Plan(&stagegraph.PlanOptions{Targets: []int{0}})))
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name  string
		nodes []stagegraph.Node
		class string
		want  string
	}{
		{"own output twice", []stagegraph.Node{stage("a", nil, []string{"x", "./x"})}, "duplicate_output",
			"output './x' is already specified in stage: 'a'.\nUse `dvc remove a` to stop tracking the overlapping output."},
		{"two owners", []stagegraph.Node{stage("a", nil, []string{"x"}), stage("b", nil, []string{"x"})}, "duplicate_output",
			"output 'x' is specified in:\n\t- a\n\t- b\nUse `dvc remove` with any of the above targets to stop tracking the overlapping output."},
		{"child after parent", []stagegraph.Node{stage("a", nil, []string{"d"}), stage("b", nil, []string{"d/x"})}, "overlapping_output",
			"The output paths:\n'd'('a')\n'd/x'('b')\noverlap and are thus in the same tracked directory.\nTo keep reproducibility, outputs should be in separate tracked directories or tracked individually."},
		{"parent after child", []stagegraph.Node{stage("b", nil, []string{"d/x"}), stage("a", nil, []string{"d"})}, "overlapping_output",
			"The output paths:\n'd'('a')\n'd/x'('b')\noverlap and are thus in the same tracked directory.\nTo keep reproducibility, outputs should be in separate tracked directories or tracked individually."},
		{"file in output", []stagegraph.Node{stage("a", nil, []string{"d"}), {Address: "d/x.dvc", File: "d/x.dvc"}}, "overlapping_output",
			"stage: 'd/x.dvc' is within an output 'd' of another stage"},
		{"self", []stagegraph.Node{stage("a", []string{"x"}, []string{"x"})}, "cycle",
			"Same item(s) are defined as both a dependency and an output in stage: a."},
		{"two", []stagegraph.Node{stage("a", []string{"y"}, []string{"x"}), stage("b", []string{"x"}, []string{"y"})}, "cycle",
			"Same item(s) are defined as both a dependency and an output in stages: a, b.\nThe cycle is: a -> b -> a"},
		{"tail is not on the cycle", []stagegraph.Node{
			stage("t", []string{"x"}, nil), stage("a", []string{"y"}, []string{"x"}), stage("b", []string{"x"}, []string{"y"})}, "cycle",
			"Same item(s) are defined as both a dependency and an output in stages: a, b.\nThe cycle is: a -> b -> a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := stagegraph.New(tt.nodes)
			require.Error(t, err)
			assert.Equal(t, tt.want, err.Error())
			var c interface{ Class() string }
			require.ErrorAs(t, err, &c)
			assert.Equal(t, tt.class, c.Class())
		})
	}
}

func TestLongChain(t *testing.T) {
	const n = 20000
	var nodes []stagegraph.Node
	for i := range n {
		nodes = append(nodes, stage(fmt.Sprint("s", i), []string{fmt.Sprint("f", i+1)}, []string{fmt.Sprint("f", i)}))
	}
	g := build(t, nodes...)
	order := g.Plan(nil)
	assert.Equal(t, n-1, order[0])
	assert.Equal(t, 0, order[n-1])
	assert.Len(t, g.Upstream(n/2), n/2)
	assert.Len(t, g.Downstream(n/2), n/2+1)
}
