package pipeline_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline/data"
)

// What is wrong with the parameters of a stage says where, for an editor to go
// there.
func TestParameterErrorsSayWhere(t *testing.T) {
	tests := []struct {
		name, text string
		file       string
		line       int
		key        string
		is         error
	}{
		{"missing key", "lr: 1\nmodel:\n  width: 2\n", "params.yaml", 3, "model.depth", params.ErrNotFound},
		{"missing section", "lr: 1\n", "params.yaml", 1, "model.depth", params.ErrNotFound},
		{"not YAML", "lr: 1\nmodel: [\n", "params.yaml", 2, "", params.ErrSyntax},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := repotest.New(t, map[string]string{
				"params.yaml": tt.text,
				"dvc.yaml":    "stages:\n  s:\n    cmd: echo > o\n    params: [model.depth]\n    outs: [o]\n",
			})
			_, err := repoAt(t, dir).Repro(t.Context(), nil)
			var at *params.Error
			require.ErrorAs(t, err, &at)
			assert.Contains(t, at.File, tt.file)
			assert.Equal(t, tt.line, at.Line)
			assert.Equal(t, tt.key, at.Key)
			assert.ErrorIs(t, err, tt.is)
		})
	}
}

func TestMissingInputs(t *testing.T) {
	dir := repotest.New(t, map[string]string{
		"params.yaml": "{}\n",
		"dvc.yaml":    "stages:\n  d:\n    cmd: cat in > o\n    deps: [in]\n    outs: [o]\n  p:\n    cmd: echo > q\n    params: [a, b]\n    outs: [q]\n",
	})
	_, err := repoAt(t, dir).Repro(t.Context(), nil, "d")
	var missing *data.MissingInputError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, "in", missing.Path)
	assert.ErrorIs(t, err, fs.ErrNotExist)
	_, err = repoAt(t, dir).Repro(t.Context(), nil, "p")
	require.ErrorAs(t, err, &missing)
	assert.ErrorContains(t, err, "Parameters 'a, b' are missing from 'params.yaml'.")
	require.Len(t, missing.Params, 2)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	_, err = repoAt(t, dir).Repro(t.Context(), nil, "nothing")
	assert.ErrorIs(t, err, data.ErrNotFound)
	_, err = repoAt(t, dir).Checkout(t.Context(), nil, "nothing")
	assert.ErrorIs(t, err, data.ErrNotFound)
}
