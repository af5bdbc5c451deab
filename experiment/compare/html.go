package compare

import (
	"io"
	"time"

	"github.com/reprodl/reprodl/internal/report"
)

// WriteHTML writes the states as one self-contained page: the table, to sort
// and filter, parallel coordinates, and any metric over any parameter.
func WriteHTML(w io.Writer, title string, states []State, opts *TableOptions) error {
	o := TableOptions{}
	if opts != nil {
		o = *opts
	}
	// The page shows merged rows, which a CSV table has not.
	o.CSV = false
	t, err := Tabulate(states, &o)
	if err != nil {
		return err
	}
	m := t.merged()
	table := report.Table{Title: "Experiments", Header: m.headers(), Kinds: make([]string, len(m.Columns)),
		Missing: "-", Failed: "!"} // as the table has them
	for i, c := range m.Columns {
		table.Kinds[i] = map[string]string{"metrics": "metric", "params": "param"}[c.Kind]
	}
	for _, r := range m.Rows {
		table.Rows = append(table.Rows, r.Cells)
	}
	page := &report.Page{Title: title, Updated: time.Now(), Tables: []report.Table{table}}
	return page.Render(w)
}
