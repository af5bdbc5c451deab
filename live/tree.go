package live

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// plain converts what may stand in a parameter or in the data of a plot to the
// values of internal/pyjson: scalars, nil, times, slices, ordered maps, maps with string
// keys (sorted) and structs (in the order of their fields, named by their yaml
// tags).
func plain(x any) (any, error) {
	switch x := x.(type) {
	case nil, bool, int64, float64, string, *big.Int, time.Time:
		return x, nil
	case float32:
		return widen32(x), nil
	case time.Duration:
		return x.String(), nil
	case *ordered.Map:
		return plainMap(x)
	}
	return plainReflect(reflect.ValueOf(x))
}

// plainMap converts keys and values into a new mapping; the caller's may change
// afterwards.
func plainMap(m *ordered.Map) (any, error) {
	out := new(pyjson.Map)
	for k, x := range m.All() {
		key, err := plain(k)
		if err != nil {
			return nil, err
		}
		switch key.(type) {
		case nil, bool, int64, float64, string:
		default:
			return nil, fmt.Errorf("%w %T as a key", ErrType, k)
		}
		v, err := plain(x)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", k, err)
		}
		out.Set(key, v)
	}
	return out, nil
}

// plainReflect is plain for types that are known by their kind only. Pointers are
// followed, nil ones are null.
func plainReflect(r reflect.Value) (any, error) {
	switch r.Kind() {
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil, nil
		}
		return plain(r.Elem().Interface())
	case reflect.Slice, reflect.Array:
		list := make([]any, r.Len())
		for i := range list {
			v, err := plain(r.Index(i).Interface())
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			list[i] = v
		}
		return list, nil
	case reflect.Map:
		if r.Type().Key().Kind() == reflect.String {
			return plainMap(sortedMap(r))
		}
	case reflect.Struct:
		return plainMap(structMap(r))
	case reflect.Bool:
		return r.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u > math.MaxInt64 {
			return new(big.Int).SetUint64(u), nil
		}
		return int64(r.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return r.Float(), nil
	case reflect.String:
		return r.String(), nil
	}
	return nil, fmt.Errorf("%w %v", ErrType, r.Type())
}

// sortedMap sorts the keys, as the order of a Go map is not the caller's.
func sortedMap(r reflect.Value) *ordered.Map {
	keys := r.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	m := new(ordered.Map)
	for _, key := range keys {
		m.Set(key.String(), r.MapIndex(key).Interface())
	}
	return m
}

// structMap lists the exported fields under the names of their yaml tags, or
// their own names in lower case, as gopkg.in/yaml.v3 does.
func structMap(r reflect.Value) *ordered.Map {
	m := new(ordered.Map)
	for f, v := range r.Fields() {
		name, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
			continue
		case strings.Contains(flags, "omitempty") && v.IsZero():
			continue
		case strings.Contains(flags, "inline") && v.Kind() == reflect.Struct:
			for k, x := range structMap(v).All() {
				m.Set(k, x)
			}
			continue
		case name == "":
			name = strings.ToLower(f.Name)
		}
		m.Set(name, v.Interface())
	}
	return m
}

// valueOf makes a value of the summary from one of internal/pyjson's.
func valueOf(x any) value {
	switch x := x.(type) {
	case bool:
		return boolValue(x)
	case int64:
		return intValue(x)
	case *big.Int:
		return value{kind: kindBig, any: x}
	case float64:
		return value{kind: kindFloat64, bits: math.Float64bits(x)}
	case string:
		return value{kind: kindString, str: x}
	case time.Time:
		return value{kind: kindString, str: x.Format(time.RFC3339Nano)}
	case []any:
		list := make([]value, len(x))
		for i, e := range x {
			list[i] = valueOf(e)
		}
		return treeOf(list)
	case *pyjson.Map:
		g := new(group)
		for key, v := range x.All() {
			g.put(keyText(key)).val = valueOf(v)
		}
		return treeOf(g)
	}
	return value{}
}

// keyText is the text that a key has in JSON.
func keyText(key any) string {
	if s, ok := key.(string); ok {
		return s
	}
	return string(valueOf(key).appendJSON(nil, 0))
}
