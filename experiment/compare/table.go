package compare

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/params/pyjson"
)

// TableOptions choose and order the columns and rows of a [Table]. Nil means
// the zero TableOptions.
type TableOptions struct {
	CSV         bool // full precision, ISO times, empty instead of "-"
	Precision   int  // significant digits of floats; 0 is 5, or all with CSV
	OnlyChanged bool // leave out columns that are the same in all rows
	Drop, Keep  []string
	SortBy      string // [file:]name of a metric or parameter
	Descending  bool
}

// Table is what `dvc exp show` prints: a row for each state.
type Table struct {
	Columns []Column
	Rows    []Row
}

// Column is a column of a Table.
type Column struct {
	Name string
	Kind string // "metrics", "params", "deps", or "" for one about the experiment
}

// Row is a row of a Table; Cells has one text for each column.
type Row struct {
	Cells    []string
	Baseline bool
}

// fixedColumns are DVC's, in its order; typ tells baseline, branch_commit and, for
// the last experiment of a baseline, branch_base.
var fixedColumns = []string{"Experiment", "rev", "typ", "Created", "parent", "State", "Executor"}

// names are the leaves of each file, in order of appearance.
type names struct {
	files  []string
	leaves map[string][]string
	seen   map[[2]string]bool
}

// add notes a leaf, or with "" the file alone.
func (n *names) add(file, leaf string) {
	if n.leaves == nil {
		n.leaves, n.seen = map[string][]string{}, map[[2]string]bool{}
	}
	if _, ok := n.leaves[file]; !ok {
		n.files = append(n.files, file)
		n.leaves[file] = nil
	}
	if leaf != "" && !n.seen[[2]string{file, leaf}] {
		n.seen[[2]string{file, leaf}] = true
		n.leaves[file] = append(n.leaves[file], leaf)
	}
}

// collect notes the leaves of files. One that is a single value has none and
// makes no column; one that cannot be read is noted, but has no leaves either.
func (n *names) collect(files []FileValues) {
	for _, f := range files {
		if _, ok := f.Value.(*pyjson.Map); ok || f.Err != nil {
			n.add(f.Path, "")
		}
		for leaf := range leaves(f.Value) {
			n.add(f.Path, leaf)
		}
	}
}

// tabulator fills rows.
// tabulator fills rows: names and deps are of all states together, column maps a
// name to its place, fill stands for what a state does not have.
type tabulator struct {
	opts            TableOptions
	fill            string
	metrics, params names
	deps            []string
	column          map[string]int
	today           string
}

// Tabulate lays the states out as DVC does. An unknown or ambiguous SortBy is a
// [*ColumnError], a malformed pattern an error too.
func Tabulate(states []State, opts *TableOptions) (*Table, error) {
	t := &tabulator{fill: "-", today: time.Now().Format(time.DateOnly)}
	if opts != nil {
		t.opts = *opts
	}
	if t.opts.CSV {
		// All digits, unless told otherwise, and nothing for what is missing.
		t.fill = ""
	} else {
		// Only CSV has a choice of digits, as in DVC.
		t.opts.Precision = 5
	}
	keep, err := patterns(t.opts.Keep)
	if err != nil {
		return nil, err
	}
	drop, err := patterns(t.opts.Drop)
	if err != nil {
		return nil, err
	}
	// The columns must be known in full before the first row is filled.
	t.gather(states)
	table, err := t.build(states)
	if err != nil {
		return nil, err
	}
	table.choose(t.fill, t.opts, keep, drop)
	return table, nil
}

// patterns joins regular expressions that match at the start of a name.
func patterns(list []string) (*regexp.Regexp, error) {
	if len(list) == 0 {
		return nil, nil
	}
	re, err := regexp.Compile("^(?:" + strings.Join(list, "|") + ")")
	if err != nil {
		return nil, fmt.Errorf("column pattern: %w", err)
	}
	return re, nil
}

// gather collects the names of all columns, in order of appearance over the
// states; dependencies, which DVC keeps in a set, are sorted.
func (t *tabulator) gather(states []State) {
	deps := map[string]bool{}
	for s := range every(states) {
		if s.Data == nil {
			continue
		}
		t.metrics.collect(s.Data.Metrics())
		t.params.collect(s.Data.Params())
		for _, d := range s.Data.Deps() {
			deps[d.Path] = true
		}
	}
	t.deps = slices.Sorted(maps.Keys(deps))
}

// every ranges over baselines and experiments, each baseline before its own.
func every(states []State) iter.Seq[*State] {
	return func(yield func(*State) bool) {
		for i := range states {
			if !yield(&states[i]) {
				return
			}
			for _, x := range states[i].Experiments {
				if !yield(x.State) {
					return
				}
			}
		}
	}
}

// build makes the columns and the rows. A leaf has its plain name if no other
// file, and no fixed column, has one like it; else FILE:NAME.
func (t *tabulator) build(states []State) (*Table, error) {
	count := map[string]int{}
	for _, n := range []*names{&t.metrics, &t.params} {
		for _, leaves := range n.leaves {
			for _, leaf := range leaves {
				count[leaf]++
			}
		}
	}
	// A file with both metrics and parameters counts once, as in DVC.
	for _, f := range t.metrics.files {
		if _, both := t.params.leaves[f]; both {
			for _, leaf := range t.metrics.leaves[f] {
				count[leaf]--
			}
		}
	}
	for _, h := range fixedColumns {
		count[h]++
	}
	table := &Table{}
	t.column = map[string]int{}
	// Two columns of one name become one, as they are one key in DVC.
	add := func(name, kind string) {
		if _, ok := t.column[name]; !ok {
			t.column[name] = len(table.Columns)
			table.Columns = append(table.Columns, Column{name, kind})
		}
	}
	for _, h := range fixedColumns {
		add(h, "")
	}
	// Metrics come before parameters, each in order of appearance.
	header := func(n *names, kind string) {
		for _, f := range n.files {
			for _, leaf := range n.leaves[f] {
				if count[leaf] == 1 {
					add(leaf, kind)
				} else {
					add(f+":"+leaf, kind)
				}
			}
		}
	}
	header(&t.metrics, "metrics")
	header(&t.params, "params")
	for _, d := range t.deps {
		add(d, "deps")
	}
	for i := range states {
		b := &states[i]
		rev := b.Rev
		if b.Name != "" {
			rev = b.Name
		} else if rev != experiment.Workspace {
			rev = short(rev)
		}
		row := t.row(b, "", rev, "baseline")
		// CSV stays as DVC has it, which knows no orphans.
		if b.Orphan && !t.opts.CSV {
			row[t.column["parent"]] = "orphaned"
		}
		table.Rows = append(table.Rows, Row{row, true})
		list, err := t.sorted(b.Experiments)
		if err != nil {
			return nil, err
		}
		for j, x := range list {
			typ := "branch_commit"
			if j == len(list)-1 {
				typ = "branch_base"
			}
			row := t.row(x.State, x.State.Name, short(x.State.Rev), typ)
			if e := x.Executor; e != nil {
				row[t.column["State"]] = capitalize(e.State)
				if e.Name != "" {
					row[t.column["Executor"]] = capitalize(e.Name)
				}
			}
			table.Rows = append(table.Rows, Row{row, false})
		}
	}
	return table, nil
}

// short is a commit id as DVC abbreviates it, always to 7 digits.
func short(rev string) string {
	if rev == experiment.Workspace {
		return rev
	}
	return rev[:min(7, len(rev))]
}

// capitalize is Python's: the rest becomes lower case.
func capitalize(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}

// row fills one row. A state that could not be collected has its names alone.
func (t *tabulator) row(s *State, experiment, rev, typ string) []string {
	row := make([]string, len(t.column))
	for i := range row {
		row[i] = t.fill
	}
	row[t.column["Experiment"]], row[t.column["rev"]] = experiment, rev
	row[t.column["typ"]], row[t.column["parent"]] = typ, ""
	if s.Data == nil {
		return row
	}
	row[t.column["Created"]] = t.created(s.Data.Time)
	t.cells(row, s.Data.Metrics(), &t.metrics)
	t.cells(row, s.Data.Params(), &t.params)
	for _, d := range s.Data.Deps() {
		if d.Hash != "" {
			row[t.column[d.Path]] = d.Hash
		}
	}
	return row
}

// cells fills in the values of params or metrics. A null is shown as what is
// missing, as DVC does; "!" is a file that could not be read.
func (t *tabulator) cells(row []string, files []FileValues, n *names) {
	for _, f := range files {
		have := map[string]any{}
		for leaf, v := range leaves(f.Value) {
			have[leaf] = v
		}
		for _, leaf := range n.leaves[f.Path] {
			text := t.fill
			if v := have[leaf]; v != nil {
				text = formatCell(v, t.opts.Precision)
			} else if f.Err != nil {
				text = "!"
			}
			// Only one of the two names is a column, as build decided.
			i, ok := t.column[f.Path+":"+leaf]
			if !ok {
				i = t.column[leaf]
			}
			row[i] = text
		}
	}
}

// created is the time of the commit in local time: the hour if it was today,
// else the date. CSV has the ISO form without a zone.
func (t *tabulator) created(when time.Time) string {
	when = when.Local()
	switch {
	case when.IsZero():
		return t.fill
	case t.opts.CSV:
		return when.Format("2006-01-02T15:04:05")
	case when.Format(time.DateOnly) == t.today:
		return when.Format("03:04 PM")
	}
	return when.Format("Jan 02, 2006")
}

// choose leaves out columns.
func (t *Table) choose(fill string, opts TableOptions, keep, drop *regexp.Regexp) {
	var out []int
	for i, c := range t.Columns {
		// Cells are compared as they are shown: what differs only in digits that
		// are rounded away is the same.
		first, same, empty := "", true, true
		for j, r := range t.Rows {
			if j == 0 {
				first = r.Cells[i]
			}
			same = same && r.Cells[i] == first
			empty = empty && r.Cells[i] == fill
		}
		// The first column will have what the three below say, too.
		if c.Name == "Experiment" && !opts.CSV {
			same = len(t.Rows) == 1
		}
		// Keep outweighs every reason to leave a column out.
		protected := keep != nil && keep.MatchString(c.Name)
		// These three are still needed, to be drawn into the first column.
		merged := !opts.CSV && (c.Name == "rev" || c.Name == "typ" || c.Name == "parent")
		unneeded := empty && (c.Name == "State" || c.Name == "Executor") ||
			opts.OnlyChanged && same && len(t.Rows) > 0 && !merged ||
			drop != nil && drop.MatchString(c.Name) && !merged
		if protected || !unneeded {
			out = append(out, i)
		}
	}
	t.keepColumns(out)
}

// keepColumns leaves the columns at idx, in that order.
func (t *Table) keepColumns(idx []int) {
	cols := make([]Column, len(idx))
	for j, i := range idx {
		cols[j] = t.Columns[i]
	}
	t.Columns = cols
	for k := range t.Rows {
		cells := make([]string, len(idx))
		for j, i := range idx {
			cells[j] = t.Rows[k].Cells[i]
		}
		t.Rows[k].Cells = cells
	}
}
