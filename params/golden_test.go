package params_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/golden"
	"github.com/reprodl/reprodl/params"
)

// TestGoldenOverrides replays the -S arguments of the recorded experiments on
// params.yaml and compares the file byte for byte.
func TestGoldenOverrides(t *testing.T) {
	root := golden.Dir(t, "dvc")
	cases, err := filepath.Glob(filepath.Join(root, "*", "case.json"))
	require.NoError(t, err)
	replayed := 0
	for _, path := range cases {
		var c struct {
			ID    string
			Steps []struct {
				Op     string
				Args   []string
				Expect string
				Edits  []struct{ Write struct{ Path, Text string } }
			}
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &c))
		file, err := os.ReadFile(filepath.Join(filepath.Dir(path), "input", "params.yaml"))
		if err != nil {
			continue
		}
		for _, step := range c.Steps {
			for _, e := range step.Edits {
				if e.Write.Path == "params.yaml" {
					file = []byte(e.Write.Text)
				}
			}
			var overrides []string
			for i, a := range step.Args {
				if a == "-S" {
					overrides = append(overrides, step.Args[i+1])
				}
			}
			if len(overrides) == 0 {
				continue
			}
			var want struct {
				Error *struct{ Class string }
				Files map[string]struct{ Text string }
			}
			data, err := os.ReadFile(filepath.Join(filepath.Dir(path), step.Expect))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &want))
			got, err := params.Apply("params.yaml", file, overrides...)
			if want.Error != nil { // some fail for other reasons, such as a name that is taken
				if want.Error.Class == "override_invalid" || want.Error.Class == "sweep_needs_queue" {
					assert.Error(t, err, "%s %q", c.ID, overrides)
				}
				continue
			}
			require.NoError(t, err, "%s %q", c.ID, overrides)
			if text := want.Files["params.yaml"].Text; text != "" {
				assert.Equal(t, text, string(got), "%s %q", c.ID, overrides)
				replayed++
			}
			file = got
		}
	}
	t.Logf("%d files", replayed)
}
