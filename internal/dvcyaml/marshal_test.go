package dvcyaml_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

func TestMarshalLayout(t *testing.T) {
	shared := []any{int64(64)}
	got := dvcyaml.Marshal(dvcyaml.NewMap(
		"l", []any{1, nil, dvcyaml.NewMap("a", 1, "b", []any{"x"}), []any{1, 2}},
		"empty", dvcyaml.NewMap(), "none", nil,
		"model", dvcyaml.NewMap("layers", shared), "model.layers", shared,
	))
	want := "l:\n- 1\n- \n- a: 1\n  b:\n  - x\n- - 1\n  - 2\nempty: {}\nnone:\n" +
		"model:\n  layers: &id001\n  - 64\nmodel.layers: *id001\n"
	assert.Equal(t, want, string(got))
}

func TestDecodeScalars(t *testing.T) {
	v, err := dvcyaml.Decode("x.yaml", []byte("a: 1_000\nb: yes\nc: 010\nd: 0o10\ne: 1e3\nf: .5e3\ng: 12:30\nh:\n"))
	require.NoError(t, err)
	want := dvcyaml.NewMap("a", int64(1000), "b", "yes", "c", int64(10), "d", int64(8), "e", 1000.0, "f", ".5e3", "g", "12:30", "h", nil)
	assert.Equal(t, want, v)
}
