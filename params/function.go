package params

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

// sweep is several values, one for each run.
type sweep struct {
	list       []any
	simple     bool // written as a,b,c
	isRange    bool
	start, end any // of a range, with step
	step       any
	shuffle    bool
	continuous bool // interval(...), which cannot be enumerated
	glob       bool // glob(...), which needs a config group
}

// arguments of a function call: those by position, and after them those by
// name.
type arguments struct {
	list  []any
	named map[string]any
}

// call reads the arguments of a function, after its bracket, and evaluates it.
func (p *valueParser) call(name string) (any, error) {
	args := arguments{named: map[string]any{}}
	for first := true; !p.close(')'); first = false {
		if !first && !p.eat(',') {
			return nil, p.fail("expected ',' or ')'")
		}
		argument := ""
		if m := argumentStart.FindStringSubmatch(p.s[p.pos:]); m != nil {
			argument = m[1]
			p.pos += len(m[0])
		}
		v, err := p.element()
		if err != nil {
			return nil, err
		}
		// Hydra unquotes the arguments themselves, though not what stands in a
		// list or mapping among them.
		if q, ok := v.(quoted); ok {
			v = q.text
		}
		switch {
		case argument != "":
			args.named[argument] = v
		case len(args.named) > 0:
			return nil, errors.New("positional argument follows keyword argument")
		default:
			args.list = append(args.list, v)
		}
	}
	v, err := evaluate(name, args)
	if err != nil {
		return nil, fmt.Errorf("while evaluating %s: %w", name, err)
	}
	return v, nil
}

// evaluate calls one of Hydra's functions. These are all that Hydra registers;
// DVC adds none.
func evaluate(name string, args arguments) (any, error) {
	switch name {
	case "int", "float", "str", "bool":
		return castAll(name, args)
	case "choice":
		return choice(args)
	case "range":
		return newRange(args)
	case "sort":
		return sortValues(args)
	case "shuffle":
		return shuffleValues(args)
	case "tag":
		// Tags serve Hydra's sweepers, and DVC drops them: a tagged sweep is
		// the sweep.
		list := args.list
		if s, ok := args.named["sweep"]; ok {
			list = append(list, s)
		}
		if len(list) > 0 {
			if s, ok := list[len(list)-1].(*sweep); ok {
				return s, nil
			}
		}
		return nil, errors.New("the last argument of tag must be a sweep")
	case "interval":
		return &sweep{continuous: true}, nil
	case "glob":
		return &sweep{glob: true}, nil
	}
	return nil, fmt.Errorf("unknown function '%s'; available: bool,choice,float,glob,int,interval,range,shuffle,sort,str,tag", name)
}

// castAll applies a cast to its argument, to each of several, or to every
// value of a collection or sweep.
func castAll(name string, args arguments) (any, error) {
	v, named := args.named["value"]
	switch {
	case named && len(args.list) > 0 || !named && len(args.list) == 0:
		return nil, errors.New("expected a value")
	case !named && len(args.list) == 1:
		v = args.list[0]
	// int(1.2,3.4) is a sweep over both, as if it were written
	// int(1.2),int(3.4).
	case !named:
		v = &sweep{list: args.list, simple: true}
	}
	return castDeep(name, v)
}

// castDeep casts the scalars of v, and never its keys. Collections are copied.
func castDeep(name string, v any) (any, error) {
	switch v := v.(type) {
	case quoted:
		return cast(name, v.text)
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			var err error
			if out[i], err = castDeep(name, x); err != nil {
				return nil, err
			}
		}
		return out, nil
	case *Map:
		out := &Map{}
		for k, x := range v.All() {
			y, err := castDeep(name, x)
			if err != nil {
				return nil, err
			}
			out.Set(k, y)
		}
		return out, nil
	case *sweep:
		return castSweep(name, v)
	}
	return cast(name, v)
}

// castSweep casts what the sweep goes through: of a range the bounds and the
// step, not the values between them, as Hydra does.
func castSweep(name string, s *sweep) (any, error) {
	out := *s
	if s.isRange {
		if name != "int" && name != "float" {
			return nil, errors.New("a range can only be cast to int or float")
		}
		for _, at := range []*any{&out.start, &out.end, &out.step} {
			v, err := cast(name, *at)
			if err != nil {
				return nil, err
			}
			*at = v
		}
		return &out, nil
	}
	list, err := castDeep(name, s.list)
	if err != nil {
		return nil, err
	}
	out.list = list.([]any)
	return &out, nil
}

// cast converts a scalar as Python's int, float, str and bool do, with true
// and false spelled in lower case.
func cast(name string, v any) (any, error) {
	bad := fmt.Errorf("cannot cast %s to %s", pyjson.Repr(v), name)
	switch name {
	case "str":
		// Hydra writes true, not Python's True, so that the text is a boolean
		// again for the grammar.
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), nil
		}
		if v == nil {
			return nil, bad
		}
		return pyjson.Str(v), nil
	case "bool":
		if s, ok := v.(string); ok {
			switch strings.ToLower(s) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
			return nil, bad
		}
		return !falsy(v), nil
	}
	f, isNumber := pyjson.Number(v)
	if s, ok := v.(string); ok {
		v = guess(strings.TrimSpace(s))
		f, isNumber = pyjson.Number(v)
		// Python's int reads no "1.5", though it takes the float 1.5.
		if _, isFloat := v.(float64); isFloat && name == "int" {
			return nil, bad
		}
	}
	switch {
	case !isNumber:
		return nil, bad
	case name == "float":
		return f, nil
	}
	switch x := v.(type) {
	case bool:
		return int64(f), nil
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, bad
		}
		// int(1e30) is exact in Python, however many digits it has.
		n, _ := new(big.Float).SetFloat64(math.Trunc(x)).Int(nil)
		if n.IsInt64() {
			return n.Int64(), nil
		}
		return n, nil
	}
	return v, nil
}

// choice makes a sweep of its arguments, or of a simple sweep that is its only
// one: choice(a,b) and choice(str(1,2)) are both fine, choice(choice(a,b)) is
// not.
func choice(args arguments) (any, error) {
	if len(args.list) == 0 {
		return nil, errors.New("empty choice is not legal")
	}
	if s, ok := args.list[0].(*sweep); ok && len(args.list) == 1 {
		if !s.simple {
			return nil, errors.New("nesting choices is not supported")
		}
		out := *s
		out.simple = false
		return &out, nil
	}
	for _, v := range args.list {
		if _, isSweep := v.(*sweep); v == nil || isSweep {
			return nil, fmt.Errorf("%s cannot be a choice", pyjson.Repr(v))
		}
	}
	return &sweep{list: args.list}, nil
}

// newRange makes a sweep of range(stop), range(start,stop) or
// range(start,stop,step). It is not enumerated yet, because sort and the casts
// work on its bounds.
func newRange(args arguments) (any, error) {
	s := &sweep{isRange: true, start: int64(0), step: int64(1)}
	values := slices.Clone(args.list)
	for i, name := range []string{"start", "stop", "step"} {
		if v, ok := args.named[name]; ok {
			for len(values) <= i {
				values = append(values, nil)
			}
			values[i] = v
		}
	}
	for _, v := range values {
		switch v.(type) {
		case int64, float64, nil:
		default:
			return nil, fmt.Errorf("%s is no number", pyjson.Repr(v))
		}
	}
	switch {
	case len(values) == 0 || len(values) > 3 || values[0] == nil:
		return nil, errors.New("range takes a start, a stop and a step")
	case len(values) == 1 || values[1] == nil:
		s.end = values[0]
	default:
		s.start, s.end = values[0], values[1]
	}
	if len(values) == 3 {
		s.step = values[2]
	}
	// A null step counts as zero here and is refused, too.
	if f, _ := pyjson.Number(s.step); f == 0 {
		return nil, errors.New("the step of a range must not be zero")
	}
	return s, nil
}
