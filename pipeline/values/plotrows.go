package values

import (
	"fmt"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params"
)

// Data that is no table is an error of DVC's code, whose words go to the editor.
var (
	errNoFirstRow = &ValueError{Type: "AttributeError", Msg: "'NoneType' object has no attribute 'keys'"}
	errNoRows     = &ValueError{Type: "TypeError", Msg: "argument of type 'NoneType' is not iterable"}
)

// tables lists the lists inside a value: itself, or those in its mappings. A value
// that is neither is an error.
func tables(x any) ([][]any, error) {
	switch x := x.(type) {
	case []any:
		return [][]any{x}, nil
	case *params.Map:
		var all [][]any
		for _, item := range x.All() {
			switch item.(type) {
			case []any, *params.Map:
				below, _ := tables(item)
				all = append(all, below...)
			}
		}
		return all, nil
	}
	return nil, &ValueError{Type: "AttributeError", Msg: fmt.Sprintf("'%s' object has no attribute 'values'", dvcyaml.PythonType(x))}
}

// rowsOf joins the tables of a value side by side: those whose items are
// mappings with the same keys. An empty list has no first row to compare with,
// which DVC fails of.
func rowsOf(x any) ([]*params.Map, error) {
	all, err := tables(x)
	if err != nil {
		return nil, err
	}
	var rows []*params.Map
	for _, table := range all {
		if len(table) == 0 {
			return nil, errNoFirstRow
		}
		if !isTable(table) {
			continue
		}
		for i, item := range table {
			if i == len(rows) {
				rows = append(rows, &params.Map{})
			}
			// DVC flattens a file of several lists this way, the last value of a key
			// winning.
			for k, cell := range item.(*params.Map).All() {
				rows[i].Set(k, cell)
			}
		}
	}
	return rows, nil
}

// isTable wants mappings. DVC compares the keys of the first with those of all
// together: a row may lack some of them, but may not have others.
func isTable(list []any) bool {
	first, ok := list[0].(*params.Map)
	if !ok {
		return false
	}
	for _, item := range list[1:] {
		m, ok := item.(*params.Map)
		if !ok {
			return false
		}
		for k := range m.All() {
			if _, ok := first.Get(k); !ok {
				return false
			}
		}
	}
	return true
}

// lastField is the last column of the first table, which is plotted if nothing
// else is said; false if there is none, or its name is no text.
func lastField(x any) (string, bool, error) {
	all, err := tables(x)
	for _, table := range all {
		mappings := true
		for _, item := range table {
			mappings = mappings && isMap(item)
		}
		switch {
		case !mappings:
			continue
		case len(table) == 0:
			return "", false, errNoFirstRow
		}
		first := table[0].(*params.Map)
		if first.Len() == 0 {
			return "", false, nil
		}
		k, _ := first.At(first.Len() - 1)
		name, ok := k.(string)
		return name, ok, nil
	}
	return "", false, err
}
