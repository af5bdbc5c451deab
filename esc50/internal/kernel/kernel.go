// Package kernel holds the inner loops of the compute backend: convolution,
// gradients of weights, batch normalisation fused with ReLU and pooling, sums
// and arithmetic on float32.
//
// Each loop exists for AVX-512, for AVX2 with FMA, for NEON, and in portable Go,
// and all of them give the same bits for all finite input:
//
//   - an output of [Conv] is one chain of fused multiply-adds in the order of
//     the taps, so that it matters not how outputs are spread over registers;
//   - a sum over elements is kept in sixteen lanes, element i in lane i mod 16,
//     and the lanes are added in one fixed tree, whatever the register width;
//   - portable Go does a fused multiply-add exactly ([FMA]).
//
// The assembler is written by gen. The exported functions check every slice
// against what the assembler will touch, and panic when it is too short; then
// each architecture has its own choice among its levels (dispatch_*.go).
package kernel

//go:generate go run gen/main.go gen/conv.go gen/rows.go gen/stats.go gen/winograd.go gen/product.go gen/columns.go gen/exp.go gen/log.go gen/trig.go gen/depthwise.go gen/scatter.go gen/turn.go gen/neon.go gen/neonconv.go gen/neonrows.go gen/neonexp.go

// Sizes of the register tiles.
const (
	Channels = 8  // output channels of a Conv tile
	Pixels   = 48 // pixels of a Conv tile
	Rows     = 4  // rows of a Weights group
	Columns  = 6  // columns of a Weights group
	Lanes    = 16 // lanes of a sum
)

// Norm holds the parameters of one channel of batch normalisation:
// z = (y-Mean)*Scale + Offset. For gradients, dy = G*K1 + ((y-Mean)*K2 + K3)
// with G the gradient of z.
type Norm struct {
	Mean, Scale, Offset, K1, K2, K3 float32
}

// Taps are the places, relative to an output, that a convolution reads.
type Taps struct {
	bytes []int64
	reach int
}

// NewTaps returns the taps at the given non-negative offsets, in elements.
func NewTaps(offsets []int) *Taps {
	t := new(Taps)
	for _, o := range offsets {
		if o < 0 {
			panic("kernel: negative tap")
		}
		t.bytes = append(t.bytes, int64(o)*4)
		t.reach = max(t.reach, o)
	}
	return t
}

// Len is the number of taps.
func (t *Taps) Len() int { return len(t.bytes) }

// Reach is the largest offset.
func (t *Taps) Reach() int { return t.reach }

// Conv sets, for eight channels c and tiles*48 pixels p,
//
//	out[c*stride+p] = sum over taps i of in[p+tap i] * w[8*i+c]
//
// as one chain of fused multiply-adds from zero.
func Conv(out []float32, stride int, in []float32, taps *Taps, w []float32, tiles int) {
	if tiles == 0 || taps.Len() == 0 {
		return
	}
	need(stride, Pixels*tiles)
	need(len(out), (Channels-1)*stride+Pixels*tiles)
	need(len(in), taps.reach+Pixels*tiles)
	need(len(w), Channels*taps.Len())
	conv(out, stride, in, taps, w, tiles)
}

// Weights adds inner products of four rows of dy with shifted copies of in to
// out: for row r, and tap 6*g+c,
//
//	out[24*g+6*r+c] += sum over i < 16*chunks of dy[r*stride+i] * in[i+tap]
//
// The number of taps must be a multiple of six.
func Weights(out []float32, dy []float32, stride int, in []float32, taps *Taps, chunks int) {
	if taps.Len() < Columns || chunks == 0 {
		return
	}
	if taps.Len()%Columns != 0 {
		panic("kernel: taps are not in groups of six")
	}
	need(len(out), Rows*taps.Len())
	need(len(dy), (Rows-1)*stride+Lanes*chunks)
	need(len(in), taps.reach+Lanes*chunks)
	dw(out, dy, stride, in, taps, chunks)
}

// need panics unless there are at least want elements.
func need(have, want int) {
	if have < want {
		panic("kernel: slice too short")
	}
}
