package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTurnIsTheDefinition(t *testing.T) {
	old := Current()
	defer func() { _, _ = SetLevel(old) }()
	random := rand.New(rand.NewPCG(1, 2))
	for _, l := range available() {
		_, err := SetLevel(l)
		assert.NoError(t, err)
		for n := range 40 {
			src := make([]float32, 500)
			for i := range src {
				src[i] = float32(i)
			}
			var columns [Panel]int
			for j := range columns {
				columns[j] = random.IntN(len(src) - n)
			}
			dst := make([]float32, Panel*n+1)
			dst[Panel*n] = -1
			Turn(dst, src, &columns, n)
			for i, v := range dst[:Panel*n] {
				assert.Equal(t, float32(columns[i%Panel]+i/Panel), v, "%v: element %d of %d", l, i, n)
			}
			assert.Equal(t, float32(-1), dst[Panel*n])
		}
	}
}
