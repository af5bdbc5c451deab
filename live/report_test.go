package live_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/live"
)

// TestLastReportStays: a report that was asked for while the run went on is not
// made after the last one, which says that the run has ended.
func TestLastReportStays(t *testing.T) {
	for range 100 {
		t.Chdir(t.TempDir())
		l := open(t, live.Options{Lag: -1, Report: live.HTMLReport})
		l.Log("loss", 1)
		require.NoError(t, l.NextStep()) // asks for a report
		require.NoError(t, l.Close())
		require.True(t, strings.Contains(read(t, l.ReportFile()), `"reload":0,`), "the page still follows the run")
	}
}
