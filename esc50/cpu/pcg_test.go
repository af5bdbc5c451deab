package cpu

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestPCG holds random bits, drawn by any number of workers, against package
// math/rand/v2.
func TestPCG(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 8 * grain, 8*grain + 1, 40*grain - 3} {
		source := rand.NewPCG(5, 6)
		want := make([]byte, 0, n+8)
		for len(want) < n {
			want = binary.LittleEndian.AppendUint64(want, source.Uint64())
		}
		for _, workers := range []int{1, 3} {
			got := make([]byte, n)
			x := newRun(&Backend{workers: workers})
			after := pcg{5, 6}.draw(x, got)
			assert.Equal(t, want[:n], got, "%d bytes by %d workers", n, workers)
			next := rand.NewPCG(after.hi, after.lo).Uint64()
			same := *source
			assert.Equal(t, same.Uint64(), next, "after %d bytes by %d workers", n, workers)
		}
	}
}
