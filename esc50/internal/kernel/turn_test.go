package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTurnIsTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	atEveryLevel(t, func(l Level) {
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
	})
}

func TestPackPanelsIsTheDefinition(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	atEveryLevel(t, func(l Level) {
		for n := range 20 {
			const width, apart = PackedPanels * Panel, 20*Panel + 8
			src := make([]float32, 500)
			for i := range src {
				src[i] = float32(i)
			}
			places := make([]int, n+3)
			for k := range places {
				places[k] = random.IntN(len(src) - width)
			}
			dst, want := make([]float32, PackedPanels*apart), make([]float32, PackedPanels*apart)
			for k := 2; k < n+2; k++ {
				for j := range width {
					want[j/Panel*apart+Panel*(k-2)+j%Panel] = src[places[k]+j]
				}
			}
			PackPanels(dst, apart, src, NewTaps(places), 2, n+2)
			assert.Equal(t, want, dst, "%v: %d rows", l, n)
		}
	})
}

func atEveryLevel(t *testing.T, f func(Level)) {
	old := Current()
	defer func() { _, _ = SetLevel(old) }()
	for _, l := range available() {
		_, err := SetLevel(l)
		assert.NoError(t, err)
		f(l)
	}
}
