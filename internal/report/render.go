package report

import (
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/reprodl/reprodl/internal/pyjson"
)

// Render writes the page.
func (p *Page) Render(w io.Writer) error { return page.Execute(w, p) }

var page = template.Must(template.New("page").Funcs(template.FuncMap{"rows": rows, "line": line, "src": source}).Parse(`<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{{if .Reload}}<meta http-equiv="refresh" content="{{printf "%.0f" .Reload.Seconds}}">{{end}}
<title>{{.Title}}</title>
<style>
body { font-family: sans-serif; margin: 2em; }
td, th { padding: 2px 12px; text-align: left; }
svg { border: 1px solid #ccc; }
figure { display: inline-block; margin: 8px; }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{with .Params}}<h2>Parameters</h2><table>{{range rows .}}<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}</table>{{end}}
{{with .Summary}}<h2>Metrics</h2><table>{{range rows .}}<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}</table>{{end}}
{{range .Tables}}<h2>{{.Title}}</h2><table><tr>{{range .Header}}<th>{{.}}</th>{{end}}</tr>{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>{{end}}</table>{{end}}
{{range .Curves}}<figure><figcaption>{{.Name}}</figcaption><svg width="400" height="250" viewBox="0 0 400 250">{{range .Series}}<polyline fill="none" stroke="#945dd6" points="{{line .Points}}"/>{{end}}</svg></figure>{{end}}
{{range .Images}}<figure><figcaption>{{.Name}}</figcaption><img src="{{src .}}"></figure>{{end}}
</body>
</html>
`))

func rows(m *pyjson.Map) [][2]string { return flatten(nil, "", m) }

func flatten(out [][2]string, prefix string, m *pyjson.Map) [][2]string {
	for key, v := range m.All() {
		name := prefix + pyjson.Str(key)
		if nested, ok := v.(*pyjson.Map); ok {
			out = flatten(out, name+".", nested)
		} else {
			out = append(out, [2]string{name, pyjson.Str(v)})
		}
	}
	return out
}

// line maps the finite points onto the plane of the picture.
func line(points []Point) string {
	low, high := math.Inf(1), math.Inf(-1)
	var good []Point
	for _, p := range points {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			good = append(good, p)
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	var b strings.Builder
	for _, p := range good {
		first, last := good[0].Step, good[len(good)-1].Step
		x := 400 * float64(p.Step-first) / float64(max(last-first, 1))
		y := 250 * (1 - (p.Value-low)/max(high-low, 1e-300))
		fmt.Fprintf(&b, "%.1f,%.1f ", x, y)
	}
	return b.String()
}

func source(img Image) template.URL {
	return template.URL("data:" + img.Type + ";base64," + base64.StdEncoding.EncodeToString(img.Data))
}
