package params

import (
	"cmp"
	"errors"
	"fmt"
	"github.com/reprodl/reprodl/internal/lazyregexp"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/params/pyjson"
)

var argumentStart = lazyregexp.New(`^([A-Za-z_][\w-]*)[ \t]*=[ \t]*`)

// maxSweep bounds the number of runs that a sweep may ask for.
const maxSweep = 1_000_000

// Sweep expands overrides with several values to all their combinations, the
// first override varying slowest, each a list of overrides with one value:
//
//	lr=0.1,0.01            the values between commas
//	lr=choice(0.1,0.01)    the same
//	seed=range(0,5)        0, 1, 2, 3, 4; range(0,1,0.25) and range(5) work too
//	lr=sort(…), shuffle(…), tag(a,b,choice(…))
//
// Of two overrides of one key the last counts. Overrides with one value are
// part of every combination. interval and glob are refused.
func Sweep(overrides ...string) ([][]string, error) {
	var keys []string
	values := map[string][]string{}
	for _, text := range overrides {
		o, err := parseOverride(text)
		if err != nil {
			return nil, err
		}
		key := operators[o.op] + o.key
		if _, seen := values[key]; !seen {
			keys = append(keys, key)
		}
		// A bare ~lr has the value nil here, and comes out as ~lr=null, which
		// deletes without a condition, too.
		list := []any{o.value}
		if s, ok := o.value.(*sweep); ok {
			if list, err = s.values(); err != nil {
				return nil, o.fail("%s: %v", text, err)
			}
		}
		texts := make([]string, len(list))
		for i, v := range list {
			texts[i] = key + "=" + elementText(v)
		}
		values[key] = texts
	}
	combinations := [][]string{nil}
	for _, key := range keys {
		if len(combinations)*len(values[key]) > maxSweep {
			return nil, &reason{fmt.Sprintf("the sweep has more than %d combinations", maxSweep), ErrOverride}
		}
		// Each key multiplies what there is, so the last one varies fastest, as
		// in itertools.product.
		var next [][]string
		for _, c := range combinations {
			for _, v := range values[key] {
				next = append(next, append(slices.Clone(c), v))
			}
		}
		combinations = next
	}
	return combinations, nil
}

// IsSweep reports whether any of the overrides has several values.
func IsSweep(overrides ...string) bool {
	for _, text := range overrides {
		if o, err := parseOverride(text); err == nil {
			if _, ok := o.value.(*sweep); ok {
				return true
			}
		}
	}
	return false
}

// values lists what the sweep goes through.
func (s *sweep) values() ([]any, error) {
	list := s.list
	switch {
	case s.continuous:
		return nil, errors.New("an interval cannot be enumerated")
	case s.glob:
		return nil, errors.New("glob override is not supported")
	case s.isRange:
		var err error
		if list, err = s.enumerate(); err != nil {
			return nil, err
		}
	}
	// The order is another one at every call, as with Python's random: no seed
	// is promised.
	if s.shuffle {
		list = slices.Clone(list)
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list, nil
}

// enumerate lists a range; with fractions it counts in decimals, so that
// range(0,1,0.1) has no 0.30000000000000004.
func (s *sweep) enumerate() ([]any, error) {
	// By way of repr: 0.1 stands for one tenth, not for the binary fraction
	// next to it.
	exact := func(v any) *big.Rat {
		r, _ := new(big.Rat).SetString(pyjson.Repr(v))
		return r
	}
	x, end, step := exact(s.start), exact(s.end), exact(s.step)
	if x == nil || end == nil || step == nil {
		return nil, errors.New("the bounds of a range must be finite")
	}
	_, startInt := s.start.(int64)
	_, endInt := s.end.(int64)
	_, stepInt := s.step.(int64)
	whole := startInt && endInt && stepInt
	var list []any
	for x.Cmp(end)*step.Sign() < 0 {
		if len(list) >= maxSweep {
			return nil, fmt.Errorf("a range of more than %d values", maxSweep)
		}
		f, _ := x.Float64()
		if whole {
			list = append(list, x.Num().Int64())
		} else {
			list = append(list, f)
		}
		x.Add(x, step)
	}
	return list, nil
}

// shuffleValues marks a sweep to be shuffled when it is enumerated; a list,
// which is one value, is shuffled at once.
func shuffleValues(args arguments) (any, error) {
	list := args.list
	for _, name := range []string{"list", "sweep"} {
		if v, ok := args.named[name]; ok {
			list = []any{v}
		}
	}
	if len(list) != 1 {
		return &sweep{list: list, simple: true, shuffle: true}, nil
	}
	switch v := list[0].(type) {
	case *sweep:
		out := *v
		out.shuffle = true
		return &out, nil
	case []any:
		v = slices.Clone(v)
		rand.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		return v, nil
	}
	// A scalar becomes a list of one, in Hydra as well.
	return list, nil
}

// sortValues sorts several arguments or a sweep, which then go through their
// values in order, or a list, which stays one value. A single scalar is itself.
func sortValues(args arguments) (any, error) {
	reverse := args.named["reverse"] == true
	list := args.list
	for _, name := range []string{"list", "sweep"} {
		if v, ok := args.named[name]; ok {
			list = []any{v}
		}
	}
	if len(list) == 0 {
		return nil, errors.New("empty sort input")
	}
	if len(list) > 1 {
		sorted, err := sortList(list, reverse)
		return &sweep{list: sorted, simple: true}, err
	}
	switch v := list[0].(type) {
	case []any:
		return sortList(v, reverse)
	case *sweep:
		out := *v
		if v.isRange {
			out.orient(reverse)
			return &out, nil
		}
		var err error
		out.list, err = sortList(v.list, reverse)
		return &out, err
	}
	return list[0], nil
}

// sortList is Python's sorted: stable, also in reverse, with booleans among the
// numbers. Texts and numbers have no order between them, which is an error.
func sortList(list []any, reverse bool) ([]any, error) {
	out := slices.Clone(list)
	// The comparison cannot fail, so it notes that it met two values that have
	// no order.
	mixed := false
	slices.SortStableFunc(out, func(a, b any) int {
		if reverse {
			a, b = b, a
		}
		x, okX := pyjson.Number(a)
		y, okY := pyjson.Number(b)
		if okX && okY {
			return cmp.Compare(x, y)
		}
		s, okS := a.(string)
		t, okT := b.(string)
		mixed = mixed || !okS || !okT
		return strings.Compare(s, t)
	})
	if mixed {
		return nil, errors.New("values of different types cannot be sorted")
	}
	return out, nil
}

// orient turns a range round so that it ascends, or descends: its last value
// becomes its first, and both ends move by one step.
// Where the step does not divide the range this yields other values than
// before, as in Hydra: range(0,10,3) is 0, 3, 6, 9, and 7, 4, 1, -2 in reverse.
func (s *sweep) orient(descend bool) {
	a, _ := pyjson.Number(s.start)
	b, _ := pyjson.Number(s.end)
	if a == b || descend == (a > b) {
		return
	}
	move := s.step
	if f, _ := pyjson.Number(move); (f < 0) != descend {
		move = difference(int64(0), move)
	}
	s.start, s.end = plus(s.end, move), plus(s.start, move)
	s.step = difference(int64(0), s.step)
}

// difference is a - b, an integer if both are. The bounds of a range are
// numbers, so it cannot fail.
func difference(a, b any) any {
	d, _ := pyjson.Subtract(a, b)
	return d
}

func plus(a, b any) any { return difference(a, difference(int64(0), b)) }

// elementText writes a value in the grammar of overrides.
func elementText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case quoted:
		q := string(v.quote)
		text := v.text
		if strings.Contains(text, q) || strings.HasSuffix(text, `\`) {
			text = escapeQuotes(text, v.quote)
		}
		return q + text + q
	case reference:
		return escapeText(string(v))
	case string:
		return escapeText(v)
	case bool:
		return pyjson.Str(v)
	case []any:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = elementText(x)
		}
		return "[" + strings.Join(parts, ",") + "]"
	case *Map:
		var parts []string
		for k, x := range v.All() {
			parts = append(parts, elementText(k)+":"+elementText(x))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return pyjson.Str(v)
}

// escapeText writes text without quotes, with a backslash before each character
// that would end it or be passed over.
func escapeText(s string) string {
	if s == "" || !strings.ContainsAny(s, escapedChars) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(escapedChars, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escapeQuotes puts backslashes before quotes and doubles those that precede
// a quote or the end.
func escapeQuotes(s string, quote byte) string {
	var b strings.Builder
	slashes := 0
	for i := range len(s) {
		switch s[i] {
		case '\\':
			slashes++
		case quote:
			b.WriteString(strings.Repeat(`\`, slashes+1))
			slashes = 0
		default:
			slashes = 0
		}
		b.WriteByte(s[i])
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	return b.String()
}

// Text writes a value the way an override spells it, so that key=Text(v) sets
// key to v: for programs that make overrides.
func Text(v any) string {
	s, ok := v.(string)
	if !ok {
		return elementText(v)
	}
	// Without quotes only where it is read back as this very text: not true,
	// 1e3 or null, and nothing that has a meaning to the grammar.
	if t, same := guess(s).(string); same && t == s && s != "" && isFreeText(s) {
		return s
	}
	return elementText(quoted{s, '\''})
}

func isFreeText(s string) bool {
	for i := range len(s) {
		c := s[i]
		if strings.IndexByte("/-+.%*@?|_:", c) < 0 && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
