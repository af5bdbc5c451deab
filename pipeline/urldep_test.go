package pipeline_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repotest"
	_ "github.com/reprodl/reprodl/pipeline/remote/http"
)

// A run asks for the state of a URL once, however often it is needed.
func TestURLDependencyOnce(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("ETag", `"1"`)
	}))
	defer server.Close()
	dir := repotest.New(t, map[string]string{
		"dvc.yaml": "stages:\n  s:\n    cmd: echo > o\n    deps: [" + server.URL + "/f]\n    outs: [o]\n",
	})
	for _, what := range []string{"first", "nothing to do"} {
		asked.Store(0)
		_, err := repoAt(t, dir).Repro(t.Context(), nil)
		require.NoError(t, err)
		assert.EqualValues(t, 1, asked.Load(), what)
	}
	assert.Contains(t, repotest.Read(t, dir, "dvc.lock"), `checksum: '"1"'`)
}
