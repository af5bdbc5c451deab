package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// Bounds of what a plot shows: nobody sees more, and the browser need not
// draw it.
const (
	maxPlotPoints = 5000
	maxClasses    = 60
	maxBars       = 100
)

// line is a series of a plot: one field of one revision.
type line struct {
	label string
	x, y  []any
}

func (e *encoder) plot(p *Plot) {
	title := p.Title
	if title == "" {
		title = p.Name
	}
	e.raw(`{"title":`)
	e.text(title)
	switch {
	case strings.HasPrefix(p.Template, "confusion"):
		e.matrix(p)
	case strings.HasPrefix(p.Template, "bar_"):
		e.bars(p)
	case strings.HasPrefix(p.Template, "scatter"):
		e.lines(p, "scatter")
	default:
		e.lines(p, "line")
	}
	e.raw("}")
}

func (e *encoder) labels(p *Plot, y string) {
	x := p.XLabel
	if x == "" {
		x = p.X
	}
	if p.YLabel != "" {
		y = p.YLabel
	}
	e.raw(`,"xLabel":`)
	e.text(x)
	e.raw(`,"yLabel":`)
	e.text(y)
}

// value writes a number as a number and everything else as text. DVC's TSV
// data are texts throughout.
func (e *encoder) value(v any) {
	if f, ok := numeric(v); ok {
		e.number(f)
		return
	}
	if v == nil {
		e.raw("null")
		return
	}
	e.text(pyjson.Str(v))
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case bool:
		return 0, false
	case string:
		f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
		return f, err == nil
	}
	return pyjson.Number(v)
}

// fields are the names of the values to draw: those asked for, or the last
// field that is no revision.
func (p *Plot) fields() []string {
	if y := slices.DeleteFunc(slices.Clone(p.Y), func(s string) bool { return s == "" }); len(y) > 0 {
		return y
	}
	if len(p.Data) == 0 {
		return nil
	}
	for _, k := range slices.Backward(p.Data[0].Keys()) {
		if name := pyjson.Str(k); name != "rev" && name != p.X {
			return []string{name}
		}
	}
	return nil
}

func (e *encoder) lines(p *Plot, kind string) {
	fields := p.fields()
	var order []*line
	byLabel := map[string]*line{}
	for _, point := range p.Data {
		rev, _ := point.Get("rev")
		for _, field := range fields {
			y, ok := point.Get(field)
			if !ok {
				continue
			}
			label := field
			if rev != nil {
				label = pyjson.Str(rev)
				if len(fields) > 1 {
					label += " " + field
				}
			}
			l := byLabel[label]
			if l == nil {
				l = &line{label: label}
				byLabel[label] = l
				order = append(order, l)
			}
			var x any = int64(len(l.x))
			if p.X != "" {
				if v, ok := point.Get(p.X); ok {
					x = v
				}
			}
			l.x, l.y = append(l.x, x), append(l.y, y)
		}
	}
	e.raw(`,"kind":"` + kind + `"`)
	e.labels(p, strings.Join(fields, ", "))
	e.raw(`,"series":`)
	left := 0
	e.list(len(order), func(i int) {
		l := order[i]
		at := sample(l.y)
		left += len(l.y) - len(at)
		e.raw(`{"l":`)
		e.text(l.label)
		e.raw(`,"x":`)
		e.list(len(at), func(i int) { e.value(l.x[at[i]]) })
		e.raw(`,"y":`)
		e.list(len(at), func(i int) {
			f, ok := numeric(l.y[at[i]])
			if !ok {
				e.raw("null")
				return
			}
			e.number(f)
		})
		e.raw("}")
	})
	if left > 0 {
		e.raw(`,"note":`)
		e.text(strconv.Itoa(left) + " points between extremes are not drawn")
	}
}

// sample chooses the places of at most maxPlotPoints values, the extremes of
// each stretch among them.
func sample(values []any) []int {
	points := make([]Point, len(values))
	for i, v := range values {
		points[i].Step = i
		points[i].Value, _ = numeric(v)
	}
	if len(points) > maxPlotPoints {
		points = thin(points)
	}
	at := make([]int, len(points))
	for i, p := range points {
		at[i] = p.Step
	}
	return at
}

// matrix counts the pairs of actual and predicted classes.
func (e *encoder) matrix(p *Plot) {
	x, y := p.X, ""
	if len(p.Y) > 0 {
		y = p.Y[0]
	}
	if x == "" {
		x = "actual"
	}
	if y == "" {
		y = "predicted"
	}
	counts := map[[2]string]int64{}
	var classes []string
	seen := map[string]bool{}
	for _, point := range p.Data {
		a, okA := point.Get(x)
		b, okB := point.Get(y)
		if !okA || !okB {
			continue
		}
		pair := [2]string{pyjson.Str(a), pyjson.Str(b)}
		counts[pair]++
		for _, c := range pair {
			if !seen[c] {
				seen[c] = true
				classes = append(classes, c)
			}
		}
	}
	slices.SortFunc(classes, compareNaturally)
	shown := classes[:min(len(classes), maxClasses)]
	e.raw(`,"kind":"matrix","normalized":` + strconv.FormatBool(strings.Contains(p.Template, "normalized")))
	e.raw(`,"xLabel":`)
	e.text(firstOf(p.YLabel, y))
	e.raw(`,"yLabel":`)
	e.text(firstOf(p.XLabel, x))
	e.raw(`,"labels":`)
	e.list(len(shown), func(i int) { e.text(shown[i]) })
	e.raw(`,"columns":`)
	e.list(len(shown), func(i int) { e.text(shown[i]) })
	e.raw(`,"cells":`)
	e.list(len(shown), func(i int) {
		e.list(len(shown), func(j int) { e.integer(counts[[2]string{shown[i], shown[j]}]) })
	})
	if len(shown) < len(classes) {
		e.raw(`,"note":`)
		e.text("the first " + strconv.Itoa(len(shown)) + " of " + strconv.Itoa(len(classes)) + " classes")
	}
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func compareNaturally(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil && x != y {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// bars writes a horizontal bar a point: X is the value, Y the name. Further
// numbers of the points go along.
func (e *encoder) bars(p *Plot) {
	fields := p.fields()
	type bar struct {
		name  any
		value float64
		point *pyjson.Map
	}
	var bars []bar
	for i, point := range p.Data {
		v, _ := point.Get(p.X)
		f, ok := numeric(v)
		if !ok {
			continue
		}
		var name any = int64(i)
		if len(fields) > 0 {
			if n, ok := point.Get(fields[0]); ok {
				name = n
			}
		}
		bars = append(bars, bar{name, f, point})
	}
	if strings.HasSuffix(p.Template, "sorted") {
		slices.SortStableFunc(bars, func(a, b bar) int {
			return cmp.Compare(b.value, a.value)
		})
	}
	shown := bars[:min(len(bars), maxBars)]
	e.raw(`,"kind":"bar"`)
	e.labels(p, strings.Join(fields, ", "))
	e.raw(`,"series":[{"l":"","x":`)
	e.list(len(shown), func(i int) { e.number(shown[i].value) })
	e.raw(`,"y":`)
	e.list(len(shown), func(i int) { e.text(pyjson.Str(shown[i].name)) })
	e.raw("}]")
	if len(shown) > 0 {
		more := further(p, shown[0].point, fields)
		e.raw(`,"more":`)
		e.list(len(more), func(k int) {
			e.raw(`{"n":`)
			e.text(more[k])
			e.raw(`,"v":`)
			e.list(len(shown), func(i int) {
				v, _ := shown[i].point.Get(more[k])
				f, ok := numeric(v)
				if !ok {
					f = math.NaN()
				}
				e.number(f)
			})
			e.raw("}")
		})
	}
	if len(shown) < len(bars) {
		e.raw(`,"note":`)
		e.text("the first " + strconv.Itoa(len(shown)) + " of " + strconv.Itoa(len(bars)) + " bars")
	}
}

// maxFurther bounds the columns behind bars: more have no room.
const maxFurther = 4

// further names the numbers of a point that its bar doesn't show.
func further(p *Plot, point *pyjson.Map, fields []string) (names []string) {
	for k, v := range point.All() {
		name := pyjson.Str(k)
		if _, ok := v.(string); ok || name == p.X || name == "step" || slices.Contains(fields, name) {
			continue
		}
		if _, ok := numeric(v); ok && len(names) < maxFurther {
			names = append(names, name)
		}
	}
	return names
}
