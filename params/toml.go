package params

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// parseTOML reads TOML into nodes with their positions and in the order of the
// text, which decoding into a map would lose.
func parseTOML(name string, data []byte) (*dvcyaml.Node, error) {
	// The parser below goes through the syntax alone; Unmarshal also refuses
	// what contradicts itself, as a key or a table given twice.
	var check map[string]any
	if err := toml.Unmarshal(data, &check); err != nil {
		if de, ok := err.(*toml.DecodeError); ok {
			row, col := de.Position()
			return nil, &Error{File: name, Line: row, Column: col, Err: de}
		}
		return nil, err
	}
	t := tomlReader{name: name}
	t.parser.Reset(data)
	root := newObject(nil)
	// The table that the last header named; keys before any header belong to
	// the root.
	table := root
	for t.parser.NextExpression() {
		e := t.parser.Expression()
		switch e.Kind {
		case unstable.Table:
			table = t.descend(root, e.Key(), false)
		case unstable.ArrayTable:
			table = t.descend(root, e.Key(), true)
		case unstable.KeyValue:
			if err := t.assign(table, e); err != nil {
				return nil, err
			}
		}
	}
	if err := t.parser.Error(); err != nil {
		return nil, err
	}
	return root, nil
}

// tomlReader builds nodes from the expressions of the parser, in their order.
type tomlReader struct {
	name   string
	parser unstable.Parser
}

// newObject is an empty mapping at the place of a node, or nowhere for nil.
func newObject(at *dvcyaml.Node) *dvcyaml.Node {
	n := &dvcyaml.Node{Kind: dvcyaml.Mapping, Value: &Map{}}
	if at != nil {
		n.Line, n.Column = at.Line, at.Column
	}
	return n
}

// put appends or finds a key of a mapping.
func put(n *dvcyaml.Node, key string, value *dvcyaml.Node, at *dvcyaml.Node) {
	n.Value.(*Map).Set(key, value.Value)
	n.Pairs = append(n.Pairs, dvcyaml.Pair{
		Key:   &dvcyaml.Node{Kind: dvcyaml.Scalar, Line: at.Line, Column: at.Column, Value: key},
		Value: value,
	})
}

// at is a node with the place of a parser's node, both from 1, and no value.
func (t *tomlReader) at(n *unstable.Node) *dvcyaml.Node {
	shape := t.parser.Shape(n.Raw)
	return &dvcyaml.Node{Kind: dvcyaml.Scalar, Line: shape.Start.Line, Column: shape.Start.Column}
}

// descend finds or makes the table that a header names; array says that the
// last part is one more element of a list of tables.
func (t *tomlReader) descend(n *dvcyaml.Node, key unstable.Iterator, array bool) *dvcyaml.Node {
	for key.Next() {
		part := key.Node()
		name, at := string(part.Data), t.at(part)
		next := n.Get(name)
		if array && key.IsLast() {
			if next == nil {
				next = &dvcyaml.Node{Kind: dvcyaml.Sequence, Line: at.Line, Column: at.Column}
				put(n, name, next, at)
			}
			element := newObject(at)
			list, _ := next.Value.([]any)
			next.Items = append(next.Items, element)
			// append may move the list, so the mapping around gets it again.
			next.Value = append(list, element.Value)
			n.Value.(*Map).Set(name, next.Value)
			return element
		}
		if next == nil {
			next = newObject(at)
			put(n, name, next, at)
		}
		// By TOML's rule a name of a list of tables means its last one.
		if next.Kind == dvcyaml.Sequence && len(next.Items) > 0 {
			next = next.Items[len(next.Items)-1]
		}
		n = next
	}
	return n
}

// assign puts key = value into a table, and makes the tables that a dotted key
// names on the way.
func (t *tomlReader) assign(table *dvcyaml.Node, e *unstable.Node) error {
	key := e.Key()
	for key.Next() {
		part := key.Node()
		name, at := string(part.Data), t.at(part)
		if key.IsLast() {
			v, err := t.value(e.Value(), at)
			if err != nil {
				return err
			}
			put(table, name, v, at)
			return nil
		}
		next := table.Get(name)
		if next == nil {
			next = newObject(at)
			put(table, name, next, at)
		}
		table = next
	}
	return nil
}

// value converts a value; at is the place of its key, which the elements of a
// list get as well.
func (t *tomlReader) value(e *unstable.Node, at *dvcyaml.Node) (*dvcyaml.Node, error) {
	n := &dvcyaml.Node{Kind: dvcyaml.Scalar, Line: at.Line, Column: at.Column}
	text := strings.ReplaceAll(string(e.Data), "_", "")
	var err error
	switch e.Kind {
	case unstable.String:
		n.Value = string(e.Data)
	case unstable.Bool:
		n.Value = text == "true"
	case unstable.Integer:
		n.Value, err = tomlInteger(text)
	case unstable.Float:
		n.Value, err = tomlFloat(text)
	case unstable.Array:
		n.Kind = dvcyaml.Sequence
		list := []any{}
		for it := e.Children(); it.Next(); {
			item, err := t.value(it.Node(), at)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
			list = append(list, item.Value)
		}
		n.Value = list
	case unstable.InlineTable:
		n = newObject(at)
		for it := e.Children(); it.Next(); {
			if err := t.assign(n, it.Node()); err != nil {
				return nil, err
			}
		}
	default:
		n.Value, err = tomlTime(string(e.Data))
	}
	if err != nil {
		return nil, &Error{File: t.name, Line: at.Line, Column: at.Column, Err: err}
	}
	return n, nil
}

// tomlInteger reads an integer of any base. One beyond 64 bits stays exact, as
// in Python.
func tomlInteger(s string) (any, error) {
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return i, nil
	}
	if b, ok := new(big.Int).SetString(s, 0); ok {
		return b, nil
	}
	return nil, fmt.Errorf("%q is no integer", s)
}

func tomlFloat(s string) (any, error) {
	switch s {
	case "inf", "+inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	case "nan", "+nan", "-nan":
		return math.NaN(), nil
	}
	return strconv.ParseFloat(s, 64)
}

// tomlTime reads a date, or a date with a time of day. What has the form of
// neither, a time of day alone, stays text.
func tomlTime(s string) (any, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		return dvcyaml.Date{Time: d}, nil
	}
	return s, nil
}
