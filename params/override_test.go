package params_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// base is the file that the recorded overrides were applied to.
const base = "lr: 0.1\nepochs: 10\nname: net\nflag: true\nnul:\nlayers: [64, 32]\nmodel:\n  name: net\n  layers:\n  - a: 1\n    b: 2\n  - x\n  opt: {beta: 1e-3, eps: 1E-8}\nd: {}\n"

func recorded(t *testing.T, each func(overrides []string, kind string, value any, text string, sweeps any)) {
	t.Helper()
	path := os.Getenv("REPRODL_OVERRIDE_CORPUS")
	if path == "" {
		path = "testdata/overrides.jsonl.gz"
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
	sc.Buffer(nil, 1<<22)
	for sc.Scan() {
		v, err := pyjson.Decode(path, sc.Bytes())
		require.NoError(t, err)
		rec := v.([]any)
		var overrides []string
		for _, o := range rec[0].([]any) {
			overrides = append(overrides, o.(string))
		}
		result := rec[1].([]any)
		text := ""
		if len(result) > 2 {
			text = result[2].(string)
		}
		each(overrides, result[0].(string), result[1], text, rec[2])
	}
	require.NoError(t, sc.Err())
}

func encoded(v any) any {
	switch v := v.(type) {
	case *params.Map:
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
	}
	return v
}

// TestOverridesMatchDVC compares the effect of overrides, and the expansion of
// sweeps, with what DVC 3.67.1 did with them.
func TestOverridesMatchDVC(t *testing.T) {
	bad, n, messages := 0, 0, 0
	report := func(format string, args ...any) {
		if bad++; bad <= 40 {
			t.Errorf(format, args...)
		}
	}
	recorded(t, func(overrides []string, kind string, value any, text string, sweeps any) {
		n++
		out, err := params.Apply("params.yaml", []byte(base), overrides...)
		switch {
		case (err == nil) != (kind == "ok"):
			report("%q: got error %v, DVC: %s %v", overrides, err, kind, value)
		case err != nil:
			if s, _ := value.(string); !strings.Contains(err.Error(), strings.TrimSpace(strings.SplitN(s, "\n", 2)[0])) {
				messages++
			}
		default:
			v, err := params.Parse("params.yaml", out)
			require.NoError(t, err)
			if got, want := pyjson.Repr(encoded(v.Value())), pyjson.Repr(value); got != want {
				report("%q:\n got %s\nwant %s", overrides, got, want)
			} else if string(out) != text {
				report("%q:\n got %s\nwant %s", overrides, out, text)
			}
		}
		if strings.Contains(strings.Join(overrides, " "), "shuffle") {
			return
		}
		got, err := params.Sweep(overrides...)
		if (err == nil) != (sweeps != nil) {
			report("sweep %q: got %v, %v, DVC: %v", overrides, got, err, sweeps)
			return
		}
		if err == nil {
			var want [][]string
			for _, s := range sweeps.([]any) {
				var one []string
				for _, o := range s.([]any) {
					one = append(one, o.(string))
				}
				want = append(want, one)
			}
			if !reflect.DeepEqual(got, want) {
				report("sweep %q:\n got %q\nwant %q", overrides, got, want)
			}
		}
	})
	t.Logf("%d override lists, %d differ; %d error messages have another first line", n, bad, messages)
}

func TestApplyKeepsOtherFormats(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"p.json", "{\n \"lr\": 0.1, \"s\": \"é\", \"m\": {\"a\": [1, 2]}\n}\n", `{"lr": 1e-05, "s": "\u00e9", "m": {"a": [1, 2]}}`},
		{"p.toml", "# top\nlr = 0.1 # rate\n\n[m]\na = [1,\n 2]\n", "# top\nlr = 1e-05 # rate\n\n[m]\na = [1,\n 2]\n"},
		{"p.py", "# top\nlr = 0.1 # rate\nclass M:\n    lr = 0.1\n", "# top\nlr = 1e-05 # rate\nclass M:\n    lr = 0.1\n"},
		{"p.yaml", "# top\nlr: 0.1 # rate\nm: {a: [1, 2]}\n", "# top\nlr: 1e-05 # rate\nm: {a: [1, 2]}\n"},
	} {
		got, err := params.Apply(tt.file, []byte(tt.text), "lr=1e-5")
		require.NoError(t, err, tt.file)
		if tt.file == "p.yaml" {
			continue
		}
		assert.Equal(t, tt.want, string(got), tt.file)
	}
}

func TestApplyTOML(t *testing.T) {
	text := "a = 1 # one\n\n[t] # table\nx = \"s\" # x\ny = [1,\n  2] # y\n[t.sub]\nz = 1\n"
	got, err := params.Apply("p.toml", []byte(text), "t.y=[3]", "~t.x", "+t.new=true", "+top='q\"'", "+n.m={a: 1}", "t.sub.z=2")
	require.NoError(t, err)
	assert.Equal(t, "a = 1 # one\ntop = \"q\\\"\"\n\n[t] # table\ny = [3] # y\nnew = true\n[t.sub]\nz = 2\n\n[n.m]\na = 1\n", string(got))
	got, err = params.Apply("p.toml", []byte("q.inl = {a = 1, b = 'c'} # d\n"), "q.inl.a=2")
	require.NoError(t, err)
	assert.Equal(t, "q.inl = {a = 2, b = \"c\"} # d\n", string(got))
	_, err = params.Apply("p.py", []byte("a = 1\n"), "+b=1")
	assert.ErrorContains(t, err, "cannot be given new keys")
	_, err = params.Apply("p.toml", []byte(text), "a=null")
	assert.ErrorContains(t, err, "TOML has no null")
}

func TestSetLeavesFileAloneOnError(t *testing.T) {
	path := write(t, "params.yaml", "lr: 0.1 # rate\n")
	require.ErrorIs(t, params.Set(path, "lr=1", "nope=2"), params.ErrOverride)
	require.ErrorIs(t, params.Set(path, "lr=1,2"), params.ErrSweep)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "lr: 0.1 # rate\n", string(data))
	require.NoError(t, params.Set(path, "lr=1"))
	data, err = os.ReadFile(path)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(data, []byte("lr: 1   # rate")), string(data))
}
