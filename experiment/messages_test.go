package experiment_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

// TestFirstRunMissesOutputs: outputs of which nothing is recorded before a stage first
// ran are warned of, in the workspace and in a copy, as DVC's checkout before a run does.
func TestFirstRunMissesOutputs(t *testing.T) {
	for name, temp := range map[string]bool{"workspace": false, "copy": true} {
		t.Run(name, func(t *testing.T) {
			p := exptest.New(t, nil)
			_, err := p.Open().Run(context.Background(), &experiment.RunOptions{Temp: temp})
			require.NoError(t, err)
			assert.Contains(t, p.Messages.String(), "Ran experiment(s)")
			assert.Contains(t, p.Messages.String(), "No file hash info found for '")
		})
	}
}
