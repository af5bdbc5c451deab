// Package classicpage renders the page of a DVC 2.1 `live` output: logs.html
// from logs/ and logs.json, byte for byte.
//
// Unlike the original it sorts the plots, whose order varied from run to run,
// and keeps a name or a text from ending the script it stands in.
package classicpage

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/internal/pyjson"
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
	cells := make(map[string]string)
	if err := flatten(cells, "", data); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var names []string
	for name := range cells {
		names = append(names, name)
	}
	slices.Sort(names)
	var header, row strings.Builder
	for _, name := range names {
		width := max(utf8.RuneCountInString(name)+2, utf8.RuneCountInString(cells[name]))
		cell(&header, "th", width, name)
		cell(&row, "td", width, cells[name])
	}
	return []string{
		"<table>\n<thead>\n<tr>" + header.String() + "</tr>\n</thead>\n<tbody>\n<tr>" +
			row.String() + "</tr>\n</tbody>\n</table>",
		"<br>",
	}, nil
}

func cell(b *strings.Builder, tag string, width int, text string) {
	pad := strings.Repeat(" ", width-utf8.RuneCountInString(text))
	fmt.Fprintf(b, `<%[1]s style="text-align: right;">%s%s</%[1]s>`, tag, pad, html.EscapeString(text))
}

// flatten collects the values of a summary under dotted names. The bare words
// NaN, Infinity and -Infinity, which JSON lacks, are read as Python reads them.
func flatten(cells map[string]string, prefix string, data []byte) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(quoteNonFinite(data), &m); err != nil {
		return err
	}
	for name, raw := range m {
		raw = bytes.TrimSpace(raw)
		if len(raw) > 0 && raw[0] == '{' {
			if err := flatten(cells, prefix+name+".", raw); err != nil {
				return err
			}
			continue
		}
		cells[prefix+name] = cellText(string(raw))
	}
	return nil
}

// quoteNonFinite puts the three words, which stand outside of strings, into
// quotes.
func quoteNonFinite(data []byte) []byte {
	var out []byte
	inString := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString && c == '\\' && i+1 < len(data):
			out = append(out, c)
			i++
			c = data[i]
		case c == '"':
			inString = !inString
		case !inString:
			if word := nonFinite(data[i:]); word != "" {
				out = append(append(append(out, '"'), word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func nonFinite(data []byte) string {
	for _, word := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return word
		}
	}
	return ""
}

// cellText is the text of a JSON value in the table: floats with six
// significant digits, as Python's format "g".
func cellText(raw string) string {
	switch raw {
	case "true":
		return "True"
	case "false":
		return "False"
	case "null":
		return ""
	case `"NaN"`:
		return "nan"
	case `"Infinity"`:
		return "inf"
	case `"-Infinity"`:
		return "-inf"
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) == nil {
		return s
	}
	if !strings.ContainsAny(raw, ".eE") {
		return raw
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil {
		return raw
	}
	return formatG(f)
}

// formatG is Python's format(f, "g").
func formatG(f float64) string {
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
