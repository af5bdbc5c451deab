package compare_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

func TestHTMLPage(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("one", "lr=2")
	states, err := compare.Show(t.Context(), p.Open(), nil)
	require.NoError(t, err)
	var page strings.Builder
	require.NoError(t, compare.WriteHTML(&page, "mine", states, nil))
	assert.Contains(t, page.String(), "<html")
	assert.Contains(t, page.String(), "[one]")
	assert.Contains(t, page.String(), `"missing":"-","failed":"!"`)
	assert.NotContains(t, page.String(), "src=\"http")
}

func TestBestAmongOthers(t *testing.T) {
	p := exptest.New(t, nil)
	p.MustRun("low", "lr=0.125")
	p.MustRun("high", "lr=2")
	p.MustRun("text", "lr='many'")
	p.MustRun("nan", "lr=.nan")
	states, err := compare.Show(t.Context(), p.Open(), nil)
	require.NoError(t, err)
	for want, goal := range map[string]compare.Goal{"low": compare.Minimize, "high": compare.Maximize} {
		best, _, err := compare.Best(states, "metrics.yaml:lr", goal)
		require.NoError(t, err)
		require.NotNil(t, best)
		assert.Equal(t, want, best.Name)
	}
	best, _, err := compare.Best(states, "metrics.yaml:model.name", compare.Maximize)
	require.NoError(t, err)
	assert.Nil(t, best, "text is no number")
	var column *compare.ColumnError
	_, _, err = compare.Best(states, "lr", compare.Maximize)
	require.ErrorAs(t, err, &column)
	assert.Equal(t, []string{"metrics.yaml:lr", "params.yaml:lr"}, column.Matches)
	_, err = compare.Tabulate(states, &compare.TableOptions{SortBy: "loss"})
	require.ErrorAs(t, err, &column)
	assert.Empty(t, column.Matches)
}

// TestTerminalTable: what a repository's files hold does not reach a terminal
// as a command, while the colours do.
func TestTerminalTable(t *testing.T) {
	p := exptest.New(t, map[string]string{"params.yaml": "lr: 0.1\nmodel:\n  layers: [1, 2]\n  name: \"a\\e[2Jb\\u009b\"\nseed: 0\n"})
	states, err := compare.Show(t.Context(), p.Open(), nil)
	require.NoError(t, err)
	table, err := compare.Tabulate(states, nil)
	require.NoError(t, err)
	assert.Contains(t, string(table.AppendText(nil, false)), "a\x1b[2Jb")
	colored := string(table.AppendText(nil, true))
	assert.Contains(t, colored, `a\x1b[2Jb\x9b`)
	assert.Contains(t, colored, "\x1b[0m")
	assert.NotContains(t, colored, "\x1b[2J")
}
