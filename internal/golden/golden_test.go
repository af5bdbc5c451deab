package golden_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
)

func TestDirFromEnvironment(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "dvc"), 0o755))
	t.Setenv(golden.EnvDir, root)
	assert.Equal(t, filepath.Join(root, "dvc"), golden.Dir(t, "dvc"))
}

func TestDirMissing(t *testing.T) {
	tests := []struct {
		name string
		ci   string
		want verdict
	}{
		{"skips in a bare clone", "", verdict{skipped: true}},
		{"fails where the cases must be", "true", verdict{failed: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(golden.EnvDir, t.TempDir())
			t.Setenv("CI", tt.ci)
			rec := &recorder{TB: t}
			golden.Dir(rec, "none")
			assert.Equal(t, tt.want, rec.verdict)
		})
	}
}

type verdict struct{ skipped, failed bool }

// recorder stands in for a test and notes how it would have ended.
type recorder struct {
	testing.TB
	verdict
}

func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }
