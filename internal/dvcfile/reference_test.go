package dvcfile_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/params/pyjson"
)

const params = `a: 1
f: 0.001
e: 1e-5
s: text
t: true
n:
big: 123456789012345678901234567890
neg: -0.0
l: [1, two, 3.0, false, null]
mix: [x, true]
ll: [[1, 2], {k: v}]
d: {k1: {v: deep}, k2: 2, l: [10, 20]}
m: {name: net, lr: 0.001, layers: [64, 32], flag: true, off: false, none: null, nested: {a: 1, b: {c: two words}}, q: "it's", e: ''}
"with space": spaced
item: shadowed
`

// templates are bodies of dvc.yaml, each run by us and by DVC.
var templates = []string{
	"stages:\n  s:\n    cmd: echo ${a} ${f} ${e} ${s} ${t} ${n} ${big} ${neg}\n",
	"stages:\n  s:\n    cmd: ${s}\n",
	"stages:\n  s:\n    cmd: x\n    deps: ['${s}', 'p/${s}/${a}']\n    params: ['${s}', {'${s}.yaml': ['${s}']}]\n    outs: [{'o${a}': {desc: '${s}', cache: false}}]\n",
	"stages:\n  s:\n    cmd: echo \\${a} $${a} ${a ${ a } ${with space} ${d[k1].v} ${d.k1[v]} ${l[-1]} ${l.1} ${d.l[-2]}\n",
	"stages:\n  s:\n    cmd: echo ${ a } ${with space}x ${d[k1].v}${d.k1[v]} ${l[-1]} ${l.1} ${d.l[-2]} \\${a}\n",
	"stages:\n  s:\n    cmd: prog ${m}\n",
	"stages:\n  s:\n    cmd: [prog, 'x ${m.nested} y', '${s}', 5]\n",
	"stages:\n  s:\n    cmd: prog ${d}\n",
	"stages:\n  s:\n    cmd: prog ${ll}\n",
	"vars: [{x: {b: [[1]]}}]\nstages:\n  s:\n    cmd: prog ${x}\n",
	"stages:\n  s:\n    cmd: x\n    meta: {k: '${l}'}\n",
	"stages:\n  s:\n    cmd: x\n    outs: ['o${d}']\n",
	"stages:\n  s:\n    cmd: x\n    desc: '${n}'\n",
	"stages:\n  s:\n    foreach: ${l}\n    do: {cmd: 'echo ${item}'}\n",
	"stages:\n  s:\n    foreach: [1, 2.5, null, true, a b, '${t}', '${a}', 'x${t}']\n    do: {cmd: 'echo ${item}', outs: ['o${item}']}\n",
	"stages:\n  s:\n    foreach: ${mix}\n    do: {cmd: 'echo ${item}'}\n",
	"stages:\n  s:\n    foreach: [a, {k: 1}]\n    do: {cmd: 'echo ${item}'}\n",
	"stages:\n  s:\n    foreach: [{k: 1}, {k: '${s}'}]\n    do: {cmd: 'echo ${item.k}'}\n",
	"stages:\n  s:\n    foreach: ${ll}\n    do: {cmd: 'echo x'}\n",
	"stages:\n  s:\n    foreach: ${d}\n    do: {cmd: 'echo ${key}'}\n",
	"stages:\n  s:\n    foreach: {a: 1, 'b': {c: 2}, 'x${s}': 3, 4: 5}\n    do: {cmd: 'echo ${key}', meta: {i: ['${key}']}}\n",
	"stages:\n  s:\n    foreach: []\n    do: {cmd: '${'}\n",
	"stages:\n  s:\n    foreach: [a, a]\n    do: {cmd: 'echo ${item}'}\n",
	"stages:\n  s:\n    foreach: ${s}\n    do: {cmd: x}\n",
	"stages:\n  s:\n    foreach: ${nope}\n    do: {cmd: x}\n",
	"stages:\n  s:\n    foreach: [a]\n    do: {cmd: 'echo ${key}'}\n",
	"stages:\n  s:\n    foreach: [a]\n    do: {cmd: 'echo ${l[x]}'}\n",
	"stages:\n  s:\n    foreach: [a]\n    do: {cmd: 'echo ${}'}\n",
	"stages:\n  s:\n    foreach: [a]\n    do: {cmd: 'echo ${item}', vars: [{item: 3}]}\n",
	"stages:\n  s:\n    foreach: {a: 1}\n    do: {cmd: 'echo ${item}', vars: [{item: 3, key: 4}]}\n",
	"stages:\n  s:\n    foreach: [a@b]\n    do: {cmd: x}\n",
	"stages:\n  s:\n    foreach: ['']\n    do: {cmd: x}\n",
	"stages:\n  s:\n    matrix: {x: [a, b], y: '${l}', z: ab}\n    cmd: echo ${item.x} ${item.y} ${item.z} ${key}\n",
	"stages:\n  s:\n    matrix: {x: [{k: 1}, [2], 3], y: '${ll}'}\n    cmd: echo ${key}\n    meta: {v: '${item.z}'}\n",
	"stages:\n  s:\n    matrix: {x: [{k: 1}, [2], 3], y: '${ll}'}\n    cmd: echo ${key}\n",
	"stages:\n  s:\n    matrix: {x: [1, true, null, 1.5, '${t}'], y: '${d}'}\n    cmd: echo ${item.x}/${item.y}\n",
	"stages:\n  s:\n    matrix: {x: []}\n    cmd: x\n",
	"stages:\n  s:\n    matrix: {}\n    cmd: x\n",
	"stages:\n  s:\n    matrix: {x: '${nope}'}\n    cmd: x\n",
	"stages:\n  s@1: {cmd: x}\n",
	"stages:\n  s@1:\n    foreach: [a]\n    do: {cmd: x}\n",
	"stages:\n  s:\n    cmd: echo ${nope}\n",
	"stages:\n  s:\n    cmd: echo ${d.k3}\n",
	"stages:\n  s:\n    cmd: echo ${a.b} \n",
	"stages:\n  s:\n    cmd: echo ${l[5]}\n",
	"stages:\n  s:\n    cmd: echo ${l[x]}\n",
	"stages:\n  s:\n    cmd: echo ${}\n",
	"stages:\n  s:\n    cmd: echo ${a.}\n",
	"stages:\n  s:\n    cmd: echo ${a ${l[-1]} ${d[k1].v}\n",
	"stages:\n  s:\n    cmd: echo ${l}\n",
	"stages:\n  s:\n    cmd: x\n    wdir: ${s}x\n    deps: [a]\n",
	"stages:\n  s:\n    cmd: x\n    wdir: ${nope}\n",
	"vars: [{x: '${a}'}]\nstages: {s: {cmd: x}}\n",
	"vars: [nope.yaml]\nstages: {s: {cmd: x}}\n",
	"vars: [{a: 2}]\nstages: {s: {cmd: x}}\n",
	"vars: [{d: {k2: 3}}]\nstages: {s: {cmd: x}}\n",
	"vars: [{d: {new: 3}}]\nstages: {s: {cmd: 'echo ${d.new} ${d.k2}'}}\n",
	"vars: ['params.yaml:a']\nstages: {s: {cmd: x}}\n",
	"vars: [params.yaml, './params.yaml']\nstages: {s: {cmd: x}}\n",
	"vars: ['more.yaml:p', 'more.yaml:q']\nstages: {s: {cmd: 'echo ${p} ${q}'}}\n",
	"vars: ['more.yaml:p', 'more.yaml:p']\nstages: {s: {cmd: 'echo ${p}'}}\n",
	"vars: ['more.yaml:p', 'more.yaml']\nstages: {s: {cmd: 'echo ${p}'}}\n",
	"vars: ['more.yaml:p,q']\nstages: {s: {cmd: 'echo ${p} ${q}'}}\n",
	"vars: ['more.yaml:nope']\nstages: {s: {cmd: x}}\n",
	"vars: [list.yaml]\nstages: {s: {cmd: x}}\n",
	"stages:\n  s:\n    cmd: echo ${p}\n    vars: [more.yaml]\n  t:\n    cmd: echo ${p}\n",
	"stages:\n  s:\n    cmd: echo ${z}\n    vars: [{z: {y: 1}}, {z: {x: 2}}]\n",
	"stages:\n  s:\n    cmd: echo\n    vars: [{a: 5}]\n",
	"stages:\n  s:\n    cmd: echo\n    vars: ['params.yaml:a']\n",
	"stages:\n  s:\n    cmd: echo\n    vars: ['${a}']\n",
	"stages:\n  s:\n    cmd: x\n    params: [{p.yaml: a}]\n",
	"stages:\n  s:\n    cmd: x\n    params: [{p.yaml: []}, b, {p.yaml: [c]}, {params.yaml: }]\n    outs: [x, x]\n",
	"stages:\n  s:\n    cmd: x\n    outs: ['${a}']\n",
	"stages:\n  s:\n    cmd: x\n    plots: [{m.json: [{x: a}]}]\n",
}

// TestAgainstDVC runs every template through DVC's own resolver.
func TestAgainstDVC(t *testing.T) {
	var cases []map[string]string
	for _, y := range templates {
		cases = append(cases, map[string]string{
			"dvc.yaml": y, "params.yaml": params, "more.yaml": "p: 1\nq: [2]\n", "list.yaml": "- 1\n"})
	}
	compareWithDVC(t, cases)
}

// compareWithDVC loads the files of each case and expects the stages, or the
// message, that DVC gives.
func compareWithDVC(t *testing.T, cases []map[string]string) {
	t.Helper()
	var in bytes.Buffer
	for _, files := range cases {
		require.NoError(t, json.NewEncoder(&in).Encode(map[string]any{"files": files}))
	}
	answers := askDVC(t, &in)
	require.Len(t, answers, len(cases))
	for i, files := range cases {
		t.Run(strings.ReplaceAll(files["dvc.yaml"], "\n", " "), func(t *testing.T) {
			compareOne(t, files, answers[i])
		})
	}
}

func compareOne(t *testing.T, files map[string]string, answer json.RawMessage) {
	var want struct {
		Error, Crash string
		Stages       []struct {
			Name         string
			Fields       json.RawMessage
			Deps, Outs   []string
			Parametrized bool
		}
	}
	require.NoError(t, json.Unmarshal(answer, &want))
	fsys := fstest.MapFS{}
	for k, v := range files {
		fsys[k] = &fstest.MapFile{Data: []byte(v)}
	}
	file, err := dvcfile.Load(fsys, "dvc.yaml", nil)
	if want.Crash != "" {
		t.Logf("DVC crashes: %s; we say: %v", want.Crash, err)
		return
	}
	if err != nil && strings.Contains(err.Error(), "expected str or list, got ") {
		return // DVC notices such a command only when it runs it
	}
	if want.Error != "" {
		require.Error(t, err)
		got := withoutPlace(err.Error())
		if strings.HasSuffix(want.Error, "'None'") { // DVC forgets where a copied mapping came from
			want.Error, got = withoutLastQuote(want.Error), withoutLastQuote(got)
		}
		assert.Equal(t, want.Error, got)
		return
	}
	require.NoError(t, err)
	resolved, err := dvcfile.Resolve(fsys)
	require.NoError(t, err)
	require.Len(t, resolved, len(want.Stages))
	for i, r := range resolved {
		got, err := pyjson.Marshal(r.Fields, pyjson.Style{ASCII: true})
		require.NoError(t, err)
		assert.Equal(t, want.Stages[i].Name, r.Name)
		assert.Equal(t, string(want.Stages[i].Fields), string(got))
		s := file.Stages[i]
		assert.Equal(t, want.Stages[i].Parametrized, s.Parametrized, "parametrized")
		deps := append([]string{}, s.Deps...)
		for _, p := range s.Params {
			deps = append(deps, p.Path)
		}
		outs := []string{}
		for _, o := range s.Outs {
			outs = append(outs, o.Path)
		}
		assert.Equal(t, want.Stages[i].Deps, deps)
		assert.Equal(t, want.Stages[i].Outs, outs)
	}
}

// withoutPlace drops the last line, file:line:column, of a message.
func withoutPlace(msg string) string {
	if i := strings.LastIndex(msg, "\ndvc.yaml:"); i >= 0 {
		return msg[:i]
	}
	return msg
}

// withoutLastQuote cuts a message before its last quoted word.
func withoutLastQuote(msg string) string {
	return msg[:strings.LastIndex(strings.TrimSuffix(msg, "'"), "'")]
}

// askDVC runs testdata/resolve.py with the Python that DVC is installed in.
func askDVC(t *testing.T, cases *bytes.Buffer) []json.RawMessage {
	return askPython(t, "resolve.py", cases)
}

func askPython(t *testing.T, script string, cases *bytes.Buffer) []json.RawMessage {
	t.Helper()
	dvc := os.Getenv("REPRODL_DVC")
	if dvc == "" {
		dvc, _ = exec.LookPath("dvc")
	}
	if dvc == "" {
		t.Skip("needs DVC: set REPRODL_DVC to its program")
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(dvc), "python"), filepath.Join("testdata", script))
	cmd.Stdin = cases
	cmd.Env = append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+t.TempDir(), "TMPDIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var all []json.RawMessage
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var v json.RawMessage
		require.NoError(t, dec.Decode(&v))
		all = append(all, v)
	}
	return all
}
