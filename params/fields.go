package params

import (
	"reflect"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// validator is a struct that checks itself.
type validator interface{ Validate() error }

// object fills a struct from a mapping; null leaves the defaults.
func (d *decoder) object(n *dvcyaml.Node, v reflect.Value, key string) error {
	if n.Value != nil {
		if n.Kind != dvcyaml.Mapping {
			return d.mismatch(n, key, "a mapping")
		}
		fields := fieldsOf(v)
		for _, p := range n.Pairs {
			// A key that is no string goes by its Python text: 1 is the field
			// "1".
			name := pyjson.Str(p.Key.Value)
			i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
			if i < 0 {
				return d.fail(p.Key, join(key, name), "unknown key%s", suggest(name, fields))
			}
			if err := d.fill(p.Value, fields[i].value, join(key, name)); err != nil {
				return err
			}
		}
	}
	// After the fields, so that the inner structs have checked themselves; also
	// for null, since the defaults may be wrong as well.
	if check, ok := v.Addr().Interface().(validator); ok {
		if err := check.Validate(); err != nil {
			return d.fail(n, key, "%w", err)
		}
	}
	return nil
}

// field is a field of a struct under the key that names it in the file.
type field struct {
	name  string
	value reflect.Value
}

// fieldsOf lists the fields of a struct with their keys; embedded structs and
// those tagged ",inline" count as if their fields stood outside.
func fieldsOf(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		tag, opts, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		inline := sf.Type.Kind() == reflect.Struct &&
			(slices.Contains(strings.Split(opts, ","), "inline") || sf.Anonymous && tag == "")
		switch {
		case tag == "-" || !sf.IsExported() && !inline:
		case inline:
			out = append(out, fieldsOf(v.Field(i))...)
		default:
			if tag == "" {
				tag = strings.ToLower(sf.Name)
			}
			out = append(out, field{tag, v.Field(i)})
		}
	}
	return out
}

// suggest names the field that was perhaps meant.
func suggest(name string, fields []field) string {
	// At most two characters apart, and fewer than the name has: else any short
	// key would suggest any other.
	best, least := "", 3
	for _, f := range fields {
		if n := distance(strings.ToLower(name), f.name); n < least && n < len(name) {
			best, least = f.name, n
		}
	}
	if best != "" {
		return ` (did you mean "` + best + `"?)`
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	if len(names) == 0 || len(names) > 12 {
		return ""
	}
	return " (known: " + strings.Join(names, ", ") + ")"
}

// distance is the number of characters to change, insert or delete.
func distance(a, b string) int {
	// One row of the table is enough: before line i, row[j] is the distance of
	// the first i-1 bytes of a from the first j of b; diagonal keeps the entry
	// up and left, which the line has overwritten.
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
