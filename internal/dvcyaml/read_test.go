package dvcyaml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// encoded turns a value into the form of the recorded corpus, where a mapping
// is {"M": [[key, value], ...]} and a time is {"T": text}.
func encoded(v any) any {
	switch v := v.(type) {
	case *dvcyaml.Map:
		pairs := []any{}
		for k, x := range v.All() {
			pairs = append(pairs, []any{encoded(k), encoded(x)})
		}
		return pyjson.NewMap("M", pairs)
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = encoded(x)
		}
		return l
	case nil, bool, int64, float64, string:
		return v
	}
	if s := pyjson.Repr(v); len(s) > 0 && s[0] != '{' {
		if _, ok := v.(interface{ Year() int }); !ok {
			return v
		}
	}
	return pyjson.NewMap("T", strings.TrimSpace(string(dvcyaml.Marshal([]any{v})[2:])))
}

func TestDecodeMatchesRuamel(t *testing.T) {
	lenient, strict, bad := 0, 0, 0
	n := 0
	corpus(t, corpusFile("read.jsonl"), func(line int, f []any) {
		n++
		text, ok := f[0].(string), f[1].(bool)
		v, err := dvcyaml.Decode("x.yaml", []byte(text))
		switch {
		case ok && err != nil:
			strict++
			if strict <= 10 {
				t.Logf("line %d: refused %q: %v", line, text, err)
			}
		case !ok && err == nil:
			lenient++
			if lenient <= 10 {
				t.Logf("line %d: accepted %q, ruamel: %v", line, text, f[2])
			}
		case ok:
			got, want := pyjson.Repr(encoded(v)), pyjson.Repr(f[2])
			if got != want && bad < 10 {
				bad++
				t.Errorf("line %d: %q\n got %s\nwant %s", line, text, got, want)
			}
		}
	})
	t.Logf("%d texts, %d refused that ruamel reads, %d accepted that it refuses", n, strict, lenient)
	assert.Zero(t, strict)
	assert.Zero(t, lenient)
}
