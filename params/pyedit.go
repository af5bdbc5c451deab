package params

import (
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/pyjson"
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
			if sub, isMap := v.(*Map); isMap && p.Value.Kind == dvcyaml.Mapping {
				if err := edit(p.Value, sub); err != nil {
					return err
				}
				continue
			}
			if i := p.Value.Line - 1; i >= 0 && i < len(lines) && !pyjson.Equal(p.Value.Value, v) {
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
