package provenance

import (
	"reflect"
	"strings"

	"golang.org/x/sys/cpu"
)

// cpuFeatures lists the instruction set extensions of this machine by Go's
// names for them, sorted.
func cpuFeatures() []string {
	var list []string
	// On other architectures both are all false, and the list is empty.
	for _, set := range []any{cpu.X86, cpu.ARM64} {
		v := reflect.ValueOf(set)
		for i := range v.NumField() {
			name, ok := strings.CutPrefix(v.Type().Field(i).Name, "Has")
			if ok && v.Field(i).Kind() == reflect.Bool && v.Field(i).Bool() {
				list = append(list, strings.ToLower(name))
			}
		}
	}
	return list
}
