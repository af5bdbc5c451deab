package report

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params/pyjson"
)

// rendered returns the page and the data in it as a browser reads them.
func rendered(t *testing.T, p *Page) (page string, data map[string]any) {
	t.Helper()
	var b strings.Builder
	require.NoError(t, p.Render(&b))
	page = b.String()
	_, text, ok := strings.Cut(page, `<script id="data" type="application/json">`)
	require.True(t, ok)
	text, _, ok = strings.Cut(text, "</script>")
	require.True(t, ok)
	require.NoError(t, json.Unmarshal([]byte(text), &data), text)
	return page, data
}

const evil = "</script><script>alert(1)</script><!-- \"' \u2028 & <img src=x onerror=alert(1)>"

func TestRenderEscapesEveryText(t *testing.T) {
	p := &Page{
		Title: evil, Params: pyjson.NewMap(evil, evil), Summary: pyjson.NewMap(evil, pyjson.NewMap(evil, evil)),
		Curves: []Curve{{Name: evil, Series: []Series{{Label: evil, Points: []Point{{0, 1}}}}}},
		Images: []Image{{Name: evil, Type: evil, Data: []byte("x")}},
		Plots: []Plot{{Name: evil, X: evil, Y: []string{evil}, Data: []*pyjson.Map{pyjson.NewMap(evil, evil)}},
			{Name: evil, Template: "confusion", X: evil, Y: []string{evil}, Data: []*pyjson.Map{pyjson.NewMap(evil, evil)}}},
		Tables: []Table{{Title: evil, Header: []string{evil}, Kinds: []string{evil}, Rows: [][]string{{evil}}}},
	}
	page, data := rendered(t, p)
	assert.Equal(t, 3, strings.Count(page, "</script>"), "only the page's own script elements end")
	assert.Equal(t, 3, strings.Count(page, "<script"))
	assert.NotContains(t, page, "<!--")
	assert.NotContains(t, page, "<img")
	_, script, _ := strings.Cut(page, "application/json")
	assert.NotContains(t, script, "\u2028")
	assert.Equal(t, evil, data["title"])
	assert.Equal(t, evil, data["curves"].([]any)[0].(map[string]any)["n"])
}

func TestRenderIsSelfContained(t *testing.T) {
	page, _ := rendered(t, &Page{})
	for _, s := range []string{"src=\"http", "href=\"http", "url(http", "@import", "fetch(", "XMLHttpRequest"} {
		assert.NotContains(t, page, s)
	}
	assert.Less(t, len(page), 110<<10)
}

func TestRenderPoints(t *testing.T) {
	p := &Page{Curves: []Curve{{Name: "a", Series: []Series{{Points: []Point{{3, 0.5}, {4, math.NaN()}, {10, math.Inf(1)}, {11, -1e-7}}}}}}}
	_, data := rendered(t, p)
	s := data["curves"].([]any)[0].(map[string]any)["s"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{3.0, 1.0, 6.0, 1.0}, s["x"], "steps as differences")
	assert.Equal(t, []any{0.5, nil, nil, -1e-7}, s["y"])
	assert.Equal(t, 4.0, s["c"])
}

func TestThinKeepsExtremes(t *testing.T) {
	points := make([]Point, 100_000)
	for i := range points {
		points[i] = Point{Step: i, Value: math.Sin(float64(i) / 1000)}
	}
	points[54_321].Value, points[54_322].Value = 99, -99
	out := thin(points)
	assert.LessOrEqual(t, len(out), maxPoints)
	assert.Contains(t, out, Point{54_321, 99})
	assert.Contains(t, out, Point{54_322, -99})
	assert.Equal(t, points[0], out[0])
	assert.Equal(t, points[len(points)-1], out[len(out)-1])
	for i := 1; i < len(out); i++ {
		require.Less(t, out[i-1].Step, out[i].Step)
	}
	nan := []Point{}
	for i := range 5000 {
		nan = append(nan, Point{i, math.NaN()})
	}
	assert.NotEmpty(t, thin(nan))
}

func TestRenderGroupsImagesByStep(t *testing.T) {
	p := &Page{Images: []Image{{Name: "s/10.png", Data: []byte("c")}, {Name: "s/2.png", Data: []byte("b")}, {Name: "one.jpg", Data: []byte("a")}}}
	_, data := rendered(t, p)
	groups := data["images"].([]any)
	require.Len(t, groups, 2)
	steps := groups[0].(map[string]any)
	assert.Equal(t, "s", steps["n"])
	assert.Equal(t, []any{map[string]any{"l": "2", "u": "data:image/png;base64,Yg=="}, map[string]any{"l": "10", "u": "data:image/png;base64,Yw=="}}, steps["i"])
	assert.Equal(t, "one.jpg", groups[1].(map[string]any)["n"])
}

func TestRenderCountsConfusion(t *testing.T) {
	row := func(a, b string) *pyjson.Map { return pyjson.NewMap("actual", a, "predicted", b) }
	p := &Page{Plots: []Plot{{Template: "confusion", X: "actual", Y: []string{"predicted"},
		Data: []*pyjson.Map{row("10", "10"), row("2", "10"), row("2", "2"), row("2", "10")}}}}
	_, data := rendered(t, p)
	m := data["plots"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"2", "10"}, m["labels"])
	assert.Equal(t, []any{[]any{1.0, 2.0}, []any{0.0, 1.0}}, m["cells"])
}

func TestRenderPlotSeries(t *testing.T) {
	var rows []*pyjson.Map
	for i := range 3 {
		rows = append(rows, pyjson.NewMap("step", int64(i), "loss", "0.5", "rev", "main"), pyjson.NewMap("step", int64(i), "loss", 0.25, "rev", "exp"))
	}
	_, data := rendered(t, &Page{Plots: []Plot{{Name: "loss", X: "step", Data: rows}}})
	series := data["plots"].([]any)[0].(map[string]any)["series"].([]any)
	require.Len(t, series, 2)
	assert.Equal(t, map[string]any{"l": "main", "x": []any{0.0, 1.0, 2.0}, "y": []any{0.5, 0.5, 0.5}}, series[0])
}

// sample is a page with everything on it, for the tests in a browser.
func samplePage(running bool) *Page {
	p := &Page{Title: "esc50: first_train", Step: 4999, Updated: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Params:  pyjson.NewMap("train", pyjson.NewMap("lr", 0.001, "batch_size", int64(32), "data_path", "data/ESC-50", "layers", []any{int64(64), int64(32)}), "seed", int64(42)),
		Summary: pyjson.NewMap("train", pyjson.NewMap("loss", 0.0421, "acc", 0.9871), "val", pyjson.NewMap("acc", 0.8125, "loss", 0.61), "lr", 1e-5, "step", int64(4999)),
	}
	if running {
		p.Reload = 300 * time.Millisecond
	}
	for k, name := range []string{"train/loss", "train/acc", "val/loss", "val/acc", "lr", "system/cpu/usage (%)", "</script><b>evil</b>"} {
		var pts []Point
		for i := range 5000 {
			x := float64(i) / 5000
			noise := math.Sin(float64(i*i%7919)) * 0.08 * (1 - x)
			v := math.Exp(-3*x) + noise
			if k%2 == 1 {
				v = 1 - math.Exp(-4*x) + noise
			}
			if k == 4 {
				v = 1e-3 * math.Pow(0.01, x)
			}
			if k == 2 && i%500 == 0 {
				v = math.NaN()
			}
			pts = append(pts, Point{i, v})
		}
		series := []Series{{Points: pts}}
		if k == 3 {
			other := make([]Point, 0, 1000)
			for i := 0; i < 5000; i += 5 {
				other = append(other, Point{i, pts[i].Value * 0.9})
			}
			series = []Series{{Label: "workspace", Points: pts}, {Label: "main", Points: other}}
		}
		p.Curves = append(p.Curves, Curve{Name: name, Series: series})
	}
	return p
}
