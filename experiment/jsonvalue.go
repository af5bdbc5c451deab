package experiment

import (
	"errors"
	"iter"
	"math"
	"math/big"
	"strconv"

	"github.com/reprodl/reprodl/internal/pyjson"
)

var errJSON = errors.New("malformed JSON")

// parseJSON reads what Python's json.dumps writes, NaN and Infinity among it,
// keeping the order of keys. It reads back what this package wrote.
func parseJSON(data []byte) (any, error) {
	p := jsonParser{s: data}
	v := p.value(0)
	if p.bad || p.peek() != 0 {
		return nil, errJSON
	}
	return v, nil
}

type jsonParser struct {
	s   []byte
	i   int
	bad bool
}

func (p *jsonParser) fail() any { p.bad = true; p.i = len(p.s); return nil }

// peek skips blanks and returns the next byte, 0 at the end.
func (p *jsonParser) peek() byte {
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; c {
		case ' ', '\t', '\n', '\r':
		case 0:
			p.bad = true
			return 0
		default:
			return c
		}
	}
	return 0
}

func (p *jsonParser) word(w string, v any) any {
	if len(p.s)-p.i < len(w) || string(p.s[p.i:p.i+len(w)]) != w {
		return p.fail()
	}
	p.i += len(w)
	return v
}

func (p *jsonParser) value(depth int) any {
	if depth > 500 {
		return p.fail()
	}
	switch c := p.peek(); c {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.str()
	case 't':
		return p.word("true", true)
	case 'f':
		return p.word("false", false)
	case 'n':
		return p.word("null", nil)
	case 'N':
		return p.word("NaN", math.NaN())
	case 'I':
		return p.word("Infinity", math.Inf(1))
	default:
		return p.number()
	}
}

func (p *jsonParser) object(depth int) any {
	m := pyjson.NewMap()
	p.i++
	if p.peek() == '}' {
		p.i++
		return m
	}
	for {
		if p.peek() != '"' {
			return p.fail()
		}
		key := p.str()
		if p.peek() != ':' {
			return p.fail()
		}
		p.i++
		m.Set(key, p.value(depth+1))
		switch p.peek() {
		case ',':
			p.i++
		case '}':
			p.i++
			return m
		default:
			return p.fail()
		}
	}
}

func (p *jsonParser) array(depth int) any {
	list := []any{}
	p.i++
	if p.peek() == ']' {
		p.i++
		return list
	}
	for {
		list = append(list, p.value(depth+1))
		switch p.peek() {
		case ',':
			p.i++
		case ']':
			p.i++
			return list
		default:
			return p.fail()
		}
	}
}

func (p *jsonParser) str() any {
	start := p.i
	for p.i++; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			p.i++
		case '"':
			p.i++
			s, ok := unquoteJSON(p.s[start+1 : p.i-1])
			if !ok {
				return p.fail()
			}
			return s
		}
	}
	return p.fail()
}

func unquoteJSON(b []byte) (string, bool) {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			out = append(out, b[i])
			continue
		}
		if i++; i >= len(b) {
			return "", false
		}
		switch c := b[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n := unescape(b[i-1:])
			if n == 0 {
				return "", false
			}
			out = append(out, string(r)...)
			i += n - 2
		default:
			return "", false
		}
	}
	return string(out), true
}

// unescape decodes \uXXXX, or a pair of them, and returns its length.
func unescape(b []byte) (rune, int) {
	hex := func(b []byte) (rune, bool) {
		if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(b[2:6]), 16, 32)
		return rune(n), err == nil
	}
	hi, ok := hex(b)
	if !ok {
		return 0, 0
	}
	if hi >= 0xd800 && hi < 0xdc00 {
		if lo, ok := hex(b[6:]); ok && lo >= 0xdc00 && lo < 0xe000 {
			return (hi-0xd800)<<10 + (lo - 0xdc00) + 0x10000, 12
		}
	}
	return hi, 6
}

func (p *jsonParser) number() any {
	start, float := p.i, false
	for ; p.i < len(p.s); p.i++ {
		switch c := p.s[p.i]; {
		case c >= '0' && c <= '9', c == '-', c == '+':
		case c == '.', c == 'e', c == 'E':
			float = true
		case c == 'I' && p.i == start+1:
			return p.word("Infinity", math.Inf(-1))
		default:
			goto end
		}
	}
end:
	lit := string(p.s[start:p.i])
	if !float {
		if n, err := strconv.ParseInt(lit, 10, 64); err == nil {
			return n
		}
		if n, ok := new(big.Int).SetString(lit, 10); ok {
			return n
		}
		return p.fail()
	}
	f, err := strconv.ParseFloat(lit, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return p.fail()
	}
	return f
}

// entries ranges over the mappings in the mapping at key.
func entries(m *pyjson.Map, key string) iter.Seq2[string, *pyjson.Map] {
	return func(yield func(string, *pyjson.Map) bool) {
		v, _ := m.Get(key)
		sub, ok := v.(*pyjson.Map)
		if !ok {
			return
		}
		for k, v := range sub.All() {
			name, _ := k.(string)
			if vm, ok := v.(*pyjson.Map); ok && !yield(name, vm) {
				return
			}
		}
	}
}
