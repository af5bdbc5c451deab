package stagegraph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/stagegraph"
)

// randomPicture makes a picture of n nodes, with edges from earlier nodes to
// later ones; short edges only, so that the drawing of DVC does not depend on
// the addresses of its objects.
func randomPicture(rng *rand.Rand, n int) *stagegraph.Picture {
	p := &stagegraph.Picture{}
	for i := range n {
		p.Names = append(p.Names, fmt.Sprintf("%s%d", strings.Repeat("n", rng.IntN(6)), i))
	}
	for b := 1; b < n; b++ {
		for range 1 + rng.IntN(2) {
			e := [2]int{rng.IntN(b), b}
			dup := false
			for _, have := range p.Edges {
				dup = dup || have == e
			}
			if !dup {
				p.Edges = append(p.Edges, e)
			}
		}
	}
	return p
}

// TestDrawingsAgainstDVC compares with what DVC draws for the same graphs.
func TestDrawingsAgainstDVC(t *testing.T) {
	dvc := os.Getenv("REPRODL_DVC")
	if dvc == "" {
		dvc, _ = exec.LookPath("dvc")
	}
	if dvc == "" {
		t.Skip("needs DVC: set REPRODL_DVC to its program")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	pictures := []*stagegraph.Picture{
		{Names: []string{"alone"}},
		{Names: []string{"a", "b", "c"}},
		{Names: []string{"prepare", "train", "evaluate"}, Edges: [][2]int{{0, 1}, {1, 2}}},
		{Names: []string{"c", "b", "bb", "a"}, Edges: [][2]int{{1, 0}, {2, 0}, {3, 1}, {3, 2}}},
		{Names: []string{"data.dvc", "one", "two", "three", "four"}, Edges: [][2]int{{0, 1}, {0, 2}, {0, 3}, {0, 4}}},
		{Names: []string{"one", "two", "three", "report"}, Edges: [][2]int{{0, 3}, {1, 3}, {2, 3}}},
		{Names: []string{"prepare", "featurize", "train", "evaluate"}, Edges: [][2]int{{0, 1}, {1, 2}, {1, 3}, {2, 3}}},
	}
	for n := 2; n < 9; n++ {
		for range 12 {
			pictures = append(pictures, randomPicture(rng, n))
		}
	}
	var in bytes.Buffer
	for _, p := range pictures {
		edges := p.Edges
		if edges == nil {
			edges = [][2]int{}
		}
		require.NoError(t, json.NewEncoder(&in).Encode(map[string]any{"names": p.Names, "edges": edges}))
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(dvc), "python"), filepath.Join("testdata", "draw.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	cmd.Env = append(os.Environ(), "PYTHONHASHSEED=0")
	out, err := cmd.Output()
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(out))
	same, fixed := 0, 0
	for i, p := range pictures {
		var drawings []string
		var mermaid string
		require.NoError(t, dec.Decode(&[2]any{&drawings, &mermaid}))
		assert.Equal(t, mermaid, p.Mermaid())
		got := p.ASCII()
		if slices.Contains(drawings, got) {
			same++
		}
		if len(drawings) == 1 && oneBendPerLayer(p) {
			fixed++
			assert.Equal(t, drawings[0], got, "picture %d %v", i, p.Edges)
		}
	}
	t.Logf("%d of %d drawings are the same as one of DVC's; %d have only one way to be drawn", same, len(pictures), fixed)
	assert.Greater(t, same, len(pictures)*9/10)
}

// oneBendPerLayer reports whether no two edges skip a layer at once, which
// leaves nothing to the order in which DVC happens to meet the edges.
func oneBendPerLayer(p *stagegraph.Picture) bool {
	depth := make([]int, len(p.Names))
	for range p.Names {
		for _, e := range p.Edges {
			depth[e[1]] = max(depth[e[1]], depth[e[0]]+1)
		}
	}
	long := 0
	for _, e := range p.Edges {
		if depth[e[1]]-depth[e[0]] > 1 {
			long++
		}
	}
	return long < 2
}
