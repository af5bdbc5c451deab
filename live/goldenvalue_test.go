package live_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// typed is a value of calls.json: an object with one key that names its type.
type typed struct{ val any }

// unknown stands for a value of a type that the logger doesn't know.
var unknown = make(chan int)

// numpy marks what numpy wraps, where a plain number is another thing.
type numpy struct{ val any }

func (t *typed) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	delete(fields, "repr")
	if len(fields) != 1 {
		return fmt.Errorf("%d types in %s", len(fields), data)
	}
	for kind, raw := range fields {
		v, err := typedValue(kind, raw)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		t.val = v
	}
	return nil
}

func typedValue(kind string, raw json.RawMessage) (any, error) {
	var text string
	switch kind {
	case "null":
		return nil, nil
	case "unsupported":
		return unknown, nil
	case "bool":
		return string(raw) == "true", nil
	case "list":
		var list []typed
		err := json.Unmarshal(raw, &list)
		out := make([]any, len(list))
		for i, t := range list {
			out[i] = t.val
		}
		return out, err
	case "dict":
		return typedMap(raw)
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	switch kind {
	case "str":
		return text, nil
	case "int":
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
		b, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, fmt.Errorf("bad integer %q", text)
		}
		return b, nil
	case "float", "np.float64", "np.float32", "np.float16":
		f, err := strconv.ParseFloat(text, 64)
		switch kind {
		case "np.float32":
			return numpy{float32(f)}, err
		case "np.float16":
			return numpy{live.Float16(f)}, err
		case "np.float64":
			return numpy{f}, err
		}
		return f, err
	case "np.uint64", "np.uint32", "np.uint16", "np.uint8":
		u, err := strconv.ParseUint(text, 10, 64)
		return numpy{u}, err
	case "np.int64", "np.int32", "np.int16", "np.int8", "np.intc", "np.intp":
		i, err := strconv.ParseInt(text, 10, 64)
		return numpy{i}, err
	}
	return nil, fmt.Errorf("unknown type")
}

func typedMap(raw json.RawMessage) (any, error) {
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(raw, &pairs); err != nil {
		return nil, err
	}
	m := new(ordered.Map)
	for _, pair := range pairs {
		var key, val typed
		var name string
		if json.Unmarshal(pair[0], &name) == nil {
			key.val = name
		} else if err := json.Unmarshal(pair[0], &key); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(pair[1], &val); err != nil {
			return nil, err
		}
		m.Set(key.val, val.val)
	}
	return m, nil
}

// scalar takes numpy's wrapping off, for a metric.
func scalar(v any) any {
	if n, ok := v.(numpy); ok {
		return n.val
	}
	return v
}

// unwrap takes numpy's wrapping off everywhere.
func unwrap(v any) any {
	switch v := v.(type) {
	case numpy:
		return v.val
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = unwrap(e)
		}
		return out
	case *ordered.Map:
		out := new(ordered.Map)
		for key, x := range v.All() {
			out.Set(unwrap(key), unwrap(x))
		}
		return out
	}
	return v
}

// refuseNumpy puts a value of an unknown type where numpy's stands: where
// dvclive refuses numpy, Go has plain numbers only.
func refuseNumpy(v any) any {
	switch v := v.(type) {
	case numpy:
		return unknown
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = refuseNumpy(e)
		}
		return out
	case *ordered.Map:
		out := new(ordered.Map)
		for key, x := range v.All() {
			out.Set(refuseNumpy(key), refuseNumpy(x))
		}
		return out
	}
	return v
}
