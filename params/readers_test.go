package params_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// TestReadersMatchDVC reads random Python and TOML files of which DVC 3.67.1
// has said what they hold. Python files that Python refuses are not compared:
// the reader does not check the syntax of what it passes over.
func TestReadersMatchDVC(t *testing.T) {
	path := os.Getenv("REPRODL_READER_CORPUS")
	if path == "" {
		path = "testdata/readers.jsonl.gz"
	}
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		r, err = gzip.NewReader(f)
		require.NoError(t, err)
	}
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	bad := 0
	for sc.Scan() {
		v, err := pyjson.Decode(path, sc.Bytes())
		require.NoError(t, err)
		rec := v.([]any)
		name, text, ok := rec[0].(string), rec[1].(string), rec[2].(bool)
		got, err := params.Parse(name, []byte(text))
		switch {
		case !ok && name == "p.py":
		case ok != (err == nil):
			bad++
			t.Errorf("%s %q: error %v, DVC: %v", name, text, err, rec[3])
		case ok:
			if a, b := pyjson.Repr(encoded(got.Value())), pyjson.Repr(rec[3]); a != b {
				bad++
				t.Errorf("%s %q:\n got %s\nwant %s", name, text, a, b)
			}
		}
		if bad > 12 {
			break
		}
	}
	require.NoError(t, sc.Err())
	assert.Zero(t, bad)
}
