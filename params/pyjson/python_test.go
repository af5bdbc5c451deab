package pyjson_test

import (
	"bufio"
	"compress/gzip"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params/pyjson"
)

// TestMatchesPython reads what CPython 3.11 wrote for 1,500 random values and
// writes it again: json.dumps as it is, without ASCII escapes, indented and
// sorted, and repr.
func TestMatchesPython(t *testing.T) {
	f, err := os.Open("testdata/python.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	r, err := gzip.NewReader(f)
	require.NoError(t, err)
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	styles := []pyjson.Style{{ASCII: true}, {}, {ASCII: true, Indent: 4}, {ASCII: true, SortKeys: true}}
	for sc.Scan() {
		rec, err := pyjson.Decode("x", sc.Bytes())
		require.NoError(t, err)
		texts := rec.([]any)
		v, err := pyjson.Decode("x", []byte(texts[0].(string)))
		require.NoError(t, err)
		for i, s := range styles {
			got, err := pyjson.Marshal(v, s)
			require.NoError(t, err)
			assert.Equal(t, texts[i], string(got))
		}
		assert.Equal(t, texts[4], pyjson.Repr(v))
	}
	require.NoError(t, sc.Err())
}

func TestAppendFloat(t *testing.T) {
	for f, want := range map[float64]string{
		1: "1.0", 0.0001: "0.0001", 1e-5: "1e-05", 1e16: "1e+16", 9999999999999998: "9999999999999998.0",
		1.5e16: "1.5e+16", 1e100: "1e+100", 5e-324: "5e-324", math.Inf(-1): "-inf", 123456780000000: "123456780000000.0",
	} {
		assert.Equal(t, want, string(pyjson.AppendFloat(nil, f)))
	}
	assert.Equal(t, "nan", string(pyjson.AppendFloat(nil, math.NaN())))
	assert.Equal(t, "-0.0", string(pyjson.AppendFloat(nil, math.Copysign(0, -1))))
}

func TestAppendFloat32(t *testing.T) {
	for f, want := range map[float32]string{
		0.1: "0.1", 1e-4: "1e-04", 1e6: "1e+06", 16777216: "1.6777216e+07", 123456.79: "123456.79", 3: "3.0",
	} {
		assert.Equal(t, want, string(pyjson.AppendFloat32(nil, f)))
	}
}

func TestDecodeErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":              "x:1:1: expecting value",
		"{\"a\": 1,\n}": "x:2:1: expecting property name enclosed in double quotes",
		"[1 2]":         "x:1:4: expecting ',' delimiter",
		"{\"a\" 1}":     "x:1:6: expecting ':' delimiter",
		"\"a\nb\"":      "x:1:3: invalid control character",
		"\"é\\q\"":      `x:1:3: invalid \escape`,
		"1 2":           "x:1:3: extra data",
		"\"\\ud83\"":    `x:1:2: invalid \uXXXX escape`,
		"\xff":          "x:1:1: not valid UTF-8",
		"01":            "x:1:2: extra data",
	} {
		_, err := pyjson.Decode("x", []byte(text))
		assert.EqualError(t, err, want, text)
	}
	deep := make([]byte, 5000)
	for i := range deep {
		deep[i] = '['
	}
	_, err := pyjson.Decode("x", deep)
	assert.ErrorContains(t, err, "nested")
}

func TestMarshalRefuses(t *testing.T) {
	_, err := pyjson.Marshal(struct{}{}, pyjson.Style{})
	assert.Error(t, err)
	loop := &pyjson.Map{}
	loop.Set("self", loop)
	_, err = pyjson.Marshal(loop, pyjson.Style{})
	assert.ErrorContains(t, err, "nested")
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a": [1, -2.5e3, null, true, "\u00e9\ud83d\ude00"]}`, `[NaN, -Infinity]`, `"\x"`, "12345678901234567890"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := pyjson.Decode("x", data)
		if err != nil {
			return
		}
		out, err := pyjson.Marshal(v, pyjson.Style{ASCII: true})
		require.NoError(t, err)
		back, err := pyjson.Decode("x", out)
		require.NoError(t, err)
		require.Equal(t, pyjson.Repr(v), pyjson.Repr(back))
	})
}
