package dvcyaml_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// corpus calls each with the fields of every line of a recorded file: lines of
// JSON lists of what went into ruamel.yaml 0.19.1 and what came out.
func corpus(t *testing.T, path string, each func(line int, fields []any)) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<24)
	for line := 1; sc.Scan(); line++ {
		v, err := pyjson.Decode(path, sc.Bytes())
		require.NoError(t, err)
		each(line, v.([]any))
	}
	require.NoError(t, sc.Err())
}

// corpusFile is the recorded file, or one given by the environment for longer
// campaigns.
func corpusFile(name string) string {
	if dir := os.Getenv("REPRODL_YAML_CORPUS"); dir != "" {
		return filepath.Join(dir, name)
	}
	return filepath.Join("testdata", name+".gz")
}

func TestMarshalMatchesRuamel(t *testing.T) {
	bad := 0
	corpus(t, corpusFile("marshal.jsonl"), func(line int, f []any) {
		got, want := dvcyaml.Marshal(f[0]), f[1].(string)
		if !bytes.Equal(got, []byte(want)) && bad < 10 {
			bad++
			t.Errorf("line %d: %s\n got %q\nwant %q", line, pyjson.Repr(f[0]), got, want)
		}
	})
}

// TestAnchorsMatchRuamel reads documents with shared collections, as ruamel
// wrote them, and writes them again from the value and as documents.
func TestAnchorsMatchRuamel(t *testing.T) {
	corpus(t, corpusFile("shared.jsonl"), func(line int, f []any) {
		text := f[0].(string)
		v, err := dvcyaml.Decode("x.yaml", []byte(text))
		require.NoError(t, err)
		require.Equal(t, text, string(dvcyaml.Marshal(v)))
		d, err := dvcyaml.ParseDocument("x.yaml", []byte(text))
		require.NoError(t, err)
		require.Equal(t, text, string(d.Bytes()))
	})
}
