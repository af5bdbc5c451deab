package experiment_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline/data"
)

// TestCopiesRunOnDataAsTheUserSeesIt changes data after it was added, and once
// more after an experiment was queued.
func TestCopiesRunOnDataAsTheUserSeesIt(t *testing.T) {
	p := exptest.New(t, map[string]string{"dvc.yaml": `stages:
  train:
    cmd: cat data.txt dir/* > out.txt
    deps: [data.txt, dir]
    outs:
    - out.txt:
        cache: false
`})
	p.Write("data.txt", "old\n")
	p.Write("dir/a", "1\n")
	d, err := data.Open(p.Dir, &data.Options{Env: p.Env})
	require.NoError(t, err)
	_, err = d.Add(t.Context(), nil, "data.txt", "dir")
	require.NoError(t, err)
	p.Git("add", "-A")
	p.Git("commit", "-qm", "data")
	p.Write("data.txt", "new\n")
	p.Write("dir/b", "2\n")
	before := p.State()

	_, err = p.Open().Run(t.Context(), &experiment.RunOptions{Name: "temp", Temp: true})
	require.NoError(t, err)
	q := queue.Open(p.Open(), nil)
	_, err = q.Add(t.Context(), &experiment.RunOptions{Name: "queued"})
	require.NoError(t, err)
	assert.Equal(t, before, p.State(), "the .dvc files are the user's")
	p.Write("data.txt", "newer\n")
	_, err = q.WorkAll(t.Context(), 1, nil)
	require.NoError(t, err)
	for _, name := range []string{"temp", "queued"} {
		e, err := p.Open().Find(t.Context(), name)
		require.NoError(t, err)
		assert.Equal(t, "new\n1\n2", p.Git("show", e.Rev+":out.txt"), name)
		assert.NotEqual(t, p.Git("show", "HEAD:data.txt.dvc"), p.Git("show", e.Rev+":data.txt.dvc"), name)
	}
	assert.Equal(t, "newer\n", p.Read("data.txt"))
	p.Fsck()
}
