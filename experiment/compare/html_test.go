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
