package params

import (
	"cmp"
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// Decode fills the struct that dst points to from the mapping under key, or
// from the whole file for the key "", as [Load] does: strictly inside, with no
// regard to the rest of the file. A missing key is [ErrNotFound].
func (v *Values) Decode(key string, dst any) error {
	n := v.root
	if key != "" {
		if n = find(v.root, key); n == nil {
			return &Error{File: v.file, Key: key, Err: ErrNotFound}
		}
	}
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("params: Decode needs a pointer, not a %T", dst)
	}
	// Fill a copy, so that an error leaves dst as it was.
	filled := reflect.New(target.Type().Elem())
	filled.Elem().Set(target.Elem())
	d := decoder{file: v.file}
	if err := d.fill(n, filled.Elem(), key); err != nil {
		return err
	}
	target.Elem().Set(filled.Elem())
	return nil
}

type decoder struct{ file string }

// fail is an error at a node. key is its dotted name, "" at the top.
func (d *decoder) fail(n *dvcyaml.Node, key, format string, args ...any) error {
	return &Error{File: d.file, Line: n.Line, Column: n.Column, Key: key, Err: fmt.Errorf(format, args...)}
}

// mismatch is the error of a value of the wrong type; the value is shown as
// Python text, cut at 40 bytes.
func (d *decoder) mismatch(n *dvcyaml.Node, key, want string) error {
	text := pyjson.Repr(n.Value)
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "…"
	}
	return d.fail(n, key, "expected %s, got %s %s", want, typeName(n.Value), text)
}

// typeWords are for those who know no Python, by its names.
var typeWords = map[string]string{"NoneType": "null", "bool": "the boolean", "int": "the integer", "float": "the number", "str": "the text", "list": "the list", "dict": "the mapping"}

func typeName(v any) string { return cmp.Or(typeWords[dvcyaml.PythonType(v)], "the date") }

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
)

// fill stores n in v, which can be set.
func (d *decoder) fill(n *dvcyaml.Node, v reflect.Value, key string) error {
	if v.Kind() == reflect.Pointer {
		return d.pointer(n, v, key)
	}
	// This comes before the kinds: such a type may be a struct or a number
	// below, and is to read its text itself.
	if reflect.PointerTo(v.Type()).Implements(textType) {
		s, ok := n.Value.(string)
		if !ok {
			return d.mismatch(n, key, "text")
		}
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
			return d.fail(n, key, "%w", err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.object(n, v, key)
	case reflect.Map:
		return d.dict(n, v, key)
	case reflect.Slice, reflect.Array:
		return d.list(n, v, key)
	case reflect.Interface:
		// Only the empty interface can hold whatever the file has; it gets the
		// value as Read returns it.
		if v.NumMethod() > 0 {
			return d.fail(n, key, "cannot fill a field of type %v", v.Type())
		}
		v.Set(reflect.Zero(v.Type()))
		if n.Value != nil {
			v.Set(reflect.ValueOf(n.Value))
		}
		return nil
	}
	return d.scalar(n, v, key)
}

// pointer keeps apart null, which makes it nil, and everything else.
func (d *decoder) pointer(n *dvcyaml.Node, v reflect.Value, key string) error {
	if n.Value == nil {
		v.SetZero()
		return nil
	}
	// Fill a copy of what v points to: the caller's struct points there too,
	// and must stay as it was if this fails. The copy keeps the defaults.
	target := reflect.New(v.Type().Elem())
	if !v.IsNil() {
		target.Elem().Set(v.Elem())
	}
	if err := d.fill(n, target.Elem(), key); err != nil {
		return err
	}
	v.Set(target)
	return nil
}

// scalar fills a field of a basic kind. Integers fill floats, since 1 is how
// one writes 1.0; nothing else is converted, and above all no float to an
// integer, which would lose its fraction.
func (d *decoder) scalar(n *dvcyaml.Node, v reflect.Value, key string) error {
	switch v.Kind() {
	case reflect.Bool:
		if b, ok := n.Value.(bool); ok {
			v.SetBool(b)
			return nil
		}
		return d.mismatch(n, key, "true or false")
	case reflect.String:
		if s, ok := n.Value.(string); ok {
			v.SetString(s)
			return nil
		}
		return d.mismatch(n, key, "text")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return d.integer(n, v, key)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return d.unsigned(n, v, key)
	case reflect.Float32, reflect.Float64:
		switch x := n.Value.(type) {
		case int64:
			v.SetFloat(float64(x))
		case float64:
			v.SetFloat(x)
		case *big.Int:
			f, _ := new(big.Float).SetInt(x).Float64()
			v.SetFloat(f)
		default:
			return d.mismatch(n, key, "a number")
		}
		return nil
	}
	return d.fail(n, key, "cannot fill a field of type %v", v.Type())
}

// integer fills a signed integer. A Duration takes text such as 90s, or an
// integer, which are nanoseconds as everywhere in Go. A *big.Int is
// beyond 64 bits with a sign, and a mismatch.
func (d *decoder) integer(n *dvcyaml.Node, v reflect.Value, key string) error {
	if s, ok := n.Value.(string); ok && v.Type() == durationType {
		span, err := time.ParseDuration(s)
		if err != nil {
			return d.fail(n, key, "expected a duration such as 90s, got %q", s)
		}
		v.SetInt(int64(span))
		return nil
	}
	i, ok := n.Value.(int64)
	if !ok {
		return d.mismatch(n, key, "an integer")
	}
	if v.OverflowInt(i) {
		return d.fail(n, key, "%d does not fit %v", i, v.Type())
	}
	v.SetInt(i)
	return nil
}

// unsigned fills an unsigned integer. Values from 1<<63 to 1<<64-1 arrive as
// *big.Int.
func (d *decoder) unsigned(n *dvcyaml.Node, v reflect.Value, key string) error {
	var u uint64
	switch x := n.Value.(type) {
	case int64:
		if x < 0 {
			return d.fail(n, key, "%d must not be negative", x)
		}
		u = uint64(x)
	case *big.Int:
		if !x.IsUint64() {
			return d.fail(n, key, "%v does not fit %v", x, v.Type())
		}
		u = x.Uint64()
	default:
		return d.mismatch(n, key, "an integer")
	}
	if v.OverflowUint(u) {
		return d.fail(n, key, "%d does not fit %v", u, v.Type())
	}
	v.SetUint(u)
	return nil
}

// list fills a slice or an array. A slice is made anew, with no defaults in it;
// null makes it nil. An array must have just as many elements in the file, and
// null is no array.
func (d *decoder) list(n *dvcyaml.Node, v reflect.Value, key string) error {
	if n.Value == nil && v.Kind() == reflect.Slice {
		v.SetZero()
		return nil
	}
	if n.Kind != dvcyaml.Sequence {
		return d.mismatch(n, key, "a list")
	}
	if v.Kind() == reflect.Array && len(n.Items) != v.Len() {
		return d.fail(n, key, "expected a list of %d, got one of %d", v.Len(), len(n.Items))
	}
	out := v
	if v.Kind() == reflect.Slice {
		out = reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	}
	for i, item := range n.Items {
		if err := d.fill(item, out.Index(i), join(key, fmt.Sprint(i))); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

// dict fills a Go map, which is made anew: the defaults of a map do not
// survive, unlike those of a struct, because a key that is missing in the file
// may be missing on purpose. Null makes it nil.
func (d *decoder) dict(n *dvcyaml.Node, v reflect.Value, key string) error {
	if n.Value == nil {
		v.SetZero()
		return nil
	}
	if n.Kind != dvcyaml.Mapping {
		return d.mismatch(n, key, "a mapping")
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Pairs))
	for _, p := range n.Pairs {
		name := join(key, pyjson.Str(p.Key.Value))
		k := reflect.New(v.Type().Key()).Elem()
		if err := d.fill(p.Key, k, name); err != nil {
			return err
		}
		x := reflect.New(v.Type().Elem()).Elem()
		if err := d.fill(p.Value, x, name); err != nil {
			return err
		}
		out.SetMapIndex(k, x)
	}
	v.Set(out)
	return nil
}
