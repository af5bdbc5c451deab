package live_test

import (
	"encoding/xml"
	"errors"
	"image"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// TestMarkdownReport compares with what DVCLive 3.49.1 writes for the same
// calls, but for the suffix of the images and the bar in a cell, which it does
// not escape.
func TestMarkdownReport(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{Report: live.MarkdownReport})
	require.NoError(t, l.LogParams(ordered.New("lr", 0.1, "epochs", 10, "net", ordered.New("layers", []int{4, 2}), "name", "a|b")))
	logSteps(t, l, "train/loss", 1, 1.0/2, 1.0/3)
	require.NoError(t, l.LogImage("samples/a b.png", image.NewGray(image.Rect(0, 0, 2, 2))))
	require.NoError(t, l.LogPlot("curve", []*ordered.Map{ordered.New("x", 0.5, "y", 2), ordered.New("x", 2.0, "y", 3)}, live.Plot{X: "x", Y: "y", Title: "A <title>"}))
	require.NoError(t, l.LogSklearnPlot(live.ConfusionMatrix, []int{0, 1}, []int{1, 1}, nil))
	require.NoError(t, l.Close())
	assert.Equal(t, "run/report.md", strings.ReplaceAll(l.ReportFile(), `\`, "/"))
	assert.Equal(t, `# DVC Report

params.yaml

|   lr |   epochs | net.layers   | name   |
|------|----------|--------------|--------|
|  0.1 |       10 | [4, 2]       | a\|b   |

metrics.json

|   train.loss |   step |
|--------------|--------|
|     0.333333 |      2 |

![static/train/loss](static/train/loss.svg)

![samples/a b.png](plots/images/samples/a%20b.png)

![curve](curve.svg)
`, read(t, "run/report.md"))
	for _, file := range []string{"run/static/train/loss.svg", "run/curve.svg"} {
		wellFormed(t, read(t, file))
	}
	assert.Contains(t, read(t, "run/curve.svg"), "A &lt;title&gt;")
	assert.NoFileExists(t, "run/report.html")
}

// wellFormed parses an SVG.
func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, text)
	}
}

func TestChartsOfOddHistories(t *testing.T) {
	t.Chdir(t.TempDir())
	l := open(t, live.Options{Report: live.MarkdownReport})
	for name, values := range map[string][]float64{
		"one": {5}, "constant": {1, 1, 1}, "nothing": {math.NaN(), math.Inf(1)}, "gap": {1, math.NaN(), 2, 3},
		"huge": {-math.MaxFloat64, math.MaxFloat64}, "tiny": {5e-324, 0}, "offset": {1e15, 1e15 + 1},
	} {
		l.SetStep(0)
		logSteps(t, l, name, values...)
	}
	require.NoError(t, l.Close())
	for _, name := range []string{"one", "constant", "nothing", "gap", "huge", "tiny", "offset"} {
		text := read(t, "run/static/"+name+".svg")
		wellFormed(t, text)
		assert.NotContains(t, text, "NaN", name)
		assert.NotContains(t, text, "Inf", name)
	}
	assert.Equal(t, 2, strings.Count(read(t, "run/static/gap.svg"), "h0"), "the line is broken once")
}
