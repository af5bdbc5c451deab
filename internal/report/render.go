package report

import (
	"bufio"
	"embed"
	"html"
	"io"
	"slices"
	"strings"
	"sync"
)

//go:embed assets
var assets embed.FS

// policy forbids the page every access to the network, whatever the data may
// hold; only itself may be framed, to follow a run.
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-src file: http: https:"

const body = `<header><h1 id="title"></h1><span class="badge" id="step" hidden></span><span class="badge" id="when" hidden></span>
<div class="tools"><span class="tools" id="curvetools" hidden><label>filter <input id="filter" type="search" size="14"></label>
<label>smoothing <input id="smooth" type="range" min="0" max="99" value="0"></label>
<button id="log" type="button" aria-pressed="false" title="logarithmic values">log</button></span>
<button id="theme" type="button" title="dark or light">◐</button></div></header>
<main id="main"><noscript>This page needs JavaScript to draw its charts.</noscript></main>
`

// frame is all of the page but its title and its data: what comes before these,
// and after.
var frame = sync.OnceValues(makeFrame)

func makeFrame() (head, tail string) {
	var style, script strings.Builder
	entries, err := assets.ReadDir("assets")
	if err != nil {
		panic(err) // embedded
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	read := func(name string) string {
		b, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // embedded
		}
		return string(b)
	}
	style.WriteString(read("uplot.min.css") + "\n" + read("page.css"))
	for _, name := range names {
		if strings.HasSuffix(name, ".js") && name != "uplot.min.js" {
			script.WriteString(strings.Replace(read(name), "\"use strict\";\n", "", 1))
		}
	}
	head = "</title>\n<style>" + style.String() + "</style>\n</head>\n<body>\n" + body + `<script id="data" type="application/json">`
	tail = "</script>\n<script>" + read("uplot.min.js") + "</script>\n<script>\"use strict\";\n" + script.String() + "</script>\n</body>\n</html>\n"
	return head, tail
}

// Render writes the page. Its size is about 90 KB and what the data needs: 15
// to 25 bytes for a point, four thirds of the bytes of images.
func (p *Page) Render(w io.Writer) error {
	head, tail := frame()
	b := bufio.NewWriterSize(w, 1<<16)
	b.WriteString("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" +
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
		"<meta http-equiv=\"Content-Security-Policy\" content=\"" + policy + "\">\n<title>")
	b.WriteString(html.EscapeString(p.Title))
	b.WriteString(head)
	enc := encoder{w: b}
	enc.page(p)
	b.WriteString(tail)
	return b.Flush()
}
