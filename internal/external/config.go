package external

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/pipeline/config"
)

func dirFS(dir string) fs.FS { return os.DirFS(dir) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// textMap is a mapping of YAML as text; nil if it is none.
func textMap(v any) map[string]string {
	m, ok := v.(*dvcyaml.Map)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for k, v := range m.All() {
		out[fmt.Sprint(k)] = scalarText(v)
	}
	return out
}

// configValues flattens a configuration written in YAML, whose remotes are a
// mapping by name.
func configValues(m *dvcyaml.Map) []config.Value {
	var out []config.Value
	for section, v := range m.All() {
		keys, _ := v.(*dvcyaml.Map)
		for key, v := range keys.All() {
			if options, ok := v.(*dvcyaml.Map); ok {
				for option, v := range options.All() {
					out = append(out, config.Value{Section: fmt.Sprintf("%v \"%v\"", section, key), Key: fmt.Sprint(option), Value: scalarText(v)})
				}
				continue
			}
			out = append(out, config.Value{Section: fmt.Sprint(section), Key: fmt.Sprint(key), Value: scalarText(v)})
		}
	}
	return out
}

func scalarText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
