package live

import (
	"bytes"
	"io/fs"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params/pyjson"
)

func points(t testing.TB, text string) ([]Point, error) {
	t.Helper()
	fsys := fstest.MapFS{"plots/metrics/m.tsv": {Data: []byte(text)}}
	var out []Point
	for p, err := range Points(fsys, "m") {
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

func TestPoints(t *testing.T) {
	got, err := points(t, "step\tm\n0\t1.5\n1\tTrue\n1700000000000\t2\t1e-05\n3\t\"a\"\"b\tc\"\n4\t\n5\t0.12")
	require.NoError(t, err)
	nan := got[3].Value
	assert.True(t, math.IsNaN(nan) && math.IsNaN(got[4].Value))
	got[3].Value, got[4].Value = 0, 0
	assert.Equal(t, []Point{
		{Step: 0, Value: 1.5, Text: "1.5"},
		{Step: 1, Value: 1, Text: "True"},
		{Step: 2, Value: 1e-5, Text: "1e-05", Time: time.UnixMilli(1700000000000)},
		{Step: 3, Text: "a\"b\tc"},
		{Step: 4, Text: ""},
	}, got, "the last line is being written")
}

func TestPointsErrors(t *testing.T) {
	_, err := points(t, "step\tm\n0\t1\nx\t2\n")
	assert.ErrorContains(t, err, "plots/metrics/m.tsv:3: step")
	_, err = points(t, "step\tm\n0\t1\t2\t3\n")
	assert.ErrorIs(t, err, errRow)
	for _, err := range Points(fstest.MapFS{}, "m") {
		assert.ErrorIs(t, err, fs.ErrNotExist)
	}
	got, err := points(t, "")
	assert.NoError(t, err)
	assert.Empty(t, got)
}

func TestPointsLongLines(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	got, err := points(t, "step\tm\n0\t"+long+"\n1\t2\n")
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Len(t, got[0].Text, len(long))
}

func TestSummaryReads(t *testing.T) {
	fsys := fstest.MapFS{"metrics.json": {Data: []byte(`{"a": {"b": [1, null, true]}, "n": NaN, "big": 123456789012345678901234567890, "f": 1e5, "s": "\u00e9\ud83d\ude00\/"}`)}}
	m, err := Summary(fsys)
	require.NoError(t, err)
	assert.True(t, math.IsNaN(m["n"].(float64)))
	delete(m, "n")
	big, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	assert.Equal(t, map[string]any{"a": map[string]any{"b": []any{int64(1), nil, true}}, "big": big, "f": 1e5, "s": "é😀/"}, m)
	for _, bad := range []string{"", "[]", "{", `{"a": 01}`, `{"a": 1,}`, "{} x", `{"a": "` + "\n" + `"}`, strings.Repeat("[", 2000)} {
		_, err := Summary(fstest.MapFS{"metrics.json": {Data: []byte(bad)}})
		assert.Error(t, err, "%.20q", bad)
	}
}

func TestKeepUntil(t *testing.T) {
	many := "step\tm\n" + strings.Repeat("1\tx\n", 100000)
	for _, c := range []struct {
		name, text string
		from       int
		want       string
	}{
		{"nothing to drop", "step\tm\n0\t1\n1\t2\n", 2, "step\tm\n0\t1\n1\t2\n"},
		{"later rows", "step\tm\n0\t1\n5\t2\n6\t2\n", 5, "step\tm\n0\t1\n"},
		{"torn line", "step\tm\n0\t1\n1\t", 9, "step\tm\n0\t1\n"},
		{"torn header", "step", 0, ""},
		{"only a header", "step\tm\n", 0, "step\tm\n"},
		{"all rows", "step\tm\n3\t1\n", 0, "step\tm\n"},
		{"timestamps", "timestamp\tstep\tm\n1700\t0\t1\n1700\t1\t1\n", 1, "timestamp\tstep\tm\n1700\t0\t1\n"},
		{"carriage returns", "timestamp\tstep\tm\r\n1700\t0\t1\r\n1700\t1\t1\r\n", 1, "timestamp\tstep\tm\r\n1700\t0\t1\r\n"},
		{"only what is at the end", "step\tm\n7\t1\n0\t1\n8\t1\n", 5, "step\tm\n7\t1\n0\t1\n"},
		{"several blocks", many + "2\tx\n3\tx\n", 2, many},
		{"several blocks dropped", many, 1, "step\tm\n"},
		{"empty", "", 0, ""},
		{"a metric called step", "step\n0\n1\n2\n", 1, "step\n0\n"},
	} {
		n, err := keepUntil(strings.NewReader(c.text), int64(len(c.text)), c.from)
		require.NoError(t, err, c.name)
		assert.Equal(t, len(c.want), int(n), c.name)
	}
}

func FuzzPoints(f *testing.F) {
	f.Add("step\tm\n0\t1\n1\t\"a\n", 1)
	f.Add("timestamp\tstep\tm\r\n1\t2\t3\r\n", 0)
	f.Fuzz(func(t *testing.T, text string, from int) {
		_, _ = points(t, text)
		n, err := keepUntil(strings.NewReader(text), int64(len(text)), from)
		if err != nil || n < 0 || n > int64(len(text)) {
			t.Fatalf("keep %d of %d: %v", n, len(text), err)
		}
		if n > 0 && text[n-1] != '\n' {
			t.Fatalf("a torn line is kept: %q", text[:n])
		}
	})
}

// FuzzSummary reads a summary into the form in which a resumed run keeps it,
// and back.
func TestLatestAndNames(t *testing.T) {
	fsys := fstest.MapFS{
		"metrics.json":                       {Data: []byte(`{"train": {"loss": 0.5, "note": "x"}, "best": true, "nan": NaN, "step": 7}`)},
		"plots/metrics/train/loss.tsv":       {Data: []byte("step\tloss\n0\t1.0\n")},
		"plots/metrics/acc.tsv":              {Data: []byte("step\tacc\n")},
		"plots/images/not-a-history.tsv.png": {},
	}
	names, err := Names(fsys)
	require.NoError(t, err)
	assert.Equal(t, []string{"acc", "train/loss"}, names)
	p, err := Latest(fsys, "train/loss")
	require.NoError(t, err)
	assert.Equal(t, Point{Step: 7, Value: 0.5, Text: "0.5"}, p)
	p, err = Latest(fsys, "best")
	require.NoError(t, err)
	assert.Equal(t, Point{Step: 7, Value: 1, Text: "True"}, p)
	p, err = Latest(fsys, "train/note")
	require.NoError(t, err)
	assert.True(t, math.IsNaN(p.Value))
	assert.Equal(t, "x", p.Text)
	for _, name := range []string{"train", "loss", "train/loss/x"} {
		_, err := Latest(fsys, name)
		assert.ErrorIs(t, err, fs.ErrNotExist, name)
		assert.ErrorContains(t, err, name)
	}
	_, err = Latest(fsys, "../x")
	assert.ErrorIs(t, err, ErrName)
	names, err = Names(fstest.MapFS{"train/loss.tsv": {}, "acc.tsv": {}})
	require.NoError(t, err)
	assert.Equal(t, []string{"acc", "train/loss"}, names, "the classic layout")
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"a": [1, 2.5, -0, 1e400, "x\u00e9", null, NaN, {}], "b": {"c": true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := pyjson.Decode("f", data)
		if err != nil {
			return
		}
		text := valueOf(x).appendJSON(nil, 0)
		again, err := pyjson.Decode("f", text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if twice := valueOf(again).appendJSON(nil, 0); !bytes.Equal(text, twice) {
			t.Fatalf("%q became %q", text, twice)
		}
	})
}

// FuzzResume opens whatever a directory may hold; it may refuse, not panic.
func FuzzResume(f *testing.F) {
	f.Add("lr: 1\n", `{"step": 3, "a": {"b": 1}}`, "step\ta\n0\t1\n")
	f.Add("", "{}", "")
	f.Fuzz(func(t *testing.T, params, metrics, history string) {
		t.Chdir(t.TempDir())
		require.NoError(t, os.MkdirAll("run/plots/metrics", 0o777))
		for name, text := range map[string]string{"params.yaml": params, "metrics.json": metrics, "plots/metrics/a.tsv": history} {
			require.NoError(t, os.WriteFile("run/"+name, []byte(text), 0o666))
		}
		l, err := Open("run", &Options{Resume: true, Lag: -1})
		if err != nil {
			return
		}
		l.Log("a", 1)
		_ = l.NextStep()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
