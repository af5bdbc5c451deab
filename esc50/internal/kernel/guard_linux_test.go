package kernel

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// guarded returns n floats that end where the next byte cannot be touched, or,
// at the start, begin where the byte before cannot.
func guarded(t *testing.T, n int, atStart bool) []float32 {
	t.Helper()
	page := unix.Getpagesize()
	body := (4*n + page - 1) / page * page
	m, err := unix.Mmap(-1, 0, body+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Munmap(m) })
	require.NoError(t, unix.Mprotect(m[:page], unix.PROT_NONE))
	require.NoError(t, unix.Mprotect(m[page+body:], unix.PROT_NONE))
	at := page
	if !atStart {
		at += body - 4*n
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[at])), n)
}

// TestStaysInBounds runs every kernel on slices of the least allowed length
// between pages that fault when touched.
func TestStaysInBounds(t *testing.T) {
	old := Current()
	defer func() { _, _ = SetLevel(old) }()
	for _, l := range machine {
		_, err := SetLevel(l)
		require.NoError(t, err)
		for _, start := range []bool{true, false} {
			f := func(n int) []float32 { return guarded(t, n, start) }
			taps := NewTaps([]int{0, 1, 2, 50, 51, 52})
			Conv(f(7*100+96), 100, f(52+96), taps, f(6*8), 2)
			Weights(f(24), f(3*40+32), 40, f(52+32), taps, 2)
			for _, n := range []int{1, 5, 15, 16, 17, 33, 47, 100} {
				var p Norm
				var m Moments
				BNReLU(f(n), f(n), &p)
				BNGrad(f(n), f(n), f(n), &p)
				BNReLUPool(f(n), f(2*n), f(2*n), &p)
				BNReLUUnpool(f(2*n), f(2*n), f(n), f(2*n), f(2*n), &p)
				m[0].Add(f(n))
				m.AddBias(f(n), f(n), 1)
				m.AddGrad(f(n), f(n), &p)
				Binary(Div, f(n), f(n), f(n))
				Binary(Sub, f(n), f(n), f(1))
				Binary(Mul, f(n), f(1), f(n))
				Sqrt(f(n), f(n))
				Exp(f(n), f(n))
				Depthwise(f(3*n), f(52+52+n), taps, taps, 3, n, f(6*n))
				DepthwiseGrad(f(6*n), f(52+52+n), taps, taps, 3, n, f(3*n))
				for _, tr := range tiled {
					tr.do(f(tr.to*n), n, f(tr.from*n), n, n)
				}
			}
		}
	}
}
