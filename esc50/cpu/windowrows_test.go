package cpu

import (
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapeinference"
	"github.com/gomlx/compute/shapes"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWindowRows reduces windows and their gradients by rows of channels, which
// is the same as element by element.
func TestWindowRows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	x := newRun(&Backend{workers: 2})
	for round := range 300 {
		dims := []int{1 + r.IntN(3), 1 + r.IntN(9), 1 + r.IntN(9), 4 + r.IntN(40)}
		size, stride, pads := []int{1, 1, 1, 1}, []int{1, 1, 1, 1}, make([][2]int, 4)
		for axis := range 3 {
			if axis == 0 && round%4 > 0 {
				continue
			}
			size[axis], stride[axis] = 1+r.IntN(min(3, dims[axis])), 1+r.IntN(3)
			pads[axis] = [2]int{r.IntN(size[axis]), r.IntN(size[axis])}
		}
		shape := shapes.Make(dtypes.Float32, dims...)
		out, err := shapeinference.ReduceWindow(shape, size, stride, nil, nil, pads)
		require.NoError(t, err)
		w := newWindow(shape, size, stride, pads, out)
		outer, n := w.byRows()
		require.NotNil(t, outer)
		src, grad := make([]float32, shape.Size()), make([]float32, out.Size())
		for i := range src {
			src[i] = float32(r.IntN(9)) // some are equal
		}
		for i := range grad {
			grad[i] = float32(r.NormFloat64())
		}
		for _, kind := range []compute.ReduceOpType{compute.ReduceOpMax, compute.ReduceOpMin, compute.ReduceOpSum} {
			name := []any{"%v: %v, windows %v by %v, padded %v", kind, dims, size, stride, pads}
			start := map[compute.ReduceOpType]float32{compute.ReduceOpMax: -1000, compute.ReduceOpMin: 1000}[kind]
			want, got := make([]float32, out.Size()), make([]float32, out.Size())
			for i := range want {
				want[i] = start
				w.each(i, func(at int) {
					switch kind {
					case compute.ReduceOpMax:
						want[i] = max(want[i], src[at])
					case compute.ReduceOpMin:
						want[i] = min(want[i], src[at])
					default:
						want[i] += src[at]
					}
				})
			}
			outer.reduceRows(x, rowKernels[kind], start, n, got, src)
			assert.Equal(t, want, got, name...)
			if kind == compute.ReduceOpSum {
				continue
			}
			want, got = make([]float32, len(src)), make([]float32, len(src))
			in := []tensor{{shape, src}, {out, grad}}
			numbersOf[float32]{}.scatterWindows(w, kind, in, []tensor{{shape, want}})
			outer.scatterRows(x, kind, n, got, src, grad)
			assert.Equal(t, want, got, name...)
		}
	}
}
