package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/pyjson"
)

func TestRenderEscapes(t *testing.T) {
	p := Page{Title: "</script><b>", Params: pyjson.NewMap("<i>", pyjson.NewMap("x", 0.5)),
		Curves: []Curve{{Name: "</script>", Series: []Series{{Points: []Point{{0, 1}, {1, 2}}}}}}}
	var b strings.Builder
	require.NoError(t, p.Render(&b))
	assert.NotContains(t, b.String(), "</script>")
	assert.Contains(t, b.String(), "&lt;i&gt;.x")
}
