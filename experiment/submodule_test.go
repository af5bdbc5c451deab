package experiment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

// TestCopiesHaveSubmodules runs a stage on a file of a submodule, and of one of that, in a
// copy of the working tree.
func TestCopiesHaveSubmodules(t *testing.T) {
	inner, lib := exptest.New(t, map[string]string{"deep.txt": "deep\n"}), exptest.New(t, map[string]string{"lib.txt": "lib\n"})
	lib.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.Dir, "inner")
	lib.Git("commit", "-qm", "inner")
	p := exptest.New(t, map[string]string{"dvc.yaml": strings.Replace(strings.Replace(exptest.StageYAML, "cat in", "git -C lib log -1 --format=%s | grep -q inner && cat lib/lib.txt lib/inner/deep.txt", 1), "deps: [in]", "deps: [lib/lib.txt]", 1)})
	p.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", lib.Dir, "lib")
	p.Git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive")
	p.Git("commit", "-qm", "lib")
	before, commit := p.State(), p.Git("rev-parse", "HEAD:lib")
	e, err := p.Open().Run(t.Context(), &experiment.RunOptions{Temp: true, Set: []string{"lr=0.5"}})
	require.NoError(t, err, p.Messages)
	assert.Equal(t, before, p.State())
	assert.Equal(t, commit, p.Git("rev-parse", e.Rev+":lib"), "it is a submodule still")
	assert.NotContains(t, p.Git("ls-tree", "-r", "--name-only", e.Rev), "lib/")
	p.Fsck()

	// So it is in the working tree.
	e, err = p.Open().Run(t.Context(), &experiment.RunOptions{Name: "here", Set: []string{"lr=0.7"}})
	require.NoError(t, err, p.Messages)
	assert.Equal(t, commit, p.Git("rev-parse", e.Rev+":lib"))

	// Without the submodule the run fails, and says why.
	require.NoError(t, os.RemoveAll(filepath.Join(p.Dir, "lib")))
	require.NoError(t, os.Mkdir(filepath.Join(p.Dir, "lib"), 0o777))
	_, err = p.Open().Run(t.Context(), &experiment.RunOptions{Temp: true, Set: []string{"lr=0.6"}})
	require.Error(t, err)
	assert.Contains(t, p.Messages.String(), "the submodule 'lib' is empty where the experiment runs")
}
