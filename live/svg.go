package live

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
)

// chart is a line of points, drawn as an SVG: the images of the Markdown
// report. An image in a page cannot follow the page's colours, so it brings a
// white background along.
type chart struct {
	title, xLabel, yLabel string
	points                []xy
}

// xy is a point of a chart.
type xy struct{ x, y float64 }

// finite reports whether the point can be drawn. Beyond the largest value the
// length of an axis could overflow.
func (p xy) finite() bool {
	const largest = 1e300
	return math.Abs(p.x) <= largest && math.Abs(p.y) <= largest // not for NaN
}

// The size of a chart and of the margins around its axes, in pixels: that of
// matplotlib, with which DVCLive draws.
const (
	chartWidth, chartHeight         = 640, 480
	marginLeft, marginRight         = 80, 20
	marginTop, marginBottom         = 50, 55
	plotWidth                       = chartWidth - marginLeft - marginRight
	plotHeight                      = chartHeight - marginTop - marginBottom
	lineColour, gridColour, inkName = "#1f77b4", "#dddddd", "#222222"
)

// axis maps values to pixels.
type axis struct {
	low, high  float64
	from, size float64 // pixel of low, and the pixels up to high
}

// at is the pixel of a value; size is negative where pixels count downwards.
func (a axis) at(v float64) float64 { return a.from + (v-a.low)/(a.high-a.low)*a.size }

// newAxis leaves a twentieth free on both sides, and makes room around a
// constant.
func newAxis(low, high, from, size float64) axis {
	pad := (high - low) / 20
	if pad == 0 || math.IsInf(pad, 0) {
		pad = cmp.Or(math.Abs(low)/20, 1)
	}
	return axis{low - pad, high + pad, from, size}
}

// ticks are round numbers within the axis: 1, 2 or 5 times a power of ten
// apart, four to nine of them.
func (a axis) ticks() []float64 {
	step := math.Pow(10, math.Floor(math.Log10((a.high-a.low)/4)))
	for _, factor := range []float64{5, 2} {
		if step*factor <= (a.high-a.low)/4 {
			step *= factor
			break
		}
	}
	var out []float64
	for i := math.Ceil(a.low / step); i*step <= a.high && len(out) < 20; i++ {
		out = append(out, i*step)
	}
	return out
}

// svg draws the chart. Points that are no finite numbers break the line.
func (c chart) svg() []byte {
	low, high := xy{math.Inf(1), math.Inf(1)}, xy{math.Inf(-1), math.Inf(-1)}
	for _, p := range c.points {
		if p.finite() {
			low = xy{min(low.x, p.x), min(low.y, p.y)}
			high = xy{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="13" fill="%s">`+"\n",
		chartWidth, chartHeight, inkName)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", chartWidth, chartHeight)
	label(&b, chartWidth/2, 28, `text-anchor="middle" font-size="16"`, c.title)
	label(&b, marginLeft+plotWidth/2, chartHeight-12, `text-anchor="middle"`, c.xLabel)
	label(&b, 18, marginTop+plotHeight/2, fmt.Sprintf(`text-anchor="middle" transform="rotate(-90 18 %d)"`, marginTop+plotHeight/2), c.yLabel)
	// Without a finite point the frame stays empty.
	if low.finite() {
		x := newAxis(low.x, high.x, marginLeft, plotWidth)
		y := newAxis(low.y, high.y, marginTop+plotHeight, -plotHeight)
		grid(&b, x, y)
		c.line(&b, x, y)
	}
	fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="%s"/>`+"\n</svg>\n",
		marginLeft, marginTop, plotWidth, plotHeight, inkName)
	return b.Bytes()
}

// grid draws the ticks of both axes with their lines.
func grid(b *bytes.Buffer, x, y axis) {
	const end = marginTop + plotHeight
	for _, v := range x.ticks() {
		at := x.at(v)
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>`+"\n", at, marginTop, at, end, gridColour)
		label(b, int(math.Round(at)), end+18, `text-anchor="middle"`, tickText(v))
	}
	for _, v := range y.ticks() {
		at := y.at(v)
		fmt.Fprintf(b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="%s"/>`+"\n", marginLeft, at, marginLeft+plotWidth, at, gridColour)
		label(b, marginLeft-8, int(math.Round(at))+4, `text-anchor="end"`, tickText(v))
	}
}

// tickText is short: what the step between ticks leaves of rounding errors is
// not shown.
func tickText(v float64) string {
	f, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 6, 64), 64)
	return strconv.FormatFloat(f+0, 'g', -1, 64)
}

// line draws the points as one path; each M begins a new stretch of it.
func (c chart) line(b *bytes.Buffer, x, y axis) {
	move := true
	fmt.Fprintf(b, `<path fill="none" stroke="%s" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round" d="`, lineColour)
	for _, p := range c.points {
		if !p.finite() {
			move = true
			continue
		}
		command := 'L'
		if move {
			command, move = 'M', false
		}
		fmt.Fprintf(b, "%c%.1f %.1f", command, x.at(p.x), y.at(p.y))
		if command == 'M' { // a point that stays alone is a dot
			b.WriteString("h0")
		}
	}
	b.WriteString(`"/>` + "\n")
}

// label writes a text at a pixel; nothing for "".
func label(b *bytes.Buffer, x, y int, attributes, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" %s>`, x, y, attributes)
	_ = xml.EscapeText(b, []byte(text)) // a Buffer takes everything
	b.WriteString("</text>\n")
}
