package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// plainTable lays out rows as dvc does: columns two blanks apart, and at least
// two wider than their headers; no blanks at the ends of lines.
func plainTable(headers []string, rows [][]string) string {
	width := columnWidths(headers, rows)
	var b strings.Builder
	line := func(cells []string) {
		var l strings.Builder
		for i, c := range cells {
			if i > 0 {
				l.WriteString("  ")
			}
			l.WriteString(pad(c, width[i]))
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	if headers != nil {
		line(headers)
	}
	for _, r := range rows {
		line(r)
	}
	return b.String()
}

// markdownTable is the table as GitHub's Markdown; an empty line follows.
func markdownTable(headers []string, rows [][]string) string {
	width := columnWidths(headers, rows)
	var b strings.Builder
	line := func(cells []string) {
		for i, c := range cells {
			b.WriteString("| " + pad(c, width[i]) + " ")
		}
		b.WriteString("|\n")
	}
	line(headers)
	for _, w := range width {
		b.WriteString("|" + strings.Repeat("-", w+2))
	}
	b.WriteString("|\n")
	for _, r := range rows {
		line(r)
	}
	return b.String() + "\n"
}

// columnWidths counts characters, not bytes. Rows may be longer than the headers,
// which are absent in a list.
func columnWidths(headers []string, rows [][]string) []int {
	var width []int
	for _, h := range headers {
		width = append(width, utf8.RuneCountInString(h)+2)
	}
	for _, r := range rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(strings.TrimSpace(c)))
		}
	}
	return width
}

// pad trims a cell, as tabulate does, and fills it up.
func pad(s string, width int) string {
	s = strings.TrimSpace(s)
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// renderTable is the table in one of the two forms.
func renderTable(markdown bool, headers []string, rows [][]string) string {
	if markdown {
		return markdownTable(headers, rows)
	}
	return plainTable(headers, rows)
}

// fieldText is a value as dvc's tables show it: floats rounded to precision
// digits after the point, unless that is 0.
func fieldText(x any, precision int) string {
	return pyjson.Str(rounded(x, precision))
}

// rounded goes into lists and mappings; a rounded float stays a float.
func rounded(x any, precision int) any {
	switch x := x.(type) {
	case float64:
		if precision <= 0 {
			return x
		}
		if r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', precision, 64), 64); err == nil {
			return r
		}
	case []any:
		all := make([]any, len(x))
		for i, item := range x {
			all[i] = rounded(item, precision)
		}
		return all
	case *params.Map:
		m := &params.Map{}
		for k, item := range x.All() {
			m.Set(k, rounded(item, precision))
		}
		return m
	}
	return x
}

// jsonLine is x as dvc prints JSON: on one line, ASCII only.
func jsonLine(x any) (string, error) {
	text, err := pyjson.Marshal(x, pyjson.Style{ASCII: true})
	return string(text) + "\n", err
}

// errored is the line dvc prints, with -q too, when values of some revisions
// cannot be read.
func (a *app) errored(revs []string) {
	if len(revs) > 0 {
		fmt.Fprintf(a.msg, "DVC failed to load some metrics for following revisions: '%s'.\n", strings.Join(revs, ", "))
	}
}

// dropColumn leaves out the column of that name, which must be there.
func dropColumn(headers []string, rows [][]string, name string) ([]string, [][]string) {
	i := slices.Index(headers, name)
	headers = slices.Delete(slices.Clone(headers), i, i+1)
	for n := range rows {
		rows[n] = slices.Delete(slices.Clone(rows[n]), i, i+1)
	}
	return headers, rows
}
