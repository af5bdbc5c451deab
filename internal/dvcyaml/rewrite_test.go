package dvcyaml_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// The files that DVC's library writes differently are its own slips: it moves
// comments that follow an appended or emptied collection, and at times writes
// what it cannot read back. The bound keeps them few; what we write must
// always hold the right value.
func TestRewriteMatchesRuamel(t *testing.T) {
	count, bad := map[string]int{}, map[string]int{}
	corpus(t, corpusFile("rewrite.jsonl"), func(line int, f []any) {
		text, op, want := f[0].(string), f[1].(string), f[3].(string)
		count[op]++
		d, err := dvcyaml.ParseDocument("x.yaml", []byte(text))
		require.NoError(t, err, text)
		value := d.Value()
		switch op {
		case "update":
			value = f[2]
			d.Update(value)
		case "merge":
			value = f[2]
			d.Merge(value.(*dvcyaml.Map))
		}
		got := string(d.Bytes())
		back, err := dvcyaml.Decode("x.yaml", []byte(got))
		require.NoError(t, err, "from %s\ngot %s", text, got)
		require.True(t, pyjson.Equal(value, back), "from %s\ngot %s", text, got)
		if got == want {
			return
		}
		bad[op]++
		if os.Getenv("REPRODL_YAML_ALL") != "" {
			t.Logf("line %d, %s\n--- from\n%s--- value %v\n--- got\n%s--- want\n%s", line, op, text, string(dvcyaml.Marshal(f[2])), got, want)
		}
	})
	for op, n := range count {
		t.Logf("%s: %d of %d differ", op, bad[op], n)
		assert.LessOrEqual(t, bad[op]*100, n*3, op)
	}
}
