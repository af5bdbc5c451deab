package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/params/pyjson"
)

// chromium finds the browser, or skips the test.
func chromium(t *testing.T) string {
	t.Helper()
	names := []string{os.Getenv("REPRODL_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"}
	for _, name := range names {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" && names[0] != "" {
		t.Fatalf("REPRODL_CHROMIUM is %q, which is no program", names[0])
	}
	t.Skip("no Chromium: set REPRODL_CHROMIUM")
	return ""
}

// browse opens a file and returns what the arguments ask for, with everything
// that the page said on its console.
func browse(t *testing.T, file string, args ...string) (out, console string) {
	t.Helper()
	return browseAnd(t, file, nil, args...)
}

// watcher passes what is written on and calls once when it has seen mark.
type watcher struct {
	seen bytes.Buffer // not embedded: its ReadFrom would keep Write from being called
	mark string
	then func()
}

func (w *watcher) String() string { return w.seen.String() }

func (w *watcher) Write(b []byte) (int, error) {
	n, err := w.seen.Write(b)
	if w.then != nil && strings.Contains(w.String(), w.mark) {
		w.then()
		w.then = nil
	}
	return n, err
}

// browseAnd calls loaded when the page has said "page loaded" on its console.
func browseAnd(t *testing.T, file string, loaded func(), args ...string) (out, console string) {
	t.Helper()
	browser := chromium(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	args = append([]string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--enable-logging=stderr", "--user-data-dir=" + t.TempDir()}, args...)
	cmd := exec.CommandContext(ctx, browser, append(args, "file://"+file)...)
	var stdout bytes.Buffer
	stderr := &watcher{mark: "page loaded", then: loaded}
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	require.NoError(t, cmd.Run(), stderr.String())
	for line := range strings.Lines(stderr.String()) {
		if strings.Contains(line, "CONSOLE") && !strings.Contains(line, "page loaded") {
			console += line
		}
	}
	return stdout.String(), console
}

func writePage(t *testing.T, p *Page) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	var b bytes.Buffer
	require.NoError(t, p.Render(&b))
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o666))
	return path
}

// fullPage is samplePage with images, plots and tables.
func fullPage(t *testing.T) *Page {
	p := samplePage(false)
	for step := range 6 {
		img := image.NewNRGBA(image.Rect(0, 0, 96, 64))
		for y := range 64 {
			for x := range 96 {
				img.Set(x, y, color.NRGBA{uint8(x * 2), uint8(y * 4), uint8(step * 40), 255})
			}
		}
		var b bytes.Buffer
		require.NoError(t, png.Encode(&b, img))
		p.Images = append(p.Images, Image{Name: fmt.Sprintf("mel/%d.png", step*100), Data: b.Bytes()})
	}
	var confusion, roc, scatter, bars []*pyjson.Map
	for i := range 3000 {
		a, b := i%10, i%10
		if i%7 == 0 {
			b = (i / 7) % 10
		}
		confusion = append(confusion, pyjson.NewMap("actual", fmt.Sprintf("class %d", a), "predicted", fmt.Sprintf("class %d", b)))
	}
	for i := range 200 {
		x := float64(i) / 199
		roc = append(roc, pyjson.NewMap("fpr", x, "tpr", math.Pow(x, 0.2)))
		scatter = append(scatter, pyjson.NewMap("x", math.Sin(float64(i*i)), "y", math.Cos(float64(i*3)), "rev", []string{"workspace", "main"}[i%2]))
	}
	for i, name := range []string{"dog", "rain", "sea waves", "clock tick", "chainsaw"} {
		bars = append(bars, pyjson.NewMap("importance", float64(10-i)/3, "feature", name, "spread", float64(i)/7))
	}
	p.Plots = []Plot{
		{Name: "confusion_matrix", Template: "confusion", X: "actual", Y: []string{"predicted"}, Title: "Confusion Matrix", XLabel: "True Label", YLabel: "Predicted Label", Data: confusion},
		{Name: "normalized", Template: "confusion_normalized", X: "actual", Y: []string{"predicted"}, Data: confusion},
		{Name: "roc", Template: "simple", X: "fpr", Y: []string{"tpr"}, Title: "ROC", XLabel: "False Positive Rate", YLabel: "True Positive Rate", Data: roc},
		{Name: "scatter", Template: "scatter", X: "x", Y: []string{"y"}, Data: scatter},
		{Name: "importance", Template: "bar_horizontal_sorted", X: "importance", Y: []string{"feature"}, Data: bars},
		{Name: "empty", X: "x", Y: []string{"y"}},
	}
	for _, class := range []string{"dog", "rain", "siren"} {
		p.Images = append(p.Images, Image{Name: "clips/" + class + ".png", Data: p.Images[0].Data})
	}
	table := Table{Title: "Experiments", Header: []string{"Experiment", "Created", "val.acc", "train.loss", "lr", "seed", "batch_size", "model", "note</script>"},
		Kinds: []string{"", "", "metric", "metric", "param", "param", "param", "param", ""}, Missing: "-", Failed: "!"}
	for i := range 24 {
		lr := math.Pow(10, -1-float64(i%8)/2)
		table.Rows = append(table.Rows, []string{fmt.Sprintf("exp-%02d", i), "2026-11-23T12:00:00", fmt.Sprintf("%.4f", 0.9-math.Abs(math.Log10(lr)+2.5)*0.1+float64(i%3)*0.01),
			fmt.Sprintf("%.4f", 0.1+float64(i%5)*0.03), fmt.Sprintf("%.3g", lr), "42", fmt.Sprint(16 << (i % 3)), []string{"AudioNet", "ResNet"}[i%2], "<i>"})
	}
	table.Rows = append(table.Rows, []string{"broken", "-", "!", "!", "0.1", "42", "16", "AudioNet", ""})
	p.Tables = []Table{table}
	return p
}

func TestBrowserShowsEverything(t *testing.T) {
	path := writePage(t, fullPage(t))
	dom, console := browse(t, path, "--virtual-time-budget=4000", "--window-size=1400,2600", "--dump-dom")
	assert.Empty(t, console)
	assert.Contains(t, dom, `data-ready="1"`)
	assert.Contains(t, dom, "<canvas", "curves are drawn")
	for _, s := range []string{`class="gallery"`, `alt="siren"`, "spread", `class="failed">failed</span>`, "param · constant", "or failed: broken<", "train.lr", "class 3", "exp-07", "step 500", "0.9871", "Parallel coordinates", "&lt;/script&gt;&lt;b&gt;evil", "sea waves", "no data"} {
		assert.Contains(t, dom, s)
	}
	if dir := os.Getenv("REPRODL_SCREENSHOTS"); dir != "" {
		require.NoError(t, os.MkdirAll(dir, 0o777))
		browse(t, path, "--virtual-time-budget=4000", "--window-size=1400,4700", "--screenshot="+filepath.Join(dir, "light.png"))
		browse(t, path, "--virtual-time-budget=4000", "--window-size=1400,2700", "--blink-settings=preferredColorScheme=0", "--screenshot="+filepath.Join(dir, "dark.png"))
		browse(t, path, "--virtual-time-budget=4000", "--window-size=500,1600", "--screenshot="+filepath.Join(dir, "narrow.png"))
	}
}

// TestBrowserFits: on a phone and on a desk, by day and by night, nothing but
// the boxes that scroll is wider than the window.
func TestBrowserFits(t *testing.T) {
	path := writePage(t, fullPage(t))
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`<script>setTimeout(() => {
  const say = (name, v) => document.documentElement.setAttribute("data-" + name, v);
  say("over", document.documentElement.scrollWidth - document.documentElement.clientWidth);
  say("small", [...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width < 0.6).length);
  say("tools", getComputedStyle(document.getElementById("curvetools")).display !== "none");
}, 1500)</script>`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, width := range []string{"400", "1400"} {
		for theme, setting := range map[string]string{"light": "1", "dark": "0"} {
			dom, console := browse(t, path, "--virtual-time-budget=4000", "--window-size="+width+",1200", "--blink-settings=preferredColorScheme="+setting, "--dump-dom")
			assert.Empty(t, console)
			head := dom[:min(len(dom), 1000)]
			for _, want := range []string{`data-theme="` + theme + `"`, `data-over="0"`, `data-small="0"`, `data-tools="true"`} {
				assert.Contains(t, head, want, "%s, %s", width, theme)
			}
		}
	}
}

// TestBrowserHidesTools: a page without curves has nothing to smooth.
func TestBrowserHidesTools(t *testing.T) {
	page := &Page{Title: "table", Tables: fullPage(t).Tables}
	path := writePage(t, page)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`<script>document.documentElement.setAttribute("data-tools", getComputedStyle(document.getElementById("curvetools")).display)</script>`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	dom, console := browse(t, path, "--virtual-time-budget=2000", "--window-size=1400,1200", "--dump-dom")
	assert.Empty(t, console)
	assert.Contains(t, dom[:min(len(dom), 1000)], `data-tools="none"`)
}

func TestBrowserFollowsRun(t *testing.T) {
	chromium(t)
	p := samplePage(true)
	path := writePage(t, p)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`<script>if (window === top) console.log("page loaded");</script>`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	replace := func() { // the run goes on and ends
		next := samplePage(false)
		next.Step, next.Updated = 5012, p.Updated.Add(time.Minute)
		var b bytes.Buffer
		assert.NoError(t, next.Render(&b))
		assert.NoError(t, atomicfile.WriteFile(path, b.Bytes(), nil))
	}
	dom, console := browseAnd(t, path, replace, "--virtual-time-budget=30000", "--window-size=1200,900", "--dump-dom")
	assert.Empty(t, console)
	assert.Contains(t, dom, "data-updates=", "the page took over the data of its successors")
	assert.Contains(t, dom, ">step 5012<", "the last page is shown")
	assert.Equal(t, 1, strings.Count(dom, "<main"), "the frame is gone")
	assert.NotContains(t, dom, "<iframe")
}

func TestBrowserManyMetrics(t *testing.T) {
	p := &Page{Title: "many"}
	for m := range 100 {
		points := make([]Point, 20_000)
		for i := range points {
			points[i] = Point{i * 5, math.Sin(float64(i)/300) + float64(m)}
		}
		p.Curves = append(p.Curves, Curve{Name: fmt.Sprintf("group%d/metric%02d", m/10, m), Series: []Series{{Points: points, Count: 100_000}}})
	}
	path := writePage(t, p)
	dom, console := browse(t, path, "--virtual-time-budget=5000", "--window-size=1400,1200", "--dump-dom")
	assert.Empty(t, console)
	assert.Contains(t, dom, "metric99")
	assert.Less(t, strings.Count(dom, "<canvas"), 60, "charts out of sight are not made")
	if dir := os.Getenv("REPRODL_SCREENSHOTS"); dir != "" {
		browse(t, path, "--virtual-time-budget=4000", "--window-size=1400,1200", "--screenshot="+filepath.Join(dir, "many.png"))
	}
}

// TestBrowserInteractions does what a person does with the page.
func TestBrowserInteractions(t *testing.T) {
	path := writePage(t, fullPage(t))
	script := `<script>
const say = (name, v) => document.documentElement.setAttribute("data-" + name, v);
setTimeout(() => {
  const set = (el, v) => { el.value = v; el.dispatchEvent(new Event("input")); };
  set(document.getElementById("smooth"), 60);
  say("smooth", [...charts.values()].find(c => c.plot).plot.series.length);
  document.getElementById("log").click();
  say("log", [...charts.values()].find(c => c.plot).plot.scales.y.distr);
  set(document.getElementById("filter"), "val/");
  say("filtered", [...charts.values()].filter(c => !c.card.hidden).length);
  const search = document.querySelector("main input[type=search]");
  set(search, "lr<0.001 resnet");
  say("rows", document.querySelectorAll("main tbody tr td.num:first-of-type, main table:not(.wrap) tbody tr").length);
  set(search, "");
  const head = [...document.querySelectorAll("th.sort")].find(h => h.textContent.startsWith("val.acc"));
  head.click(); head.click();
  say("best", document.querySelector("main table:not(.wrap) tbody tr td").textContent);
  document.querySelector("main table:not(.wrap) tbody tr").click();
  say("chosen", document.querySelectorAll("tr.on").length);
  const slider = document.querySelector(".slide input");
  set(slider, 1);
  say("slide", document.querySelector(".slide span").textContent);
  document.getElementById("theme").click();
  document.getElementById("theme").click();
  say("slide-kept", document.querySelector(".slide span").textContent);
  document.querySelector("details summary").click();
  for (const el of document.querySelectorAll("svg")) el.dispatchEvent(new MouseEvent("mousemove", { clientX: 300, clientY: 100, bubbles: true }));
  const u = [...charts.values()].find(c => c.plot);
  u.plot.setCursor({ left: 50, top: 50 });
  say("hover", u.legend.textContent);
}, 1000);
setTimeout(() => { // an update keeps what is folded and where the page stands
  scrollTo(0, 500);
  render(JSON.parse(text));
  say("scroll", scrollY);
  say("folded", document.querySelectorAll("details:not([open])").length);
}, 2000);
</script>`
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(script)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	dom, console := browse(t, path, "--virtual-time-budget=5000", "--window-size=1400,1200", "--dump-dom")
	assert.Empty(t, console)
	for _, want := range []string{`data-smooth="3"`, `data-log="3"`, `data-filtered="2"`, `data-rows="6"`, `data-best="exp-11"`,
		`data-chosen="1"`, `data-slide="step 100"`, `data-slide-kept="step 100"`, `data-scroll="500"`, `data-folded="1"`, `data-hover="step `} {
		assert.Contains(t, dom[:min(len(dom), 1000)], want)
	}
}
