// Package classicpage renders the page of a DVC 2.1 `live` output: logs.html
// from logs/ and logs.json, byte for byte.
//
// Unlike the original it sorts the plots, whose order varied from run to run,
// and keeps a name or a text from ending the script it stands in.
package classicpage

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/params/pyjson"
)

// CDN is where the page gets its scripts from, as DVC 2.1's did.
const CDN = "https://cdn.jsdelivr.net/npm/"

// Render writes the page of the output called name: fsys holds the folder
// NAME with the histories and, unless the summary was turned off, NAME.json.
func Render(w io.Writer, fsys fs.FS, name string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, head, CDN)
	parts, err := table(fsys, name+".json")
	if err != nil {
		return err
	}
	files, err := histories(fsys, name)
	if err != nil {
		return err
	}
	for i, file := range files {
		spec, err := plot(fsys, file)
		if err != nil {
			return err
		}
		parts = append(parts, fmt.Sprintf(div, i, spec, i))
	}
	b.WriteString(strings.Join(parts, "\n"))
	b.WriteString("\n</body>\n</html>")
	_, err = b.WriteTo(w)
	return err
}

const head = `<!DOCTYPE html>
<html>
<head>
    <title>DVC Plot</title>
    <script src="%[1]svega@5.10.0"></script>
    <script src="%[1]svega-lite@4.8.1"></script>
    <script src="%[1]svega-embed@6.5.1"></script>
</head>
<body>
    `

const div = `<div id = "plot%d"></div>
<script type = "text/javascript">
    var spec = %s
;
    vegaEmbed('#plot%d', spec);
</script>`

// histories lists the TSV files below the folder, sorted.
func histories(fsys fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err == nil && !d.IsDir() && strings.HasSuffix(p, ".tsv"):
			files = append(files, p)
		}
		return err
	})
	slices.Sort(files)
	return files, err
}

// plot makes the Vega-Lite object of one history: its last column by step.
func plot(fsys fs.FS, file string) (string, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return "", err
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = '\t', true, -1
	rows, err := r.ReadAll()
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	if len(rows) == 0 {
		return "", fmt.Errorf("%s: no header", file)
	}
	columns := rows[0]
	points := make([]any, 0, len(rows)-1)
	for _, row := range rows[1:] {
		point := pyjson.NewMap("rev", "workspace")
		for i, cell := range row[:min(len(row), len(columns))] {
			point.Set(columns[i], cell)
		}
		points = append(points, point)
	}
	values, err := pyjson.Marshal(points, pyjson.Style{Indent: 4, SortKeys: true, ASCII: true})
	if err != nil {
		return "", err
	}
	y := string(pyjson.AppendString(nil, columns[len(columns)-1], true))
	spec := strings.NewReplacer("VALUES", string(values), "METRIC", y).Replace(template)
	return strings.ReplaceAll(spec, "</", `<\/`), nil
}

const template = `{
    "$schema": "https://vega.github.io/schema/vega-lite/v4.json",
    "data": {
        "values": VALUES
    },
    "title": "",
    "width": 300,
    "height": 300,
    "mark": {
        "type": "line"
    },
    "encoding": {
        "x": {
            "field": "step",
            "type": "quantitative",
            "title": "step"
        },
        "y": {
            "field": METRIC,
            "type": "quantitative",
            "title": METRIC,
            "scale": {
                "zero": false
            }
        },
        "color": {
            "field": "rev",
            "type": "nominal"
        }
    }
}`

// table renders the summary as one row, columns by name; no summary, no table.
func table(fsys fs.FS, file string) ([]string, error) {
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x, err := pyjson.Decode(file, data)
	if err != nil {
		return nil, err
	}
	summary, _ := metrics(x).(*pyjson.Map)
	if summary == nil {
		return nil, fmt.Errorf("%s: not a mapping", file)
	}
	values := make(map[string]any)
	var names []string
	for key, v := range summary.All() {
		name := pyjson.Str(key)
		values[name] = v
		names = append(names, name)
	}
	slices.Sort(names)
	var header, row strings.Builder
	for _, name := range names {
		text, right := cellText(values[name])
		width := max(utf8.RuneCountInString(name)+2, utf8.RuneCountInString(text))
		cell(&header, "th", width, right, name)
		cell(&row, "td", width, right, text)
	}
	return []string{
		"<table>\n<thead>\n<tr>" + header.String() + "</tr>\n</thead>\n<tbody>\n<tr>" +
			row.String() + "</tr>\n</tbody>\n</table>",
		"<br>",
	}, nil
}

// metrics drops from a summary what DVC takes for no metric: whatever is no
// number, no boolean and no mapping with some of these.
func metrics(x any) any {
	switch x := x.(type) {
	case bool, int64, *big.Int, float64:
		return x
	case *pyjson.Map:
		out := new(pyjson.Map)
		for key, v := range x.All() {
			kept := metrics(v)
			if m, ok := kept.(*pyjson.Map); kept == nil || ok && m.Len() == 0 {
				continue
			}
			out.Set(key, kept)
		}
		return out
	}
	return nil
}

// cell appends a cell, padded to its column's width.
func cell(b *strings.Builder, tag string, width int, right bool, text string) {
	pad := strings.Repeat(" ", width-utf8.RuneCountInString(text))
	text = escaper.Replace(text)
	if right {
		fmt.Fprintf(b, `<%[1]s style="text-align: right;">%s%s</%[1]s>`, tag, pad, text)
	} else {
		fmt.Fprintf(b, `<%[1]s>%s%s</%[1]s>`, tag, text, pad)
	}
}

// escaper is Python's html.escape.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;")

// cellText is the text of a value in the table, and whether it is aligned to
// the right, as numbers are. Floats have six significant digits.
func cellText(v any) (text string, right bool) {
	switch v := v.(type) {
	case float64:
		return formatG(v), true
	case int64, *big.Int:
		return pyjson.Str(v), true
	}
	return pyjson.Str(v), false
}

// formatG is Python's format(f, "g").
func formatG(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return pyjson.Str(f)
	}
	e := strconv.FormatFloat(f, 'e', 5, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil {
		return e
	}
	if exp < -4 || exp >= 6 {
		mantissa, rest, _ := strings.Cut(e, "e")
		return trimZeros(mantissa) + "e" + rest
	}
	return trimZeros(strconv.FormatFloat(f, 'f', 5-exp, 64))
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
