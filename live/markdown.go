package live

import (
	"bytes"
	"cmp"
	"fmt"
	"math/big"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/report"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// markdown writes report.md and the images it shows: the structure of
// render_markdown of dvc-render, with which DVCLive makes it. The images lie
// where DVCLive puts them, drawn here as SVG, and the logged ones are named
// instead of embedded: GitHub and GitLab show no data: addresses.
func (l *Logger) markdown(p *report.Page) error {
	var b bytes.Buffer
	b.WriteString("# DVC Report\n")
	if p.Params.Len() > 0 {
		table(&b, "params.yaml", p.Params)
	}
	if p.Summary.Len() > 0 {
		table(&b, "metrics.json", p.Summary)
	}
	for _, c := range p.Curves {
		var points []xy
		// One line a metric, whatever the number of series.
		for _, s := range c.Series {
			for _, p := range s.Points {
				points = append(points, xy{float64(p.Step), p.Value})
			}
		}
		err := l.chart(&b, path.Join("static", c.Name), chart{c.Name, "step", path.Base(c.Name), points})
		if err != nil {
			return err
		}
	}
	for _, img := range p.Images {
		picture(&b, img.Name, "plots/images/"+img.Name)
	}
	for _, plot := range p.Plots {
		if c, ok := plotChart(plot); ok {
			if err := l.chart(&b, plot.Name, c); err != nil {
				return err
			}
		}
	}
	return atomicfile.WriteFile(l.abs("report.md"), b.Bytes(), nil)
}

// chart draws an image beside the report and puts it into the text.
func (l *Logger) chart(b *bytes.Buffer, name string, c chart) error {
	file, err := localFile(name + ".svg")
	if err != nil {
		return err
	}
	picture(b, name, file)
	return l.writeFile(file, c.svg())
}

// picture puts an image into the text; the path is escaped as part of an address.
func picture(b *bytes.Buffer, name, file string) {
	fmt.Fprintf(b, "\n![%s](%s)\n", escapeMarkdown(name), (&url.URL{Path: file}).EscapedPath())
}

// plotChart is the chart of a plot, if it is a line: DVCLive draws those of the
// linear template only, too.
func plotChart(p report.Plot) (chart, bool) {
	if p.Template != "linear" && p.Template != "" || len(p.Y) != 1 || len(p.Data) == 0 {
		return chart{}, false
	}
	c := chart{title: cmp.Or(p.Title, p.Name), xLabel: cmp.Or(p.XLabel, p.X), yLabel: cmp.Or(p.YLabel, p.Y[0])}
	for _, row := range p.Data {
		x, okX := row.Get(p.X)
		y, okY := row.Get(p.Y[0])
		atX, numberX := plotNumber(x)
		atY, numberY := plotNumber(y)
		// A line with gaps would say something else than the data.
		if !okX || !okY || !numberX || !numberY {
			return chart{}, false
		}
		c.points = append(c.points, xy{atX, atY})
	}
	return c, true
}

// plotNumber is a coordinate of a chart; integers beyond float64 become infinite.
func plotNumber(v any) (float64, bool) {
	if _, ok := v.(bool); ok {
		return 0, false
	}
	return pyjson.Number(v)
}

// table writes a mapping as a table of one row, as tabulate of Python does with
// the format "github": two blanks around what is wide, numbers to the right.
func table(b *bytes.Buffer, title string, m *ordered.Map) {
	fmt.Fprintf(b, "\n%s\n\n", title)
	var head, rule, row strings.Builder
	for name, v := range flatLeaves("", m) {
		text, number := cellText(v)
		width := max(utf8.RuneCountInString(name)+2, utf8.RuneCountInString(text))
		pad := func(s string) string {
			blanks := strings.Repeat(" ", width-utf8.RuneCountInString(s))
			if number {
				return blanks + s
			}
			return s + blanks
		}
		head.WriteString("| " + pad(name) + " ")
		rule.WriteString("|" + strings.Repeat("-", width+2))
		row.WriteString("| " + pad(text) + " ")
	}
	fmt.Fprintf(b, "%s|\n%s|\n%s|\n", head.String(), rule.String(), row.String())
}

// flatLeaves names nested values by their path.
func flatLeaves(prefix string, m *ordered.Map) func(func(string, any) bool) {
	return func(yield func(string, any) bool) {
		walkLeaves(prefix, m, yield)
	}
}

// walkLeaves is flatLeaves as a recursion; false means that yield wants no more.
func walkLeaves(prefix string, m *ordered.Map, yield func(string, any) bool) bool {
	for key, v := range m.All() {
		name := prefix + pyjson.Str(key)
		if nested, ok := v.(*ordered.Map); ok {
			if !walkLeaves(name+".", nested, yield) {
				return false
			}
			continue
		}
		if !yield(escapeMarkdown(name), v) {
			return false
		}
	}
	return true
}

// cellText is the text of a value; numbers have six digits, as tabulate's.
func cellText(v any) (text string, number bool) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', 6, 64), true
	case int64, *big.Int:
		return pyjson.Str(v), true
	}
	return escapeMarkdown(pyjson.Str(v)), false
}

// escapeMarkdown keeps a text in its cell: DVCLive leaves bars and line feeds,
// which break the table.
func escapeMarkdown(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' }), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", `\<`).Replace(s)
}
