package compare

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// AppendCSV appends the table as Python's csv module writes it: lines end in
// CR LF, and quotes only where they are needed.
func (t *Table) AppendCSV(dst []byte) []byte {
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				dst = append(dst, ',')
			}
			if strings.ContainsAny(c, ",\"\r\n") {
				c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
			}
			dst = append(dst, c...)
		}
		dst = append(dst, "\r\n"...)
	}
	line(t.headers())
	for _, r := range t.Rows {
		if len(r.Cells) > 0 {
			line(r.Cells)
		}
	}
	return dst
}

// headers are the names of the columns, as rows have their cells.
func (t *Table) headers() []string {
	list := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		list[i] = c.Name
	}
	return list
}

// merged returns the table with rev, typ and parent drawn into the first
// column as a tree.
func (t *Table) merged() *Table {
	at := map[string]int{}
	var keep []int
	for i, c := range t.Columns {
		at[c.Name] = i
		if c.Name != "rev" && c.Name != "typ" && c.Name != "parent" {
			keep = append(keep, i)
		}
	}
	// The name may have been dropped, or left out as the same in all rows; the
	// other three are still there, as choose spares them unless it is for CSV.
	first, ok := at["Experiment"]
	if !ok {
		first = -1
	}
	out := &Table{Columns: t.Columns}
	for _, r := range t.Rows {
		cells := slices.Clone(r.Cells)
		name, rev, typ, parent := "", cells[at["rev"]], cells[at["typ"]], cells[at["parent"]]
		if first >= 0 {
			name = cells[first]
		}
		// A baseline is its name or, without one, its short id; an experiment is
		// its short id with the name in brackets.
		text := rev
		switch {
		case typ == "baseline" && name != "":
			text = name
		case name != "":
			text = rev + " [" + name + "]"
		}
		if parent != "" {
			text += " (" + parent + ")"
		}
		text = map[string]string{"branch_commit": "├── ", "branch_base": "└── "}[typ] + text
		// Without the column the text has no place.
		if first >= 0 {
			cells[first] = text
		}
		out.Rows = append(out.Rows, Row{cells, r.Baseline})
	}
	out.keepColumns(keep)
	return out
}

// AppendMarkdown appends the table in GitHub's Markdown, ending in an empty
// line as DVC's does.
func (t *Table) AppendMarkdown(dst []byte) []byte {
	m := t.merged()
	if len(m.Columns) == 0 {
		return append(dst, "\n\n"...)
	}
	rows := [][]string{}
	for _, r := range m.Rows {
		rows = append(rows, r.Cells)
	}
	return append(appendGrid(dst, m.headers(), rows, true), '\n')
}

// appendGrid lays cells out as the Python package tabulate does: left-aligned,
// each column at least two wider than its header.
func appendGrid(dst []byte, headers []string, rows [][]string, markdown bool) []byte {
	widths := make([]int, len(headers))
	for i, h := range headers {
		// Widths are in terminal cells: a Chinese character has two.
		widths[i] = runewidth.StringWidth(h) + 2
		for _, r := range rows {
			widths[i] = max(widths[i], runewidth.StringWidth(r[i]))
		}
	}
	line := func(cells []string) {
		var b strings.Builder
		for i, c := range cells {
			if markdown {
				b.WriteString("| ")
			} else if i > 0 {
				b.WriteString("  ")
			}
			b.WriteString(runewidth.FillRight(c, widths[i]))
			if markdown {
				b.WriteByte(' ')
			}
		}
		if markdown {
			b.WriteByte('|')
		}
		// Neither the last column nor an empty one leaves blanks behind.
		dst = append(dst, strings.TrimRight(b.String(), " ")...)
		dst = append(dst, '\n')
	}
	line(headers)
	if markdown {
		for _, w := range widths {
			dst = append(dst, '|')
			dst = append(dst, strings.Repeat("-", w+2)...)
		}
		dst = append(dst, "|\n"...)
	}
	for _, r := range rows {
		line(r)
	}
	return dst
}

// visible writes control characters as Python's repr does: a terminal obeys
// them, and cells come from other people's repositories.
func visible(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// AppendText appends the table for a terminal, in DVC's frame; color adds its
// colours, and makes control characters in cells visible.
func (t *Table) AppendText(dst []byte, color bool) []byte {
	m := t.merged()
	if len(m.Columns) == 0 || len(m.Rows) == 0 {
		return dst // no frame around nothing
	}
	if color {
		m.Columns = slices.Clone(m.Columns)
		for i := range m.Columns {
			m.Columns[i].Name = visible(m.Columns[i].Name)
		}
		for _, r := range m.Rows {
			for i, c := range r.Cells {
				r.Cells[i] = visible(c)
			}
		}
	}
	widths := make([]int, len(m.Columns))
	inner := -1
	for i, c := range m.Columns {
		widths[i] = runewidth.StringWidth(c.Name)
		for _, r := range m.Rows {
			widths[i] = max(widths[i], runewidth.StringWidth(r.Cells[i]))
		}
		inner += widths[i] + 3
	}
	// A rule spans the cells and the blanks between them: each column has its
	// width, a blank on both sides and one to the next, but for the last.
	rule := " " + strings.Repeat("─", max(0, inner)) + " \n"
	line := func(cells []string, style func(i int) string) {
		dst = append(dst, ' ')
		for i, c := range cells {
			if i > 0 {
				dst = append(dst, ' ')
			}
			// Numbers to the right; all else to the left.
			if m.Columns[i].Kind == "metrics" {
				c = runewidth.FillLeft(c, widths[i])
			} else {
				c = runewidth.FillRight(c, widths[i])
			}
			c = " " + c + " "
			if s := style(i); color && s != "" {
				c = s + c + "\x1b[0m"
			}
			dst = append(dst, c...)
		}
		dst = append(dst, " \n"...)
	}
	dst = append(dst, rule...)
	line(m.headers(), func(i int) string { return headerStyles[m.Columns[i].Kind] })
	dst = append(dst, rule...)
	for _, r := range m.Rows {
		line(r.Cells, func(int) string {
			if r.Baseline {
				return "\x1b[1m"
			}
			return ""
		})
	}
	return append(dst, rule...)
}

// headerStyles are rich's black on grey93, cornsilk1, light_cyan1 and plum2.
var headerStyles = map[string]string{
	"":        "\x1b[1;30;48;5;255m",
	"metrics": "\x1b[1;30;48;5;230m",
	"params":  "\x1b[1;30;48;5;195m",
	"deps":    "\x1b[1;30;48;5;183m",
}
