package dvcyaml_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/golden"
)

func TestDecodeErrorsTellThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: 2\na: 3\n":            `x.yaml:3:1: found duplicate key "a" with value "3" (original value: "1")`,
		"1: x\ntrue: y\n":               `x.yaml:2:1: found duplicate key "True" with value "y" (original value: "x")`,
		"a:\n\tb: 1\n":                  "x.yaml:2:1: found a tab, which cannot start any token",
		"a: b: c\n":                     "x.yaml:1:5: mapping values are not allowed here",
		"a: [1, 2\nb: 3\n":              "x.yaml:2:2: a key must stand on one line",
		"a: \"x\nb: 1\n":                "x.yaml:1:4: quoted scalar has no end",
		"a: *x\n":                       `x.yaml:1:4: found undefined alias "x"`,
		"a: 1\n---\nb: 2\n":             "x.yaml:2:1: expected a single document, but found another",
		"a: é\nb: \"\\q\"\n":            "x.yaml:2:5: unknown escape character 'q'",
		"é: 1\né: 2\n":                  `x.yaml:2:1: found duplicate key "é" with value "2" (original value: "1")`,
		"a: !foo x\n":                   `x.yaml:1:4: could not determine a constructor for the tag "!foo"`,
		"a:\n  b: 1\n c: 2\n":           "x.yaml:3:2: expected the end of the block, but found \"c: 2\"",
		"a: \x01\n":                     "x.yaml:1:4: special characters are not allowed: U+0001",
		"<<: 5\n":                       "x.yaml:1:5: expected a mapping or a list of mappings for merging",
		"stages:\n  s:\n  cmd: x\n y\n": "x.yaml:4:2: expected the end of the block, but found \"y\"",
	} {
		_, err := dvcyaml.Decode("x.yaml", []byte(text))
		assert.EqualError(t, err, want, text)
	}
}

func TestDecodeStopsBombs(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	_, err := dvcyaml.Decode("x.yaml", []byte(b.String()))
	assert.ErrorContains(t, err, "too large once its aliases are followed")
	_, err = dvcyaml.Decode("x.yaml", []byte(strings.Repeat("[", 100_000)))
	assert.ErrorContains(t, err, "nested")
	_, err = dvcyaml.Decode("x.yaml", []byte(strings.Repeat("- ", 100_000)))
	assert.ErrorContains(t, err, "nested")
	_, err = dvcyaml.Decode("x.yaml", []byte("&a [*a]"))
	assert.ErrorContains(t, err, "undefined alias")
}

func TestAliasesAreShared(t *testing.T) {
	text := "a: &id001\n- 1\nb: *id001\nc: &id002 {}\nd: *id002\ne: &id003 []\nf:\n- *id003\n"
	v, err := dvcyaml.Decode("x.yaml", []byte(text))
	require.NoError(t, err)
	assert.Equal(t, "a: &id001\n- 1\nb: *id001\nc: &id002 {}\nd: *id002\ne: &id003 []\nf:\n- *id003\n", string(dvcyaml.Marshal(v)))
	v, err = dvcyaml.Decode("x.yaml", []byte("l:\n- &x {a: 1}\n- *x\n- &y [1]\n- *y\nm: *x\n"))
	require.NoError(t, err)
	assert.Equal(t, "l:\n- &id001\n  a: 1\n- *id001\n- &id002\n  - 1\n- *id002\nm: *id001\n", string(dvcyaml.Marshal(v)))
}

func TestMergeKeys(t *testing.T) {
	v, err := dvcyaml.Decode("x.yaml", []byte("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  x: 9\n  <<: [*a, *b]\n"))
	require.NoError(t, err)
	c, _ := v.(*dvcyaml.Map).Get("c")
	assert.Equal(t, "y: 2\nz: 4\nx: 9\n", string(dvcyaml.Marshal(c)))
}

func TestParseNodePositions(t *testing.T) {
	n, err := dvcyaml.ParseNode("x.yaml", []byte("stages:\n  train:\n    deps:\n    - é\n    - b: {c: 1}\n"))
	require.NoError(t, err)
	deps := n.Get("stages").Get("train").Get("deps")
	assert.Equal(t, [2]int{4, 5}, [2]int{deps.Line, deps.Column})
	c := deps.Items[1].Get("b").Get("c")
	assert.Equal(t, [2]int{5, 14}, [2]int{c.Line, c.Column})
	assert.Equal(t, int64(1), c.Value)
}

// TestGoldenFilesAreRewrittenAsTheyAre reads every lock file and .dvc file of
// the recorded cases and writes it again, from the value and as a document.
func TestGoldenFilesAreRewrittenAsTheyAre(t *testing.T) {
	root := golden.Dir(t, "dvc")
	files := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "dvc.lock" && filepath.Ext(path) != ".dvc" || !strings.Contains(path, "expect") {
			return err
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		files++
		v, err := dvcyaml.Decode(path, data)
		require.NoError(t, err)
		if !strings.Contains(string(data), "#") { // a file that DVC made alone
			assert.Equal(t, string(data), string(dvcyaml.Marshal(v)), path)
		}
		doc, err := dvcyaml.ParseDocument(path, data)
		require.NoError(t, err)
		assert.Equal(t, string(data), string(doc.Bytes()), path)
		return nil
	})
	require.NoError(t, err)
	assert.NotZero(t, files)
	t.Logf("%d files", files)
}
