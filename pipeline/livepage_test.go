//go:build unix

package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline"
)

// TestLiveSection runs a stage with the live section of the course: the command
// is told where to log, and the page is made when it has ended.
func TestLiveSection(t *testing.T) {
	dir := repotest.New(t, map[string]string{
		"dvc.yaml": "stages:\n  train:\n    cmd: sh train.sh\n    live:\n      logs:\n        summary: true\n        html: true\n",
		"train.sh": `test "$DVCLIVE_SUMMARY$DVCLIVE_HTML" = 11 && mkdir -p $DVCLIVE_PATH &&
printf 'timestamp\tstep\ttrain_loss\r\n1700000000000\t0\t0.5\r\n' > $DVCLIVE_PATH/train_loss.tsv &&
printf '{\n    "step": 0,\n    "train_loss": 0.5\n}' > $DVCLIVE_PATH.json
`,
	})
	repo, err := pipeline.Open(dir, nil)
	require.NoError(t, err)
	_, err = repo.Repro(t.Context(), nil)
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(dir, "logs.html"))
	require.NoError(t, err)
	assert.Contains(t, string(page), `"train_loss": "0.5"`)
	assert.Contains(t, string(page), `>         0.5</td>`)
}
