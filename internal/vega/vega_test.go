package vega_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/vega"
	"github.com/reprodl/reprodl/params/pyjson"
)

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := pyjson.Marshal(v, pyjson.Style{})
	require.NoError(t, err)
	return string(out)
}

func row(kv ...any) *dvcyaml.Map { return dvcyaml.NewMap(kv...) }

func TestBuiltinTemplatesFill(t *testing.T) {
	p := &vega.Plot{Title: "T", X: "a.b", Y: "y", XLabel: "ax", YLabel: "ay", Revs: []string{"workspace", "HEAD"},
		Sources: []vega.Source{{File: "f", Field: "y"}},
		Data:    []*dvcyaml.Map{row("a.b", int64(1), "y", 0.5, "rev", "workspace", "filename", "f", "field", "y")}}
	for _, name := range vega.Names() {
		t.Run(name, func(t *testing.T) {
			tmpl, err := vega.Load(name, nil, "")
			require.NoError(t, err)
			content, anchors, err := p.Spec(tmpl, false)
			require.NoError(t, err)
			assert.Zero(t, anchors.Len())
			out := text(t, content)
			assert.NotContains(t, out, "DVC_METRIC")
			assert.Contains(t, out, `"values": [{"a.b": 1, "y": 0.5, "rev": "workspace"}]`)
			assert.Contains(t, out, `a\\.b`)
			assert.Contains(t, out, `"text": "T"`)
		})
	}
}

func TestSplit(t *testing.T) {
	p := &vega.Plot{Title: "T", X: "x", Y: "y", Revs: []string{"r"}, Sources: []vega.Source{{Field: "y"}},
		Data: []*dvcyaml.Map{row("x", int64(1), "y", int64(2))}}
	tmpl, err := vega.Load("", nil, "")
	require.NoError(t, err)
	content, anchors, err := p.Spec(tmpl, true)
	require.NoError(t, err)
	assert.Contains(t, text(t, content), `"values": "<DVC_METRIC_DATA>"`)
	data, ok := anchors.Get("<DVC_METRIC_DATA>")
	require.True(t, ok)
	assert.Equal(t, `[{"x": 1, "y": 2}]`, text(t, data))
	color, _ := anchors.Get("<DVC_METRIC_COLOR>")
	assert.Equal(t, `{"field": "rev", "scale": {"domain": ["r"], "range": ["#945dd6"]}}`, text(t, color))
}

func TestSeveralSources(t *testing.T) {
	data := func() []*dvcyaml.Map {
		return []*dvcyaml.Map{row("x", int64(1), "y", int64(2), "rev", "r", "filename", "f", "field", "g")}
	}
	tests := []struct {
		name    string
		sources []vega.Source
		want    string
	}{
		{"files", []vega.Source{{File: "f", Field: "y"}, {File: "g", Field: "y"}}, `{"x": 1, "y": 2, "rev": "r", "filename": "f"}`},
		{"fields", []vega.Source{{File: "f", Field: "y"}, {File: "f", Field: "z"}}, `{"x": 1, "y": 2, "rev": "r", "field": "g"}`},
		{"both", []vega.Source{{File: "f", Field: "y"}, {File: "g", Field: "z"}}, `{"x": 1, "y": 2, "rev": "r", "filename::field": "f::g"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &vega.Plot{X: "x", Y: "y", Revs: []string{"r"}, Sources: tt.sources, Data: data()}
			tmpl, err := vega.Load("scatter", nil, "")
			require.NoError(t, err)
			content, _, err := p.Spec(tmpl, false)
			require.NoError(t, err)
			assert.Contains(t, text(t, content), `"values": [`+tt.want+`]`)
		})
	}
}

func TestCustomTemplates(t *testing.T) {
	fsys := fstest.MapFS{".dvc/plots/mine.json": {Data: []byte(`{"d": "<DVC_METRIC_DATA>", "t": "about <DVC_METRIC_TITLE>"}`)},
		"bad.json": {Data: []byte(`[]`)}, "nodata.json": {Data: []byte(`{}`)}}
	p := &vega.Plot{Title: "T", Data: []*dvcyaml.Map{row("a", int64(1), "filename", "f")}}
	tmpl, err := vega.Load("mine", fsys, ".dvc/plots")
	require.NoError(t, err)
	content, _, err := p.Spec(tmpl, false)
	require.NoError(t, err)
	assert.Equal(t, `{"d": [{"a": 1, "filename": "f"}], "t": "about T"}`, text(t, content))
	_, err = vega.Load("bad.json", fsys, ".dvc/plots")
	assert.ErrorContains(t, err, "not a JSON object")
	_, err = vega.Load("nope", fsys, ".dvc/plots")
	assert.EqualError(t, err, "Template 'nope' not found.")
	tmpl, err = vega.Load("nodata.json", fsys, "")
	require.NoError(t, err)
	_, _, err = p.Spec(tmpl, false)
	assert.ErrorContains(t, err, "is not using '<DVC_METRIC_DATA>' anchor")
	_, _, err = (&vega.Plot{X: "zz", Data: p.Data}).Spec(tmpl, false)
	assert.ErrorContains(t, err, "Field 'zz' does not exist")
}
