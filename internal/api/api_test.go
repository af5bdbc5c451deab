package api_test

import (
	"flag"
	"go/types"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/api"
)

var update = flag.Bool("update", false, "write api.txt anew")

// TestAPI compares the public API with the one that is written down.
func TestAPI(t *testing.T) {
	pkgs, err := api.Load("../..")
	require.NoError(t, err)
	var lines []string
	for _, p := range pkgs {
		lines = append(lines, api.Lines(p)...)
	}
	got := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile("api.txt", []byte(got), 0o666))
	}
	want, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "the API changed: if that is meant, run go test ./internal/api -update")
}

// TestNoHiddenTypes requires that callers can name and look up every type that
// they are handed.
func TestNoHiddenTypes(t *testing.T) {
	pkgs, err := api.Load("../..")
	require.NoError(t, err)
	for _, p := range pkgs {
		assert.Empty(t, api.Hidden(p), p.Path())
	}
}

// TestHidden shows an internal type in each place where one may not be.
func TestHidden(t *testing.T) {
	inner := types.NewPackage(api.Module+"/internal/secret", "secret")
	secret := types.NewNamed(types.NewTypeName(0, inner, "Thing", nil), types.NewStruct(nil, nil), nil)
	p := types.NewPackage(api.Module+"/open", "open")
	list := types.NewSlice(types.NewPointer(secret))
	p.Scope().Insert(types.NewVar(0, p, "Var", list))
	p.Scope().Insert(types.NewVar(0, p, "unseen", list))
	alias := types.NewTypeName(0, p, "Alias", nil)
	types.NewAlias(alias, secret)
	p.Scope().Insert(alias)
	holder := types.NewTypeName(0, p, "Holder", nil)
	types.NewNamed(holder, types.NewStruct([]*types.Var{
		types.NewField(0, p, "Shown", secret, false), types.NewField(0, p, "kept", secret, false),
	}, nil), nil)
	p.Scope().Insert(holder)
	p.Scope().Insert(types.NewFunc(0, p, "Func",
		types.NewSignatureType(nil, nil, nil, nil, types.NewTuple(types.NewParam(0, p, "", list)), false)))

	found := strings.Join(api.Hidden(p), "\n")
	for _, name := range []string{"Var", "Alias", "Holder.Shown", "Func"} {
		assert.Contains(t, found, "open."+name+": ")
	}
	assert.NotContains(t, found, "unseen")
	assert.NotContains(t, found, "kept")
}
