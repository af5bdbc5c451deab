package data_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/data"
)

// An output that no run has recorded can't be checked out. DVC says so and
// deletes what is there; here it stays.
func TestCheckoutOfUnrecordedOutput(t *testing.T) {
	dir := repotest.New(t, map[string]string{
		"dvc.yaml": "stages:\n  s:\n    cmd: echo made > o\n    outs: [o]\n",
		"o":        "by hand\n",
	})
	repo, err := data.Open(dir, nil)
	require.NoError(t, err)

	_, err = repo.Checkout(t.Context(), nil)
	var unsaved *data.UnsavedError
	require.ErrorAs(t, err, &unsaved)
	assert.Equal(t, []string{filepath.Join(dir, "o")}, unsaved.Paths)

	_, err = repo.Checkout(t.Context(), &data.CheckoutOptions{Force: true})
	var failed *data.CheckoutError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []string{"o"}, failed.Targets)
	text, err := os.ReadFile(filepath.Join(dir, "o"))
	require.NoError(t, err)
	assert.Equal(t, "by hand\n", string(text))
}
