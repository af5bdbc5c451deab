package params

import (
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// editPy replaces the text " = old" by " = new" on the lines of assignments
// whose values changed, as DVC does; everything else stays.
func editPy(data []byte, root *dvcyaml.Node, now *Map) ([]byte, error) {
	lines := strings.SplitAfter(string(data), "\n")
	var edit func(n *dvcyaml.Node, m *Map) error
	edit = func(n *dvcyaml.Node, m *Map) error {
		for k := range m.All() {
			if old, ok := n.Value.(*Map); ok {
				if _, there := old.Get(k); !there {
					return fmt.Errorf("%s: a Python file cannot be given new keys", pyjson.Str(k))
				}
			}
		}
		for _, p := range n.Pairs {
			v, ok := m.Get(p.Key.Value)
			if !ok {
				continue
			}
			// A key that is gone is passed over: DVC cannot delete from a
			// Python file, and goes through the new values only.
			if sub, isMap := v.(*Map); isMap && p.Value.Kind == dvcyaml.Mapping {
				if err := edit(p.Value, sub); err != nil {
					return err
				}
				continue
			}
			if i := p.Value.Line - 1; i >= 0 && i < len(lines) && !pyjson.Equal(p.Value.Value, v) {
				// DVC looks for the value as str writes it. So a text in quotes
				// is never found, nor is 1e-3, which str writes 0.001, nor x=1
				// without blanks; the line then stays, with no error.
				lines[i] = strings.ReplaceAll(lines[i], " = "+pyjson.Str(p.Value.Value), " = "+pyjson.Str(v))
			}
		}
		return nil
	}
	if err := edit(root, now); err != nil {
		return nil, err
	}
	return []byte(strings.Join(lines, "")), nil
}
