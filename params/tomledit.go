package params

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/reprodl/reprodl/params/pyjson"
)

// editTOML changes the values that differ between old and now where they
// stand, removes the lines of keys that are gone and inserts new keys at the
// end of their table.
func editTOML(data []byte, old, now *Map) ([]byte, error) {
	edits, err := changesOf(nil, old, now)
	if err != nil {
		return nil, err
	}
	// Every edit moves what comes after it, so each looks its place up anew.
	for _, e := range edits {
		if data, err = e.apply(data, now); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// tomlEdit is one key to set, or to delete where gone is true.
type tomlEdit struct {
	path []string
	v    any
	gone bool
	new  bool
}

// changesOf lists the edits that lead from old to now: first the values to set,
// in the order of now, then the keys to delete. Mappings on both sides are
// compared key by key, everything else as a whole.
func changesOf(path []string, old, now *Map) ([]tomlEdit, error) {
	var out []tomlEdit
	at := func(k any) []string { return append(append([]string(nil), path...), pyjson.Str(k)) }
	for k, v := range now.All() {
		was, there := old.Get(k)
		a, oldMap := was.(*Map)
		b, newMap := v.(*Map)
		switch {
		case there && oldMap && newMap:
			sub, err := changesOf(at(k), a, b)
			if err != nil {
				return nil, err
			}
			out = append(out, sub...)
		case there && sameType(was, v):
		default:
			out = append(out, tomlEdit{path: at(k), v: v, new: !there})
		}
	}
	for k := range old.All() {
		if _, ok := now.Get(k); !ok {
			out = append(out, tomlEdit{path: at(k), gone: true})
		}
	}
	return out, nil
}

// sameType reports equal values of one type: 1, 1.0 and true are equal to
// Python, and three different values to TOML.
func sameType(a, b any) bool {
	return pyjson.Equal(a, b) && fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
}

var errTOMLPlace = errors.New("this key of the TOML file cannot be edited in place")

// apply makes the edit in data.
func (e *tomlEdit) apply(data []byte, now *Map) ([]byte, error) {
	// A new mapping of the top level becomes tables; deeper ones are written in
	// braces, as there may be no header to put them under.
	if m, isMap := e.v.(*Map); isMap && e.new && len(e.path) == 1 && m.Len() > 0 {
		return appendTables(data, e.path, m)
	}
	text := ""
	if !e.gone {
		var err error
		if text, err = tomlText(e.v); err != nil {
			return nil, err
		}
	}
	if !e.new {
		// A value of several lines goes with all of them when its key is
		// deleted, and so does the comment at its end.
		from, to, line, ok := findTOML(data, e.path)
		switch {
		case !ok:
			return e.inline(data, now)
		case e.gone:
			return splice(data, line, lineEnd(data, to), ""), nil
		}
		return splice(data, from, to, text), nil
	}
	end, tables := tableEnd(data, e.path[:len(e.path)-1])
	if end < 0 {
		return nil, errTOMLPlace
	}
	// What no header covers of the path becomes a dotted key. Should this
	// extend a table in braces, which TOML forbids, checkEdit finds it.
	names := e.path[tables:]
	for i, n := range names {
		names[i] = tomlKey(n)
	}
	entry := strings.Join(names, ".") + " = " + text + "\n"
	if end > 0 && data[end-1] != '\n' {
		entry = "\n" + entry
	}
	return splice(data, end, end, entry), nil
}

// inline writes the table in braces anew in which the key stands.
// It goes from the longest part of the path to the shortest and takes the first
// that stands on a line of its own, with the content that it has in now, where
// all edits are done.
func (e *tomlEdit) inline(data []byte, now *Map) ([]byte, error) {
	for n := len(e.path) - 1; n > 0; n-- {
		from, to, _, ok := findTOML(data, e.path[:n])
		if !ok {
			continue
		}
		var v any = now
		for _, part := range e.path[:n] {
			at, ok := placeOf(v, part)
			if ok {
				v, ok = at.get()
			}
			if !ok {
				return nil, errTOMLPlace
			}
		}
		text, err := tomlText(v)
		return splice(data, from, to, text), err
	}
	return nil, errTOMLPlace
}

// appendTables writes a new mapping as tables at the end of the file.
func appendTables(data []byte, path []string, m *Map) ([]byte, error) {
	// The scalars and lists of a table come before its inner tables, whose
	// headers would claim them otherwise.
	var plain strings.Builder
	var tables []string
	for k, v := range m.All() {
		name := pyjson.Str(k)
		if sub, ok := v.(*Map); ok && sub.Len() > 0 {
			tables = append(tables, name)
			continue
		}
		text, err := tomlText(v)
		if err != nil {
			return nil, err
		}
		plain.WriteString(tomlKey(name) + " = " + text + "\n")
	}
	if plain.Len() > 0 {
		names := make([]string, len(path))
		for i, p := range path {
			names[i] = tomlKey(p)
		}
		if len(data) > 0 && data[len(data)-1] != '\n' {
			// The capacity is cut off, so that append never writes into the
			// caller's array.
			data = append(data[:len(data):len(data)], '\n')
		}
		if len(data) > 0 {
			data = append(data[:len(data):len(data)], '\n')
		}
		data = append(data, "["+strings.Join(names, ".")+"]\n"+plain.String()...)
	}
	for _, name := range tables {
		v, _ := m.Get(name)
		var err error
		if data, err = appendTables(data, append(path[:len(path):len(path)], name), v.(*Map)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// splice is a copy of data with text in the place of data[from:to].
func splice(data []byte, from, to int, text string) []byte {
	return bytes.Join([][]byte{data[:from], []byte(text), data[to:]}, nil)
}

// lineEnd is the offset after the line break that ends the line at from.
func lineEnd(data []byte, from int) int {
	if i := bytes.IndexByte(data[from:], '\n'); i >= 0 {
		return from + i + 1
	}
	return len(data)
}

// findTOML finds the value of a key that stands on a line of its own: the
// offsets of the value and of its line.
func findTOML(data []byte, path []string) (from, to, line int, ok bool) {
	var p unstable.Parser
	p.Reset(data)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind == unstable.ArrayTable {
			// No path has this part: keys in lists of tables cannot be
			// addressed by a path of names.
			table = []string{"\x00"}
			continue
		}
		if e.Kind != unstable.Table && e.Kind != unstable.KeyValue {
			continue
		}
		var keys []string
		var last unstable.Range
		for it := e.Key(); it.Next(); {
			keys = append(keys, string(it.Node().Data))
			last = it.Node().Raw
		}
		if e.Kind == unstable.Table {
			table = keys
			continue
		}
		if strings.Join(append(append([]string(nil), table...), keys...), "\x00") != strings.Join(path, "\x00") {
			continue
		}
		from = int(last.Offset + last.Length)
		from += bytes.IndexByte(data[from:], '=') + 1
		for from < len(data) && (data[from] == ' ' || data[from] == '\t') {
			from++
		}
		return from, valueEnd(data, from), bytes.LastIndexByte(data[:from], '\n') + 1, true
	}
	return 0, 0, 0, false
}

// valueEnd is the offset after the TOML value at from.
// data was read as TOML before, so brackets match and quotes are closed;
// comments may stand between the elements of a list.
func valueEnd(data []byte, from int) int {
	depth := 0
	for i := from; i < len(data); i++ {
		switch c := data[i]; c {
		case '"', '\'':
			i = stringEnd(data, i) - 1
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case '#':
			if depth == 0 {
				return from + len(bytes.TrimRight(data[from:i], " \t"))
			}
			i = lineEnd(data, i) - 1
		case '\n':
			if depth == 0 {
				return from + len(bytes.TrimRight(data[from:i], " \t\r"))
			}
		}
	}
	return from + len(bytes.TrimRight(data[from:], " \t\r\n"))
}

// stringEnd is the offset after the string whose quote stands at from. A
// backslash escapes only in double quotes.
func stringEnd(data []byte, from int) int {
	quote := data[from : from+1]
	if bytes.HasPrefix(data[from:], bytes.Repeat(quote, 3)) {
		quote = data[from : from+3]
	}
	for i := from + len(quote); i < len(data); i++ {
		switch {
		case data[i] == '\\' && quote[0] == '"':
			i++
		case bytes.HasPrefix(data[i:], quote):
			i += len(quote)
			for len(quote) == 3 && i < len(data) && data[i] == quote[0] {
				i++ // quotes may stand right before the closing three
			}
			return i
		}
	}
	return len(data)
}

// tableEnd finds the offset at which a new key of the table at path belongs,
// and how many parts of the path a header covers.
func tableEnd(data []byte, path []string) (end, covered int) {
	var p unstable.Parser
	p.Reset(data)
	// best is how many parts the best header so far covers, -1 before any;
	// table, those of the current header; at, whether the current header is a
	// prefix of path. Keys move the end on only while they stand under the best
	// header.
	best, table, at := -1, 0, true
	end = 0
	for p.NextExpression() {
		e := p.Expression()
		var keys []string
		var last unstable.Range
		for it := e.Key(); it.Next(); {
			keys = append(keys, string(it.Node().Data))
			last = it.Node().Raw
		}
		offset := int(last.Offset + last.Length)
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = len(keys)
			at = e.Kind == unstable.Table && len(keys) <= len(path) && strings.Join(keys, "\x00") == strings.Join(path[:len(keys)], "\x00")
			if at && table > best {
				best, end = table, lineEnd(data, offset)
			}
		case unstable.KeyValue:
			if at && table == max(best, 0) {
				best = table
				from := offset + bytes.IndexByte(data[offset:], '=') + 1
				for from < len(data) && (data[from] == ' ' || data[from] == '\t') {
					from++
				}
				end = lineEnd(data, valueEnd(data, from))
			}
		}
	}
	return end, max(best, 0)
}

// tomlKey writes a key, in quotes unless it is made of what TOML allows bare.
// JSON's escapes are valid in TOML's double quotes.
func tomlKey(k string) string {
	if k != "" && strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
		return k
	}
	return string(pyjson.AppendString(nil, k, false))
}

// tomlText writes a value as TOML.
func tomlText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return string(pyjson.AppendString(nil, v, false)), nil
	case float64:
		return pyjson.Str(v), nil
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			s, err := tomlText(x)
			if err != nil {
				return "", err
			}
			parts[i] = s
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case *Map:
		var parts []string
		for k, x := range v.All() {
			s, err := tomlText(x)
			if err != nil {
				return "", err
			}
			parts = append(parts, tomlKey(pyjson.Str(k))+" = "+s)
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	case nil:
		return "", errors.New("TOML has no null")
	}
	b, err := toml.Marshal(map[string]any{"v": v})
	return strings.TrimSpace(strings.TrimPrefix(string(b), "v = ")), err
}
