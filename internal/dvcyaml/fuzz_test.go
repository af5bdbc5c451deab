package dvcyaml_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

var seeds = []string{
	"a: 1\nb: [x, {y: z}]\nc: |\n  text\n\n  more\nd: >-\n  folded\n  text\n", "? k\n: v\n- ", "&a [*a]", "x: &a {p: 1}\ny:\n  <<: *a\n",
	"a: 'it''s'\nb: \"q\\n\\u00e9\\\n  x\"\n", "- - 1\n  - # c\n  -\n", "stages:\n  s:\n    cmd: python train.py # run\n    deps: [a, b]\n", "{a: [b, ? c : d], e}", "%YAML 1.2\n---\na\n...\n",
}

// A value that was read is written, and what was written is read back.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := dvcyaml.Decode("x.yaml", data)
		if err != nil {
			return
		}
		_, err = pyjson.Marshal(v, pyjson.Style{})
		if err != nil {
			return // dates, or keys that JSON does not have
		}
		dvcyaml.Marshal(v)
	})
}

// A document that is not changed keeps its value.
func FuzzDocument(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := dvcyaml.ParseDocument("x.yaml", data)
		if err != nil {
			return
		}
		before := pyjson.Repr(d.Value())
		out := d.Bytes()
		v, err := dvcyaml.Decode("x.yaml", out)
		if err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		if m, ok := v.(*dvcyaml.Map); ok && m.Len() > 0 {
			require.Equal(t, before, pyjson.Repr(v), "%q became %q", data, out)
		}
	})
}
