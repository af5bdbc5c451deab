package dvcfile_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// shapes are valid values, which mutate spoils.
var shapes = map[string]string{
	"project": `{"vars": ["v.yaml", {"a": 1}], "params": ["p"], "metrics": ["m"], "plots": ["p.csv", {"n": {"x": {"a": "b"}, "y": {"a": ["b"]}, "title": "t"}}, {"z": null}],
		"artifacts": {"a": {"path": "p", "type": "t", "labels": ["l"], "meta": 1}}, "datasets": [1],
		"stages": {"s": {"cmd": "c", "wdir": "w", "deps": ["d"], "params": ["a", {"f": ["k"]}], "vars": [{"x": 1}], "frozen": true, "always_changed": false,
			"desc": "d", "meta": {}, "outs": ["o", {"p": {"cache": true, "labels": ["l"], "push": false}}], "metrics": [{"m": {"persist": true}}],
			"plots": ["p", {"q": {"x": "a", "header": false}}]},
			"g": {"foreach": ["a"], "do": {"cmd": ["a", "b"]}}, "m": {"matrix": {"x": ["a"], "y": "ab"}, "cmd": "c"}}}`,
	"lock": `{"schema": "2.0", "stages": {"s": {"cmd": "c", "deps": [{"path": "p", "md5": "abc123", "size": 1, "nfiles": 2, "isexec": true, "hash": "md5"}],
		"params": {"p.yaml": {"a": 1}}, "outs": [{"path": "o", "etag": "abcd", "version_id": "v", "files": [{"relpath": "r", "md5": "abc"}]}]}}}`,
	"dvc": `{"md5": "abc123", "wdir": "..", "deps": [{"path": "p", "md5": null}], "outs": [{"path": "o", "md5": "abc", "cache": true, "desc": "d", "labels": ["l"], "remote": "r"}],
		"locked": false, "frozen": true, "always_changed": false, "desc": "d", "meta": 1}`,
}

// mutate replaces, adds or removes something somewhere inside v.
func mutate(rng *rand.Rand, v any) any {
	junk := []any{nil, true, 5.0, 2.5, "x", []any{}, []any{1.0}, map[string]any{}, map[string]any{"k": 1.0}, []any{"a", 1.0}, "", []any{map[string]any{"k": nil}}}
	if rng.IntN(4) == 0 {
		return junk[rng.IntN(len(junk))]
	}
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		switch {
		case len(keys) == 0 || rng.IntN(6) == 0:
			v[[]string{"extra", "cmd", "path", "do", "cache"}[rng.IntN(5)]] = junk[rng.IntN(len(junk))]
		case rng.IntN(6) == 0:
			delete(v, keys[rng.IntN(len(keys))])
		default:
			k := keys[rng.IntN(len(keys))]
			v[k] = mutate(rng, v[k])
		}
		return v
	case []any:
		if len(v) == 0 || rng.IntN(5) == 0 {
			return append(v, junk[rng.IntN(len(junk))])
		}
		i := rng.IntN(len(v))
		v[i] = mutate(rng, v[i])
		return v
	}
	return junk[rng.IntN(len(junk))]
}

// TestSchemasAgainstDVC spoils values and expects the violations that DVC's own
// schemas name.
func TestSchemasAgainstDVC(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	type spoiled struct {
		Kind  string `json:"kind"`
		Value any    `json:"value"`
	}
	var cases []spoiled
	var in bytes.Buffer
	for _, kind := range []string{"project", "lock", "dvc"} {
		for range 150 {
			var v any
			require.NoError(t, json.Unmarshal([]byte(shapes[kind]), &v))
			for range 1 + rng.IntN(2) {
				v = mutate(rng, v)
			}
			cases = append(cases, spoiled{kind, v})
			require.NoError(t, json.NewEncoder(&in).Encode(cases[len(cases)-1]))
		}
	}
	answers := askPython(t, "validate.py", &in)
	require.Len(t, answers, len(cases))
	for i, c := range cases {
		var want [][2]string
		require.NoError(t, json.Unmarshal(answers[i], &want))
		text, err := json.Marshal(c.Value)
		require.NoError(t, err)
		got := dvcfile.Violations(c.Kind, text)
		byPath := func(a, b [2]string) int { return bytes.Compare([]byte(a[1]), []byte(b[1])) }
		slices.SortStableFunc(want, byPath)
		slices.SortStableFunc(got, byPath)
		if len(want) == 0 {
			want = nil
		}
		assert.Equal(t, want, got, "%s %s", c.Kind, text)
	}
}
