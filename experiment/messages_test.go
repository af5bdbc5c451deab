package experiment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

// TestFirstRunMissesNoOutputs: that no output of a stage is recorded before the
// stage first ran is no news, neither in the workspace nor in a copy.
func TestFirstRunMissesNoOutputs(t *testing.T) {
	for name, temp := range map[string]bool{"workspace": false, "copy": true} {
		t.Run(name, func(t *testing.T) {
			p := exptest.New(t, nil)
			_, err := p.Open().Run(context.Background(), &experiment.RunOptions{Temp: temp})
			require.NoError(t, err)
			assert.Contains(t, p.Messages.String(), "Ran experiment(s)")
			assert.NotContains(t, p.Messages.String(), "No file hash info")
		})
	}
}
