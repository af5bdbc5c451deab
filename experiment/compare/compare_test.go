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
