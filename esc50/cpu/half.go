package cpu

import (
	"math"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"
)

// GoMLX 0.28.2's own conversion to Float16 makes all subnormal numbers zero, and
// that to BFloat16 makes some of what is no number infinite.

// toFloat16 is the nearest number, the even one of two.
func toFloat16(x float32) float16.Float16 {
	bits := math.Float32bits(x)
	if abs := bits &^ (1 << 31); abs < 0x38800000 { // subnormal there: 0.5 has the same last place
		sum := math.Float32bits(math.Float32frombits(abs) + 0.5)
		return float16.Float16(bits>>16&0x8000 | sum - math.Float32bits(0.5))
	}
	return float16.FromFloat32(x)
}

// toBFloat16 likewise.
func toBFloat16(x float32) bfloat16.BFloat16 {
	if x != x {
		return bfloat16.BFloat16(math.Float32bits(x)>>16 | 0x40)
	}
	return bfloat16.FromFloat32(x)
}
