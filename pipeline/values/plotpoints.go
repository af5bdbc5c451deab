package values

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/vega"
	"github.com/reprodl/reprodl/params"
)

// Names of fields that DVC makes up.
const (
	stepField = "step"
	anyX      = "dvc_inferred_x_value"
	anyY      = "dvc_inferred_y_value"
)

// axis lists the fields of x or y: {file: field} or {file: [fields]}.
func axis(x any) []vega.Source {
	m, _ := x.(*params.Map)
	var list []vega.Source
	for file, fields := range m.All() {
		switch f := fields.(type) {
		case string:
			list = append(list, vega.Source{File: fmt.Sprint(file), Field: f})
		case []any:
			for _, field := range f {
				list = append(list, vega.Source{File: fmt.Sprint(file), Field: fmt.Sprint(field)})
			}
		}
	}
	return list
}

// points turns the data files of a plot at one revision into rows.
type points struct {
	id    string // data file if y names none
	props *params.Map
	files map[string]any // content by data file
	order []string       // of the files
}

// fill completes x and y: a plain name means a field of the plot's own file, or
// of each file of y; without y it is the last field.
func (p *points) fill() (xs, ys []vega.Source, err error) {
	x, _ := p.props.Get("x")
	y, _ := p.props.Get("y")
	switch y := y.(type) {
	case nil:
		content, ok := p.files[p.id]
		if !ok {
			break
		}
		field, ok, err := lastField(content)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			ys = []vega.Source{{File: p.id, Field: field}}
		}
	case *params.Map:
		ys = axis(y)
	default:
		own := &params.Map{}
		own.Set(p.id, y)
		ys = axis(own)
	}
	name, ok := x.(string)
	if !ok {
		return axis(x), ys, nil
	}
	// A name for x with files for y: each file has its own column of that name.
	if isMap(y) {
		for _, s := range ys {
			xs = append(xs, vega.Source{File: s.File, Field: name})
		}
		return xs, ys, nil
	}
	return []vega.Source{{File: p.id, Field: name}}, ys, nil
}

// fieldsOf lists the different fields and the different files. Their number
// decides on labels and on the columns that DVC makes up, not the number of
// sources.
func fieldsOf(list []vega.Source) (fields, files []string) {
	for _, s := range list {
		if !slices.Contains(fields, s.Field) {
			fields = append(fields, s.Field)
		}
		if !slices.Contains(files, s.File) {
			files = append(files, s.File)
		}
	}
	return fields, files
}

// plot makes the rows of a revision, and all that a template wants to know.
func (p *points) plot(rev string) (*vega.Plot, error) {
	xs, ys, err := p.fill()
	if err != nil {
		return nil, err
	}
	rows := map[string][]*params.Map{}
	for _, file := range p.order {
		if rows[file], err = rowsOf(p.files[file]); err != nil {
			return nil, err
		}
	}
	for _, s := range append(slices.Clone(xs), ys...) {
		if err := verifyField(rows, s); err != nil {
			return nil, err
		}
	}
	// Several sources of x belong to those of y one by one; a single one is for
	// all of them.
	if len(xs) > 1 && len(xs) != len(ys) {
		return nil, &ValueError{Type: "DvcException", Msg: fmt.Sprintf("Cannot have different number of x and y data sources. Found "+
			"%d x and %d y data sources.", len(xs), len(ys))}
	}
	// The axis has one column. If sources differ in the name of theirs, the values are
	// copied to a column of DVC's own name.
	xFields, _ := fieldsOf(xs)
	yFields, yFiles := fieldsOf(ys)
	out := &vega.Plot{X: stepField}
	switch {
	case len(xFields) > 1:
		out.X = anyX
	case len(xFields) == 1:
		out.X = xFields[0]
	}
	switch {
	case len(yFields) > 1:
		out.Y = anyY
	case len(yFields) == 1:
		out.Y = yFields[0]
	}
	out.XLabel, out.YLabel = p.labels(xFields, yFields, len(xs) > 0)
	// DVC shortens the names of files in the legend by what all have in common.
	cut := commonDir(yFiles)
	for i, y := range ys {
		x := vega.Source{Field: stepField}
		switch {
		case len(xs) > 1:
			x = xs[i]
		case len(xs) == 1:
			x = xs[0]
		}
		short := strings.Trim(y.File[cut:], `/\`)
		out.Sources = append(out.Sources, vega.Source{File: short, Field: y.Field})
		made, err := joinXY(rows, x, y, out, len(xs) > 0)
		if err != nil {
			return nil, err
		}
		for _, row := range made {
			row.Set("rev", rev)
			row.Set("filename", short)
			row.Set("field", y.Field)
		}
		out.Data = append(out.Data, made...)
	}
	return out, nil
}

// joinXY makes the rows of one line: those of y's file with the value of x.
func joinXY(rows map[string][]*params.Map, x, y vega.Source, out *vega.Plot, haveX bool) ([]*params.Map, error) {
	made := make([]*params.Map, len(rows[y.File]))
	if haveX && len(rows[x.File]) != len(made) {
		return nil, &ValueError{Type: "DvcException", Msg: fmt.Sprintf("Cannot join '%s' from '%s' and '%s' from '%s'. "+
			"They have to have same length.", x.Field, x.File, y.Field, y.File)}
	}
	for i, src := range rows[y.File] {
		row := src.Clone()
		// Lines of different columns share one axis, so their values go to a column
		// of one name.
		if v, ok := row.Get(y.Field); ok && out.Y == anyY {
			row.Set(anyY, v)
		}
		// Without x DVC counts the rows, from 0.
		if !haveX {
			row.Set(stepField, int64(i))
		} else if v, ok := rows[x.File][i].Get(x.Field); ok {
			row.Set(out.X, v)
		}
		made[i] = row
	}
	return made, nil
}

// labels are the titles of the axes.
func (p *points) labels(xFields, yFields []string, haveX bool) (x, y string) {
	one := func(fields []string, several string) string {
		if len(fields) == 1 {
			return fields[0]
		}
		return several
	}
	x, y = one(xFields, "x"), one(yFields, "y")
	if !haveX {
		x = stepField
	}
	if s, ok := p.props.Get("x_label"); ok {
		x = fmt.Sprint(s)
	}
	if s, ok := p.props.Get("y_label"); ok {
		y = fmt.Sprint(s)
	}
	return x, y
}

// verifyField looks at the first row only, as DVC does. A file that could not be
// read or that is empty passes; one that is no table does not.
func verifyField(rows map[string][]*params.Map, s vega.Source) error {
	list, ok := rows[s.File]
	switch {
	case !ok:
		return nil
	case len(list) == 0:
		return errNoRows
	}
	if _, ok := list[0].Get(s.Field); ok {
		return nil
	}
	var names []string
	for k := range list[0].All() {
		name, ok := k.(string)
		if !ok {
			return &ValueError{Type: "TypeError",
				Msg: fmt.Sprintf("sequence item %d: expected str instance, %s found", len(names), dvcyaml.PythonType(k))}
		}
		names = append(names, name)
	}
	return &ValueError{Type: "FieldNotFoundError", Msg: fmt.Sprintf("Could not find provided field ('%s') in data fields ('%s').",
		s.Field, strings.Join(names, ", "))}
}

// commonDir is the length of the path that all files have in common, if there
// are several.
func commonDir(files []string) int {
	// DVC cuts os.path.commonpath's length off every name: for paths relative to
	// one directory that is the length of their common directory, or nothing.
	if len(files) < 2 {
		return 0
	}
	dir := path.Dir(files[0])
	for _, f := range files {
		for dir != "." && dir != "/" && !strings.HasPrefix(f, dir+"/") {
			dir = path.Dir(dir)
		}
	}
	if dir == "." {
		return 0
	}
	return len(dir)
}
