package cpu_test

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/support/backendtest"

	"github.com/reprodl/reprodl/esc50/cpu"
)

// TestCompliance runs the suite of package compute for what the backend claims.
func TestCompliance(t *testing.T) {
	backendtest.RunAll(t, cpu.Default(), &backendtest.AllTestsConfiguration{
		ConvGeneralDTypes: []dtypes.DType{dtypes.Float32, dtypes.Float64, dtypes.Int32, dtypes.Int64},
	})
}
